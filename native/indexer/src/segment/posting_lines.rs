//! The lines in which a word stands, in a few bits each.
//!
//! Of each posting the steps from line to line are written by a Rice code, whose parameter follows from how many lines the
//! file and the posting have: so it takes no room. What is damaged reads as nothing.

use crate::lexer::occurrences::COUNT_MAX;

/// Writes the postings of one word.
#[derive(Debug, Default)]
pub(crate) struct Writer {
    bytes: Vec<u8>,
    pending: u64,
    filled: u32,
    /// Not of all postings the lines are known.
    incomplete: bool,
}

impl Writer {
    /// Adds the lower bits of a number, at most 32.
    fn bits(&mut self, number: u32, count: u32) {
        self.pending |= u64::from(number) << self.filled;
        self.filled += count;
        while self.filled >= 8 {
            self.byte();
        }
    }

    #[expect(clippy::cast_possible_truncation, reason = "one byte is taken off")]
    fn byte(&mut self) {
        self.bytes.push(self.pending as u8);
        self.pending >>= 8;
        self.filled = self.filled.saturating_sub(8);
    }

    fn unary(&mut self, mut number: u32) {
        while number >= 31 {
            self.bits(0x7FFF_FFFF, 31);
            number -= 31;
        }
        self.bits((1 << number) - 1, number + 1);
    }

    fn gamma(&mut self, number: u32) {
        let length = number.max(1).ilog2();
        self.unary(length);
        self.bits(number & ((1 << length) - 1), length);
    }

    /// Adds the lines of one posting, which ascend from 1. `total` is how many lines the file has, `times` the count of
    /// the posting. If there are none, they are not known.
    pub fn add(&mut self, lines: &[u32], total: u32, times: u32) {
        self.incomplete |= lines.is_empty();
        if self.incomplete {
            return;
        }
        let count = u32::try_from(lines.len()).unwrap_or(u32::MAX);
        if times >= u32::from(COUNT_MAX) {
            self.gamma(count);
        } else if times > 1 {
            self.gamma((times + 1).saturating_sub(count));
        }
        let parameter = parameter(total, count);
        let mut before = 0;
        for line in lines {
            let step = line - before - 1;
            self.unary(step >> parameter);
            self.bits(step & ((1 << parameter) - 1), parameter);
            before = *line;
        }
    }

    /// What was written, if the lines of all postings were known.
    pub fn finish(mut self) -> Option<Vec<u8>> {
        if self.filled > 0 {
            self.byte();
        }
        (!self.incomplete).then_some(self.bytes)
    }
}

/// Best for steps whose chances fall evenly.
fn parameter(total: u32, count: u32) -> u32 {
    (total / count.max(1)).saturating_mul(7).checked_div(10).unwrap_or(0).max(1).ilog2()
}

/// Reads the postings of one word, in the order in which they were written.
#[derive(Debug)]
pub(crate) struct Reader<'b> {
    bytes: &'b [u8],
    /// In bits.
    at: usize,
}

impl<'b> Reader<'b> {
    pub fn new(bytes: &'b [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// The next bits, at least 56 if there are as many.
    fn window(&self) -> u64 {
        let rest = self.bytes.get(self.at / 8..).unwrap_or_default();
        let mut eight = [0; 8];
        match rest.first_chunk() {
            Some(chunk) => eight = *chunk,
            None => eight[..rest.len()].copy_from_slice(rest),
        }
        u64::from_le_bytes(eight) >> (self.at % 8)
    }

    #[expect(clippy::cast_possible_truncation, reason = "at most 32 bits are taken")]
    fn bits(&mut self, count: u32) -> Option<u32> {
        let number = self.window() & ((1 << count) - 1);
        self.at += count as usize;
        (self.at <= self.bytes.len() * 8).then_some(number as u32)
    }

    fn unary(&mut self) -> Option<u32> {
        let mut number = 0;
        loop {
            let ones = self.window().trailing_ones().min(56);
            number += ones;
            self.at += ones as usize;
            if self.at >= self.bytes.len() * 8 {
                return None;
            }
            if ones < 56 {
                self.at += 1;
                return Some(number);
            }
        }
    }

    fn gamma(&mut self) -> Option<u32> {
        let length = self.unary().filter(|length| *length < 32)?;
        Some(1 << length | self.bits(length)?)
    }

    /// The lines of the next posting.
    pub fn take(&mut self, total: u32, times: u32) -> Option<Vec<u32>> {
        let count = match times {
            _ if times >= u32::from(COUNT_MAX) => self.gamma()?,
            2.. => (times + 1).checked_sub(self.gamma()?)?,
            _ => 1,
        };
        let parameter = parameter(total, count);
        let mut lines = Vec::with_capacity(count.min(1024) as usize);
        let mut line = 0_u32;
        for _ in 0..count {
            let step = self.unary()?.checked_shl(parameter)? | self.bits(parameter)?;
            line = line.checked_add(step)?.checked_add(1)?;
            lines.push(line);
        }
        Some(lines)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// How many lines a file has, in which of them a word stands, and how often beyond once a line.
    fn posting() -> impl Strategy<Value = (u32, Vec<u32>, u32)> {
        (1_u32..2_000_000, 1_usize..300, 0_u32..4).prop_flat_map(|(total, most, more)| {
            let lines = prop::collection::btree_set(1..=total, 1..=most.min(total as usize));
            (Just(total), lines.prop_map(|lines| lines.into_iter().collect()), Just(more))
        })
    }

    fn times(lines: &[u32], more: u32) -> u32 {
        (u32::try_from(lines.len()).unwrap() + more).min(u32::from(COUNT_MAX))
    }

    proptest! {
        #[test]
        fn lines_come_back(postings in prop::collection::vec(posting(), 1..12)) {
            let mut writer = Writer::default();
            for (total, lines, more) in &postings {
                writer.add(lines, *total, times(lines, *more));
            }
            let bytes = writer.finish().unwrap();
            let mut reader = Reader::new(&bytes);
            for (total, lines, more) in &postings {
                prop_assert_eq!(&reader.take(*total, times(lines, *more)), &Some(lines.clone()));
            }
        }

        #[test]
        fn damaged_bytes_end(bytes in prop::collection::vec(any::<u8>(), 0..200), total in any::<u32>(), times in 1_u32..128) {
            let mut reader = Reader::new(&bytes);
            let mut read = 0;
            while reader.take(total, times).is_some() {
                read += 1;
                prop_assert!(read <= bytes.len() * 8);
            }
        }
    }

    #[test]
    fn a_line_takes_about_as_many_bits_as_it_must() {
        // One of 256 lines cannot be told by less than eight bits.
        let mut writer = Writer::default();
        for line in 1..=256 {
            writer.add(&[line], 256, 1);
        }
        assert!(writer.finish().unwrap().len() <= 256 * 10 / 8);
        let mut writer = Writer::default();
        writer.add(&[1], 9, 1);
        writer.add(&[], 9, 1);
        assert_eq!(writer.finish(), None);
    }
}
