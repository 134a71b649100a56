//! What is true of any outline, and the samples of the languages.

use std::fs;
use std::ops::Range;
use std::path::Path;

use wainwright_syntax::{Language, Outline};

/// What opens, closes or ends something in most languages: whatever is typed holds these.
pub const PIECES: [&str; 24] = [
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
    "class ",
    "`",
    "${",
    "<<E\n",
    "\t- ",
    "<script>",
];

/// The sample of a language among those in a folder.
pub fn sample(folder: &Path, language: Language) -> Vec<u8> {
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

/// Ranges within the text, parents first, references in order.
pub fn check(text: &[u8], outline: &Outline) {
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
