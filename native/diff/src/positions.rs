//! Between byte offsets of a text and lines and characters, as editors count them.

/// What a character counts in a position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Bytes.
    Utf8,
    /// UTF-16 code units: two for characters beyond the basic plane.
    Utf16,
    /// Characters.
    Utf32,
}

impl Encoding {
    fn width(self, c: char) -> usize {
        match self {
            Self::Utf8 => c.len_utf8(),
            Self::Utf16 => c.len_utf16(),
            Self::Utf32 => 1,
        }
    }
}

/// A text and where its lines begin. A line ends at `\n`, `\r\n` or `\r`.
#[derive(Debug, Clone)]
pub struct Positions<'t> {
    text: &'t str,
    starts: Vec<usize>,
}

impl<'t> Positions<'t> {
    /// Looks for the line ends of a text.
    #[must_use]
    pub fn new(text: &'t str) -> Self {
        let mut starts = vec![0];
        let bytes = text.as_bytes();
        for at in memchr::memchr2_iter(b'\n', b'\r', bytes) {
            if bytes[at] == b'\n' || bytes.get(at + 1) != Some(&b'\n') {
                starts.push(at + 1);
            }
        }
        Self { text, starts }
    }

    /// How many lines there are; a text that ends with a line end has an empty line behind it.
    #[must_use]
    pub fn lines(&self) -> usize {
        self.starts.len()
    }

    /// The line and character of a byte offset, both from 0. An offset within a character is that of its beginning,
    /// one beyond the text that of its end.
    #[must_use]
    pub fn position(&self, offset: usize, encoding: Encoding) -> (usize, usize) {
        let mut offset = offset.min(self.text.len());
        while !self.text.is_char_boundary(offset) {
            offset -= 1;
        }
        let line = self.starts.partition_point(|start| *start <= offset) - 1;
        let before = &self.text[self.starts[line]..offset];
        let character =
            if before.is_ascii() { before.len() } else { before.chars().map(|c| encoding.width(c)).sum() };
        (line, character)
    }

    /// The byte offset of a line and character, both from 0. A character beyond the line is its end, before its line
    /// end; a line beyond the text is the end of the text; half a character is its beginning.
    #[must_use]
    pub fn offset(&self, line: usize, character: usize, encoding: Encoding) -> usize {
        let Some(&start) = self.starts.get(line) else {
            return self.text.len();
        };
        let end = self.starts.get(line + 1).copied().unwrap_or(self.text.len());
        let content = self.text[start..end].trim_end_matches(['\n', '\r']);
        let mut left = character;
        for (at, c) in content.char_indices() {
            let width = encoding.width(c);
            if left < width {
                return start + at;
            }
            left -= width;
        }
        start + content.len()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn characters_count_by_their_encoding() {
        let positions = Positions::new("aé\u{1f600}b\r\nc\rd\n");
        let all = [Encoding::Utf8, Encoding::Utf16, Encoding::Utf32];
        assert_eq!(all.map(|encoding| positions.position(7, encoding)), [(0, 7), (0, 4), (0, 3)]);
        assert_eq!(positions.position(5, Encoding::Utf16), (0, 2));
        assert_eq!(positions.offset(0, 3, Encoding::Utf16), 3);
        assert_eq!(positions.offset(0, 99, Encoding::Utf16), 8);
        assert_eq!((positions.lines(), positions.offset(9, 0, Encoding::Utf8)), (4, 14));
        assert_eq!(positions.position(12, Encoding::Utf16), (2, 0));
    }

    proptest! {
        #[test]
        fn any_numbers_mean_a_place(text in "[a\u{e9}\u{1f600}\n\r]{0,30}", line in 0..9_usize, character in 0..40_usize) {
            let positions = Positions::new(&text);
            for encoding in [Encoding::Utf8, Encoding::Utf16, Encoding::Utf32] {
                let offset = positions.offset(line, character, encoding);
                prop_assert!(text.is_char_boundary(offset));
                let (line, character) = positions.position(offset, encoding);
                prop_assert_eq!(positions.offset(line, character, encoding), offset);
                prop_assert!(positions.position(character * line, encoding).0 < positions.lines());
            }
        }

        #[test]
        fn there_and_back(text in "[a\u{e9}\u{1f600}\n\r]{0,30}") {
            let positions = Positions::new(&text);
            for (offset, _) in text.char_indices() {
                for encoding in [Encoding::Utf8, Encoding::Utf16, Encoding::Utf32] {
                    let (line, character) = positions.position(offset, encoding);
                    // Between the two characters of one line end there is no position of its own.
                    let inside = text[..offset].ends_with('\r') && text[offset..].starts_with('\n');
                    prop_assert_eq!(positions.offset(line, character, encoding), offset - usize::from(inside));
                }
            }
        }
    }
}
