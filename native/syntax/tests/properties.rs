//! Whatever the text: no panic, ranges within it, parents first; and a document says what a fresh outline says.

use std::ops::Range;
use std::path::Path;
use std::time::Duration;

use proptest::prelude::*;
use wainwright_syntax::{Document, Language, Limits, outline, syntax_errors};

mod laws;
use laws::check;

fn sample(language: Language) -> Vec<u8> {
    laws::sample(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/samples"), language)
}

fn any_language() -> impl Strategy<Value = Language> {
    prop::sample::select(Language::ALL.to_vec())
}

/// A cut of the text, as two numbers, and what is put there.
type Edit = (usize, usize, Vec<u8>);

fn any_edit() -> impl Strategy<Value = Edit> {
    let piece = prop_oneof![
        prop::sample::select(laws::PIECES.to_vec()).prop_map(|piece| piece.as_bytes().to_vec()),
        prop::collection::vec(any::<u8>(), 0..6),
    ];
    (any::<usize>(), 0..12_usize, piece)
}

fn place(text: &[u8], edit: &Edit) -> Range<usize> {
    let start = edit.0 % (text.len() + 1);
    start..(start + edit.1).min(text.len())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_have_an_outline(language in any_language(), text in prop::collection::vec(any::<u8>(), 0..300)) {
        check(&text, &outline(language, &text, &Limits::default()));
    }

    #[test]
    fn any_path_and_head_have_a_language_or_none(path in "(?s).{0,20}", head in prop::collection::vec(any::<u8>(), 0..80)) {
        if let Some(language) = Language::of(&path, &head) {
            prop_assert!(Language::ALL.contains(&language));
            let deeper = format!("folder/{path}");
            prop_assert_eq!(Language::of(&deeper, &head), Some(language));
        }
    }

    #[test]
    fn a_broken_sample_has_an_outline(language in any_language(), edits in prop::collection::vec(any_edit(), 1..12)) {
        let mut text = sample(language);
        for edit in &edits {
            let at = place(&text, edit);
            text.splice(at, edit.2.iter().copied());
        }
        let found = outline(language, &text, &Limits::default());
        check(&text, &found);
        prop_assert_eq!(found.errors, syntax_errors(language, &text));
    }

    #[test]
    fn a_document_says_what_a_fresh_outline_says(
        language in any_language(),
        edits in prop::collection::vec((any_edit(), any::<bool>()), 1..8),
    ) {
        let mut document = Document::new(language, sample(language));
        document.outline();
        for (edit, look) in &edits {
            let at = place(document.text(), edit);
            document.edit(at.start, at.end, &edit.2).expect("an edit inside the text");
            if *look {
                let found = document.outline();
                prop_assert_eq!(&found, &outline(language, document.text(), &Limits::default()));
            }
        }
        let found = document.outline();
        prop_assert_eq!(&found, &outline(language, document.text(), &Limits::default()));
        let text = document.text().to_vec();
        document.replace(&sample(language));
        prop_assert_eq!(document.text(), sample(language));
        document.replace(&text);
        prop_assert_eq!(document.outline(), found);
        prop_assert_eq!(document.text(), text);
    }
}

#[test]
fn depth_and_length_cost_only_time() {
    let limits = Limits { max_time: Duration::from_millis(200), ..Limits::default() };
    for language in Language::ALL {
        for piece in
            ["(", "{", "[", "((", "<a>", "if x:\n", "f(", "- ", "# ", "> ", "\"", "/*", "é", "\0", "a"]
        {
            let text = piece.repeat(10_000 / piece.len());
            check(text.as_bytes(), &outline(language, text.as_bytes(), &limits));
        }
    }
}

#[test]
fn a_text_beyond_the_limits_has_no_outline() {
    let limits = Limits { max_bytes: 3, ..Limits::default() };
    assert!(!outline(Language::Python, b"x=1", &limits).truncated);
    assert!(outline(Language::Python, b"x=10", &limits).truncated);
    let hurry = Limits { max_time: Duration::ZERO, ..Limits::default() };
    let long = b"x = 1\n".repeat(10_000);
    assert!(outline(Language::Python, &long, &hurry).truncated);
    assert!(!outline(Language::Python, b"x = 1\n", &Limits::default()).truncated);
}

#[test]
fn an_edit_outside_the_text_is_refused() {
    let mut document = Document::new(Language::Python, b"x = 1\n".to_vec());
    let error = document.edit(4, 9, b"2").expect_err("the text has 6 bytes");
    assert_eq!((error.range, error.length), (4..9, 6));
    assert_eq!(document.text(), b"x = 1\n");
}
