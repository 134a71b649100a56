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

/// Lists of bytes that are being written, one after the other.
#[derive(Debug, Default)]
pub(crate) struct Lists {
    pub bytes: Vec<u8>,
    /// Where each ends.
    ends: Vec<u32>,
}

/// So many lists share a place to begin to look for them.
const BLOCK: usize = 16;

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
        self.ends.extend(other.ends.iter().map(|end| start + end));
    }

    /// Ends the list that was being written.
    #[expect(clippy::cast_possible_truncation, reason = "a segment stays below 4 GiB")]
    pub fn end(&mut self) {
        self.ends.push(self.bytes.len() as u32);
    }

    /// The bytes of all lists, and what [`list`] finds one of them by: how many there are; where the first of each
    /// block begins, and where its length stands; all lengths.
    #[expect(clippy::cast_possible_truncation, reason = "a segment stays below 4 GiB")]
    pub fn finish(self) -> (Vec<u8>, Vec<u8>) {
        let mut lengths = Vec::with_capacity(self.ends.len() + self.ends.len() / 8);
        let mut places = Vec::with_capacity(4 + self.ends.len() / BLOCK * 8 + 8);
        places.extend((self.ends.len() as u32).to_le_bytes());
        let mut start = 0_u32;
        for (index, end) in self.ends.iter().enumerate() {
            if index % BLOCK == 0 {
                places.extend(start.to_le_bytes());
                places.extend((lengths.len() as u32).to_le_bytes());
            }
            push_varint(&mut lengths, u64::from(end - start));
            start = *end;
        }
        places.extend(lengths);
        (self.bytes, places)
    }
}

/// How many lists there are.
pub(crate) fn count(places: &[u8]) -> u32 {
    // Each has a length of a byte at least, whatever a damaged store says.
    u32_at(places, 0).unwrap_or(0).min(u32::try_from(places.len()).unwrap_or(u32::MAX))
}

/// The bytes of one list of [`Lists`].
#[inline]
pub(crate) fn list<'b>(bytes: &'b [u8], places: &[u8], index: usize) -> &'b [u8] {
    find(bytes, places, index).unwrap_or_default()
}

#[inline]
fn find<'b>(bytes: &'b [u8], places: &[u8], index: usize) -> Option<&'b [u8]> {
    let lists = count(places) as usize;
    if index >= lists {
        return None;
    }
    let block = index / BLOCK;
    let mut start = u32_at(places, 1 + 2 * block)? as usize;
    let lengths = 4 + lists.div_ceil(BLOCK) * 8 + u32_at(places, 2 + 2 * block)? as usize;
    let mut lengths = places.get(lengths..)?;
    for _ in 0..index % BLOCK {
        start += take_u32(&mut lengths)? as usize;
    }
    let length = take_u32(&mut lengths)? as usize;
    bytes.get(start..start.checked_add(length)?)
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
        let texts: Vec<Vec<u8>> = (0..100).map(|index| vec![b'a'; index * index % 300]).collect();
        let (one, other) = texts.split_at(37);
        let slices = |texts: &[Vec<u8>]| Lists::of_texts(texts.iter().map(Vec::as_slice));
        let mut lists = slices(one);
        lists.append(&slices(other));
        let (bytes, places) = lists.finish();
        assert_eq!(count(&places), 100);
        for (index, text) in texts.iter().enumerate() {
            assert_eq!(list(&bytes, &places, index), text);
        }
        assert_eq!(list(&bytes, &places, 100), b"");
        assert_eq!((count(&[]), list(&bytes, &[], 0)), (0, b"".as_slice()));
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
