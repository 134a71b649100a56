//! A table from hashes to numbers, in bytes.

use crate::bytes::u32_at;
use crate::lexer::lexicon::slot_for;

/// A table of 32-bit numbers + 1 by hash; 0 is free.
#[expect(clippy::cast_possible_truncation, reason = "there are fewer than 2^32 words")]
pub(crate) fn slots(hashes: impl Iterator<Item = u64>, count: usize) -> Vec<u8> {
    let room = count * 5 / 4 + 1;
    let mut slots = vec![0_u32; room];
    for (id, hash) in hashes.enumerate() {
        let mut at = slot_for(hash, room);
        while slots[at] != 0 {
            at = if at + 1 == room { 0 } else { at + 1 };
        }
        slots[at] = id as u32 + 1;
    }
    slots.into_iter().flat_map(u32::to_le_bytes).collect()
}

/// Looks a hash up in a table of numbers + 1, 32 bits each.
pub(crate) fn find(slots: &[u8], hash: u64, is: impl Fn(u32) -> bool) -> Option<u32> {
    let room = slots.len() / 4;
    let start = slot_for(hash, room);
    // A damaged table may have no free place.
    for at in (start..room).chain(0..start) {
        let id = u32_at(slots, at)?.checked_sub(1)?;
        if is(id) {
            return Some(id);
        }
    }
    None
}
