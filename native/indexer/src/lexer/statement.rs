//! A statement that begins with a keyword: where on its line that stands, and what comes of it.

use std::ops::Range;

use super::keywords::Kind;

/// What a keyword led to.
pub(crate) enum Finding<'t> {
    /// The place of a name in the text.
    Definition(Range<usize>, Kind),
    /// What is imported, as it is written.
    Import(&'t str),
    /// A module, and a name from it that may be a module itself.
    Name(&'t str, &'t str),
}

/// A keyword must begin its line, after at most so many bytes of other keywords.
const BEFORE_BYTES_MAX: usize = 120;

/// What stands before the keyword on its line; `None` if that is too much.
pub(crate) fn before(text: &[u8], at: usize) -> Option<&[u8]> {
    let from = at.saturating_sub(BEFORE_BYTES_MAX);
    match memchr::memrchr(b'\n', &text[from..at]) {
        Some(end) => Some(&text[from + end + 1..at]),
        None if from == 0 => Some(&text[..at]),
        None => None,
    }
}

/// Past spaces and tabs.
pub(crate) fn skip_blanks(text: &[u8], mut at: usize) -> usize {
    while matches!(text.get(at), Some(b' ' | b'\t')) {
        at += 1;
    }
    at
}
