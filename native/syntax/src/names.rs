//! Names in the text of a node.

use std::ops::Range;

/// Whether a name is written as constants are: `MAX_SIZE`.
pub(crate) fn is_constant(name: &str) -> bool {
    name.len() > 1
        && name.chars().any(char::is_alphabetic)
        && name.chars().all(|c| c.is_uppercase() || c.is_ascii_digit() || c == '_')
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$' || byte >= 0x80
}

/// The last word that starts with a letter, `_` or `$`.
pub(crate) fn last_word(text: &[u8]) -> Option<Range<usize>> {
    let mut end = text.len();
    while end > 0 {
        end = text[..end].iter().rposition(|&byte| is_word(byte))? + 1;
        let start = text[..end].iter().rposition(|&byte| !is_word(byte)).map_or(0, |at| at + 1);
        // Digits before the first letter are no part of a word.
        if let Some(skip) = text[start..end].iter().position(|byte| !byte.is_ascii_digit()) {
            return Some(start + skip..end);
        }
        end = start;
    }
    None
}

/// What may stand before a type's path.
const BEFORE_TYPES: [&str; 7] = ["&", "mut ", "dyn ", " ", "\n", "\t", "::"];

/// The last part of a type's path, without references before it and arguments after it.
pub(crate) fn type_path(text: &[u8]) -> Option<Range<usize>> {
    let mut start = 0;
    loop {
        let rest = &text[start..];
        match BEFORE_TYPES.iter().find(|word| rest.starts_with(word.as_bytes())) {
            Some(word) => start += word.len(),
            None => break,
        }
    }
    let is_path = |&byte: &u8| is_word(byte) || byte == b':' || byte == b'.';
    let length = text[start..].iter().position(|byte| !is_path(byte)).unwrap_or(text.len() - start);
    let path = &text[start..start + length];
    let end = path.iter().rposition(|&byte| is_word(byte))? + 1;
    let first = path[..end].iter().rposition(|&byte| !is_word(byte)).map_or(0, |at| at + 1);
    Some(start + first..start + end)
}

/// The type in Go's `(name *Type[Arguments])`.
pub(crate) fn receiver(text: &[u8]) -> Option<Range<usize>> {
    let inside = text.strip_suffix(b")")?.trim_ascii_end();
    let inside = match inside.strip_suffix(b"]") {
        Some(_) => &inside[..inside.iter().position(|&byte| byte == b'[')?],
        None => inside,
    };
    let at = last_word(inside)?;
    (at.end == inside.trim_ascii_end().len()).then_some(at)
}

/// What stands between quotes, if there are any.
pub(crate) fn unquoted(text: &[u8]) -> Range<usize> {
    match text {
        [first @ (b'"' | b'\'' | b'`'), .., last] if first == last => 1..text.len() - 1,
        _ => 0..text.len(),
    }
}

/// The same of the name of a module.
pub(crate) fn unquote_module(text: &str) -> &str {
    let at = unquoted(text.as_bytes());
    &text[at]
}
