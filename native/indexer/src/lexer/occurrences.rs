//! What is kept of a word in a document: how often it has it, whether it defines it, and in which lines.

use std::ops::RangeInclusive;

use crate::bytes::{push_varint, take, take_u32};

/// A word's count is kept up to this bound.
pub(crate) const COUNT_MAX: u8 = 0x7F;
/// Beside a word's count: the file defines it.
pub(crate) const DEFINES: u8 = 0x80;

/// Lines are kept of words that so many files have: where there are fewer, these are soon read; more would not fit into
/// what an index may take on disk.
pub(crate) const LINED: RangeInclusive<u32> = 17..=1536;

/// Shorter runs of bytes have their length in one byte.
const LONG: u8 = u8::MAX;

/// Appends lines from 1, in order: how many bytes follow, and the steps from one to the next.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the lines of a file take less than 4 GiB; a short length is below 255"
)]
pub(crate) fn push_lines(lines: &[u32], bytes: &mut Vec<u8>) {
    let at = bytes.len();
    bytes.push(0);
    let mut before = 0;
    for line in lines {
        if *line != before {
            push_varint(bytes, u64::from(line - before));
            before = *line;
        }
    }
    let length = bytes.len() - at - 1;
    if length < usize::from(LONG) {
        bytes[at] = length as u8;
    } else {
        bytes[at] = LONG;
        bytes.extend((length as u32).to_le_bytes());
        bytes[at + 1..].rotate_right(4);
    }
}

/// Takes the steps of one word off the front of what [`push_lines`] wrote.
#[inline]
pub(crate) fn take_steps<'b>(bytes: &mut &'b [u8]) -> Option<&'b [u8]> {
    let [length] = take::<1>(bytes)?;
    let length = if length == LONG { u32::from_le_bytes(take(bytes)?) as usize } else { usize::from(length) };
    let (steps, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some(steps)
}

/// The lines that steps lead to.
pub(crate) fn lines_of(mut steps: &[u8], lines: &mut Vec<u32>) {
    lines.clear();
    let mut line = 0;
    while let Some(step) = take_u32(&mut steps) {
        line += step;
        lines.push(line);
    }
}
