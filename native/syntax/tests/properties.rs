//! Whatever the text: no panic, ranges within it, parents first; and a document says what a fresh outline says.

use std::fs;
use std::ops::Range;
use std::path::Path;
use std::time::Duration;

use proptest::prelude::*;
use wainwright_syntax::{Document, Language, Limits, Outline, outline, syntax_errors};

fn sample(language: Language) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/samples");
    fs::read_dir(folder)
        .expect("the samples")
        .map(|entry| entry.expect("an entry").path())
        .find(|path| {
            path.file_stem().is_some_and(|stem| stem == language.name())
                && path.extension().is_some_and(|extension| extension != "outline")
        })
        .map(|path| fs::read(path).expect("a sample"))
        .expect("a sample of each language")
}

fn check(text: &[u8], outline: &Outline) {
    let utf8 = std::str::from_utf8(text).ok();
    let inside = |range: &Range<u32>| {
        let (start, end) = (range.start as usize, range.end as usize);
        assert!(start <= end && end <= text.len(), "{range:?} of {}", text.len());
        if let Some(text) = utf8 {
            assert!(text.is_char_boundary(start) && text.is_char_boundary(end), "{range:?}");
        }
    };
    for (index, definition) in outline.definitions.iter().enumerate() {
        for range in [&definition.whole, &definition.core, &definition.signature, &definition.name_at] {
            inside(range);
        }
        for range in definition.body.iter().chain(&definition.doc) {
            inside(range);
        }
        assert!(!definition.name.is_empty());
        assert!(
            definition.whole.start <= definition.core.start && definition.core.end <= definition.whole.end
        );
        assert_eq!(definition.signature.start, definition.core.start);
        assert!(definition.signature.end <= definition.core.end);
        assert!(1 <= definition.start_line && definition.start_line <= definition.end_line);
        assert!(definition.parent.is_none_or(|parent| (parent as usize) < index));
        assert!(outline.qualname(index).ends_with(&definition.name));
    }
    for reference in &outline.references {
        inside(&reference.at);
        assert!(reference.within.is_none_or(|within| (within as usize) < outline.definitions.len()));
    }
    assert!(outline.references.windows(2).all(|pair| pair[0].at.start < pair[1].at.start));
    for import in &outline.imports {
        inside(&import.at);
        assert!(!import.module.is_empty());
    }
}

fn any_language() -> impl Strategy<Value = Language> {
    prop::sample::select(Language::ALL.to_vec())
}

/// A cut of the text, as two numbers, and what is put there.
type Edit = (usize, usize, Vec<u8>);

fn any_edit() -> impl Strategy<Value = Edit> {
    let pieces = [
        "",
        "\n",
        "    ",
        "(",
        ")",
        "{",
        "}",
        "\"",
        "'",
        "/*",
        "#",
        "x",
        "def f():\n",
        ";",
        "é",
        "\0",
        "<",
        "fn ",
    ];
    let piece = prop_oneof![
        prop::sample::select(pieces.to_vec()).prop_map(|piece| piece.as_bytes().to_vec()),
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
