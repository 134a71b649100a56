//! What of a file's bytes is text.

use std::borrow::Cow;

/// A NUL byte among so many first bytes makes a file binary; after a later one nothing is read.
pub(crate) const BINARY_HEAD: usize = 64 * 1024;

/// The text of a file: without a byte order mark, UTF-16 (told by its mark) as UTF-8, and only up to the
/// first NUL byte. `None` if the file is binary.
///
/// The text may hold bytes that are not UTF-8.
pub(crate) fn text(content: &[u8]) -> Option<Cow<'_, [u8]>> {
    match content {
        [0xEF, 0xBB, 0xBF, rest @ ..] => up_to_nul(rest).map(Cow::Borrowed),
        [0xFF, 0xFE, rest @ ..] => decode(rest, u16::from_le_bytes),
        [0xFE, 0xFF, rest @ ..] => decode(rest, u16::from_be_bytes),
        _ => up_to_nul(content).map(Cow::Borrowed),
    }
}

fn up_to_nul(content: &[u8]) -> Option<&[u8]> {
    match memchr::memchr(0, content) {
        Some(at) if at < BINARY_HEAD => None,
        Some(at) => Some(&content[..at]),
        None => Some(content),
    }
}

fn decode(content: &[u8], unit: fn([u8; 2]) -> u16) -> Option<Cow<'_, [u8]>> {
    let units = content.chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
    let decoded: String =
        char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
    let length = up_to_nul(decoded.as_bytes())?.len();
    let mut bytes = decoded.into_bytes();
    bytes.truncate(length);
    Some(Cow::Owned(bytes))
}

/// True if the character is part of a word, as `\w` has it.
pub(crate) fn is_word(character: char) -> bool {
    regex_syntax::is_word_character(character)
}

/// The first character of some bytes and its length; `None` if they do not begin with valid UTF-8.
pub(crate) fn first_char(bytes: &[u8]) -> Option<(char, usize)> {
    let head = &bytes[..bytes.len().min(4)];
    let valid = match std::str::from_utf8(head) {
        Ok(valid) => valid,
        Err(error) => std::str::from_utf8(&head[..error.valid_up_to()]).ok()?,
    };
    valid.chars().next().map(|first| (first, first.len_utf8()))
}

/// The last character of some bytes; `None` if they do not end with valid UTF-8.
pub(crate) fn last_char(bytes: &[u8]) -> Option<char> {
    let mut starts = (1..=bytes.len().min(4)).map(|back| bytes.len() - back);
    let start = starts.find(|at| (bytes[*at] & 0xC0) != 0x80)?;
    let (last, length) = first_char(&bytes[start..])?;
    (start + length == bytes.len()).then_some(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn as_text(content: &[u8]) -> Option<String> {
        text(content).map(|text| String::from_utf8_lossy(&text).into_owned())
    }

    #[test]
    fn marks_are_taken_off_and_utf16_is_read() {
        assert_eq!(as_text(b"\xef\xbb\xbfone").unwrap(), "one");
        assert_eq!(as_text(b"\xff\xfeo\0n\0e\0\xe9\0").unwrap(), "oneé");
        assert_eq!(as_text(b"\xfe\xff\0o\0n\0e").unwrap(), "one");
        assert_eq!(as_text(b"").unwrap(), "");
    }

    #[test]
    fn an_early_nul_makes_a_file_binary_and_a_late_one_ends_it() {
        assert_eq!(as_text(b"one\0two"), None);
        let mut late = vec![b'x'; BINARY_HEAD];
        late.extend(b"\0two");
        assert_eq!(as_text(&late).unwrap().len(), BINARY_HEAD);
    }

    #[test]
    fn characters_at_both_ends() {
        assert_eq!(first_char("éa".as_bytes()), Some(('é', 2)));
        assert_eq!(first_char(b"\xff"), None);
        assert_eq!(first_char(b""), None);
        assert_eq!(last_char("aé".as_bytes()), Some('é'));
        assert_eq!(last_char(b"a\x80"), None);
        assert_eq!(last_char(b"\x80\x80\x80\x80\x80"), None);
        assert_eq!(last_char(b""), None);
    }
}
