//! How a batch is written down, and read again.
//!
//! A record: a head with lengths and a checksum; far from it, for it changes, a mark that says how the batch ended;
//! then what is to be done ([`Meta`]), and all new contents end to end.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::batch::Batch;
use crate::beneath::Stamp;
use crate::{Expected, Hash};

/// Records start at multiples of this. Bytes.
pub const PAGE: u64 = 4096;
pub const PAGE_BYTES: usize = 4096;
pub const HEAD: usize = 512;
pub const MARK_AT: usize = 256;
const CHECKED: usize = 24;

/// How a batch ended. Zero: it did not, as far as is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    Open = 0,
    /// Every file is in place, as programs see it; the disk may not know yet.
    Done = 1,
    /// It failed and was taken back.
    Void = 2,
}

/// What the beginning of a record says.
pub struct Head {
    /// Which record it is, counted from 1.
    pub sequence: u64,
    /// Bytes of the record with the head; not checked yet.
    pub length: u64,
    pub mark: Mark,
}

impl Head {
    pub fn of(bytes: &[u8; HEAD]) -> Self {
        let mark = match bytes[MARK_AT] {
            1 => Mark::Done,
            2 => Mark::Void,
            _ => Mark::Open,
        };
        Self { sequence: number(bytes), length: number(&bytes[16..]), mark }
    }
}

/// What is to be done.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Meta {
    pub id: u64,
    /// Nanoseconds since 1970.
    pub at: i64,
    /// Which start of the machine it was, where that can be known.
    pub boot: Option<Vec<u8>>,
    pub root: Vec<u8>,
    pub entries: Vec<Entry>,
}

impl Meta {
    pub fn of(batch: &Batch<'_>, root: &Path, boot: Option<Vec<u8>>) -> Self {
        let entries = batch.steps.iter().map(|step| Entry {
            path: step.plain.as_os_str().as_bytes().to_vec(),
            mode: step.mode_bits(),
            length: step.content.map(|content| content.len() as u64),
            old: step.old,
            before: match step.expected {
                Expected::Content(content) => Some(Hash::of(content)),
                Expected::Anything | Expected::Nothing => None,
            },
        });
        let root = root.as_os_str().as_bytes().to_vec();
        Self { id: batch.id, at: now(), boot, root, entries: entries.collect() }
    }
}

/// One file of it.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    path: Vec<u8>,
    pub mode: Option<u32>,
    /// Length of the new content; `None` deletes.
    pub length: Option<u64>,
    pub old: Option<Stamp>,
    /// What the old content has to be, where that is known.
    pub before: Option<Hash>,
}

impl Entry {
    pub fn path(&self) -> &Path {
        Path::new(OsStr::from_bytes(&self.path))
    }

    /// Whether a file is the one that was there when the batch was planned.
    pub fn was(&self, stamp: &Stamp, bytes: &[u8]) -> bool {
        self.old.is_some_and(|old| old.same_content(stamp))
            && self.before.is_none_or(|before| before == Hash::of(bytes))
    }

    /// Bytes of the longest content that the batch knows of.
    pub fn longest(&self) -> u64 {
        self.length.unwrap_or(0).max(self.old.map_or(0, |old| old.size))
    }
}

/// Lays out a record.
pub fn encode(sequence: u64, meta: &Meta, contents: &[&[u8]]) -> Vec<u8> {
    // Writing to memory fails only if a value cannot be serialized, and all of these can.
    let meta = postcard::to_stdvec(meta).unwrap_or_default();
    let length = HEAD + meta.len() + contents.iter().map(|content| content.len()).sum::<usize>();
    let mut record = Vec::with_capacity(length.next_multiple_of(PAGE_BYTES));
    record.extend_from_slice(&sequence.to_le_bytes());
    record.extend_from_slice(&(meta.len() as u64).to_le_bytes());
    record.extend_from_slice(&(length as u64).to_le_bytes());
    record.resize(HEAD, 0);
    record.extend_from_slice(&meta);
    for content in contents {
        record.extend_from_slice(content);
    }
    let sum = checksum(&record);
    record[CHECKED..CHECKED + 32].copy_from_slice(&sum);
    record
}

/// Takes a record apart; `None` if it is not exactly what was written.
pub fn decode(record: &[u8]) -> Option<(Meta, Vec<Option<Vec<u8>>>)> {
    if record.len() < HEAD || record[CHECKED..CHECKED + 32] != checksum(record) {
        return None;
    }
    let length = usize::try_from(number(&record[8..])).ok()?;
    let (meta, mut rest) = record[HEAD..].split_at_checked(length)?;
    let meta: Meta = postcard::from_bytes(meta).ok()?;
    let mut contents = Vec::with_capacity(meta.entries.len());
    for entry in &meta.entries {
        let Some(length) = entry.length else {
            contents.push(None);
            continue;
        };
        let (content, more) = rest.split_at_checked(usize::try_from(length).ok()?)?;
        contents.push(Some(content.to_vec()));
        rest = more;
    }
    Some((meta, contents))
}

/// Of everything but the mark and the checksum itself.
fn checksum(record: &[u8]) -> [u8; 32] {
    let mut hash = blake3::Hasher::new();
    hash.update(&record[..CHECKED]).update(&record[HEAD..]);
    *hash.finalize().as_bytes()
}

/// The first eight bytes as a number; zero if there are fewer.
pub fn number(bytes: &[u8]) -> u64 {
    bytes.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

fn now() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
    i64::try_from(now).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 2 } else { 48 }))]

        #[test]
        fn a_record_is_read_as_it_was_written_or_not_at_all(
            contents in prop::collection::vec(prop::option::of(prop::collection::vec(any::<u8>(), 0..300)), 0..5),
            at: usize,
            flip in 1..=255_u8,
        ) {
            let entries = contents.iter().enumerate().map(|(number, content)| Entry {
                path: number.to_string().into_bytes(),
                mode: Some(0o644),
                length: content.as_ref().map(|content| content.len() as u64),
                old: None,
                before: None,
            });
            let meta = Meta { id: 7, at: -1, boot: None, root: b"/".to_vec(), entries: entries.collect() };
            let slices: Vec<_> = contents.iter().flatten().map(Vec::as_slice).collect();
            let mut record = encode(3, &meta, &slices);
            prop_assert_eq!(decode(&record), Some((meta, contents)));
            let at = at % record.len();
            let unchecked = (CHECKED + 32..HEAD).contains(&at);
            record[at] ^= flip;
            prop_assert_eq!(decode(&record).is_some(), unchecked);
            prop_assert!(decode(&record[..at]).is_none());
        }
    }
}
