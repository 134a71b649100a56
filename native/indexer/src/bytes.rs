//! Numbers and lists in bytes, as a segment keeps them. What is out of bounds reads as nothing: a damaged store
//! gives wrong answers at worst.

/// Appends a number, seven bits a byte.
#[expect(clippy::cast_possible_truncation, reason = "seven bits at a time")]
pub(crate) fn push_varint(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

/// Takes a number off the front.
#[inline]
pub(crate) fn take_varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    let mut shift = 0;
    loop {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(byte & 0x7F) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
        shift += 7;
        if shift > 63 {
            return None;
        }
    }
}

/// Takes a number that fits into 32 bits off the front.
#[inline]
pub(crate) fn take_u32(bytes: &mut &[u8]) -> Option<u32> {
    take_varint(bytes).and_then(|number| u32::try_from(number).ok())
}

/// Takes some bytes off the front.
pub(crate) fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (head, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(*head)
}

/// Appends a text with its length.
pub(crate) fn push_text(bytes: &mut Vec<u8>, text: &str) {
    push_varint(bytes, text.len() as u64);
    bytes.extend_from_slice(text.as_bytes());
}

/// Takes a text off the front.
pub(crate) fn take_text<'b>(bytes: &mut &'b [u8]) -> Option<&'b str> {
    let length = usize::try_from(take_varint(bytes)?).ok()?;
    let (text, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    std::str::from_utf8(text).ok()
}

/// The number at an index of an array of 32-bit numbers.
#[inline]
pub(crate) fn u32_at(array: &[u8], index: usize) -> Option<u32> {
    let four = array.get(index * 4..index * 4 + 4)?;
    Some(u32::from_le_bytes(four.try_into().ok()?))
}

/// Lists of bytes, one after the other, and where each ends.
#[derive(Debug, Default)]
pub(crate) struct Lists {
    pub bytes: Vec<u8>,
    pub ends: Vec<u8>,
}

impl Lists {
    pub fn of_texts<'t>(texts: impl Iterator<Item = &'t [u8]>) -> Self {
        let mut lists = Self::default();
        for text in texts {
            lists.bytes.extend_from_slice(text);
            lists.end();
        }
        lists
    }

    /// Adds the lists of another one behind these.
    #[expect(clippy::cast_possible_truncation, reason = "a segment stays below 4 GiB")]
    pub fn append(&mut self, other: &Self) {
        let start = self.bytes.len() as u32;
        self.bytes.extend_from_slice(&other.bytes);
        let ends = other.ends.chunks_exact(4).filter_map(|end| u32_at(end, 0));
        self.ends.extend(ends.flat_map(|end| (start + end).to_le_bytes()));
    }

    /// Ends the list that was being written.
    #[expect(clippy::cast_possible_truncation, reason = "a segment stays below 4 GiB")]
    pub fn end(&mut self) {
        self.ends.extend((self.bytes.len() as u32).to_le_bytes());
    }
}

/// The bytes of one list of [`Lists`].
#[inline]
pub(crate) fn list<'b>(bytes: &'b [u8], ends: &[u8], index: usize) -> &'b [u8] {
    let start = match index.checked_sub(1) {
        None => 0,
        Some(before) => u32_at(ends, before).unwrap_or(0),
    };
    let end = u32_at(ends, index).unwrap_or(0);
    bytes.get(start as usize..end as usize).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back() {
        let mut bytes = Vec::new();
        let numbers = [0, 1, 127, 128, 300, u64::from(u32::MAX), u64::MAX];
        for number in numbers {
            push_varint(&mut bytes, number);
        }
        let mut rest = bytes.as_slice();
        assert_eq!(numbers.map(|_| take_varint(&mut rest).unwrap()), numbers);
        assert_eq!(take_varint(&mut rest), None);
        assert_eq!(take_varint(&mut [0x80; 12].as_slice()), None);
    }

    #[test]
    fn lists_come_back_and_absent_ones_are_empty() {
        let lists = Lists::of_texts([b"one".as_slice(), b"", b"three"].into_iter());
        let read = |index| list(&lists.bytes, &lists.ends, index);
        assert_eq!([read(0), read(1), read(2), read(3)], [b"one".as_slice(), b"", b"three", b""]);
    }

    #[test]
    fn texts_come_back() {
        let mut bytes = Vec::new();
        push_text(&mut bytes, "héllo");
        let mut rest = bytes.as_slice();
        assert_eq!(take_text(&mut rest), Some("héllo"));
        assert_eq!(take_text(&mut [9, b'a'].as_slice()), None);
    }
}
