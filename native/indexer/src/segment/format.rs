//! How a segment is written: a header, the table of sections, the sections; and the entries in these.

use std::ops::Range;

use xxhash_rust::xxh3::Xxh3;

use crate::bytes::{Lists, push_varint, take, take_u32};
use crate::files::facts::Facts;
use crate::files::stamp::Stamp;
use crate::files::traits::Traits;
use crate::lexer::lexicon::Seed;

/// What a store begins with. The last bytes are the version: another one is not read.
const MAGIC: [u8; 16] = *b"wainwright \0\0\0\0\x03";
const HEADER: usize = 16 + 8 + 8 + 16 + SECTIONS * 16;

/// The sections, in the order of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Section {
    PathText,
    PathEnds,
    Files,
    FolderText,
    FolderEnds,
    FolderStamps,
    FolderFiles,
    FolderFileEnds,
    RuleFiles,
    WordText,
    WordEnds,
    Slots,
    Postings,
    PostingEnds,
    LinedWords,
    Lines,
    LineEnds,
    Definitions,
    DefinitionEnds,
    ImportText,
    ImportEnds,
    FileImports,
    FileImportEnds,
    Edges,
    EdgeEnds,
    Importers,
    ImporterEnds,
    FolderImporters,
    FolderImporterEnds,
    SubwordText,
    SubwordEnds,
    SubwordSlots,
    SubwordWords,
    SubwordWordEnds,
}

/// How many sections there are.
pub(crate) const SECTIONS: usize = Section::SubwordWordEnds as usize + 1;
/// Bytes of one file's entry in the section of files.
pub(crate) const FILE_BYTES: usize = 64;
/// Bytes of one folder's stamp.
pub(crate) const STAMP_BYTES: usize = 33;

/// Where the sections lie among the bytes.
pub(crate) type Ranges = [Range<usize>; SECTIONS];

/// Sections that are being written.
pub(crate) struct Sections([Vec<u8>; SECTIONS]);

impl Sections {
    pub fn new() -> Self {
        Self(std::array::from_fn(|_| Vec::new()))
    }

    pub fn put(&mut self, section: Section, bytes: Vec<u8>) {
        self.0[section as usize] = bytes;
    }

    pub fn lists(&mut self, bytes: Section, ends: Section, lists: Lists) {
        let (all, places) = lists.finish();
        self.put(bytes, all);
        self.put(ends, places);
    }

    /// The bytes of a segment, and where in them the sections lie.
    pub fn assemble(self, seed: Seed) -> (Vec<u8>, Ranges) {
        assemble(seed, self.0.iter().map(Vec::as_slice))
    }
}

/// Puts sections one after the other, behind a header.
pub(crate) fn assemble<'s>(seed: Seed, sections: impl Iterator<Item = &'s [u8]>) -> (Vec<u8>, Ranges) {
    let sections: Vec<&[u8]> = sections.collect();
    let total = sections.iter().map(|section| section.len().next_multiple_of(8)).sum::<usize>();
    let mut bytes = Vec::with_capacity(HEADER + total);
    bytes.resize(HEADER, 0);
    let mut ranges = std::array::from_fn(|_| 0..0);
    for (range, section) in ranges.iter_mut().zip(sections) {
        *range = bytes.len()..bytes.len() + section.len();
        bytes.extend_from_slice(section);
        bytes.resize(bytes.len().next_multiple_of(8), 0);
    }
    let mut header = Vec::with_capacity(HEADER);
    header.extend(MAGIC);
    header.extend((bytes.len() as u64).to_le_bytes());
    header.extend([0; 8]);
    header.extend(seed.0.iter().flat_map(|part| part.to_le_bytes()));
    for range in &ranges {
        header.extend((range.start as u64).to_le_bytes());
        header.extend((range.end as u64).to_le_bytes());
    }
    bytes[..HEADER].copy_from_slice(&header);
    (bytes, ranges)
}

pub(crate) fn checksum(bytes: &[u8]) -> u64 {
    let mut hash = Xxh3::new();
    hash.update(&bytes[..24]);
    hash.update(&bytes[32..]);
    hash.digest()
}

/// The seed, where the sections lie, and the checksum that the file says it has.
pub(crate) fn read_header(bytes: &[u8]) -> Option<(Seed, Ranges, u64)> {
    let mut rest = bytes.get(..HEADER)?;
    let number = |rest: &mut &[u8]| usize::try_from(u64::from_le_bytes(take(rest)?)).ok();
    if take::<16>(&mut rest)? != MAGIC || number(&mut rest)? != bytes.len() {
        return None;
    }
    let sum = u64::from_le_bytes(take(&mut rest)?);
    let seed = Seed([u64::from_le_bytes(take(&mut rest)?), u64::from_le_bytes(take(&mut rest)?)]);
    let mut sections = std::array::from_fn(|_| 0..0);
    for range in &mut sections {
        *range = number(&mut rest)?..number(&mut rest)?;
    }
    Some((seed, sections, sum))
}

/// What a file imports: another file, or (as in Go) all files of a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Target {
    File(u32),
    Folder(u32),
}

impl Target {
    /// As it is kept.
    pub fn number(self) -> u32 {
        match self {
            Self::File(file) => file << 1,
            Self::Folder(folder) => folder << 1 | 1,
        }
    }

    /// What is kept under a number.
    pub fn of(number: u32) -> Self {
        if number & 1 == 1 { Self::Folder(number >> 1) } else { Self::File(number >> 1) }
    }
}

/// A list of ascending numbers, as [`push_ascending`] wrote it.
pub(crate) fn ascending(mut rest: &[u8]) -> impl Iterator<Item = u32> + '_ {
    let mut next = 0_u32;
    std::iter::from_fn(move || {
        let number = next.checked_add(take_u32(&mut rest)?)?;
        next = number.checked_add(1)?;
        Some(number)
    })
}

/// Writes distinct ascending numbers.
pub(crate) fn push_ascending(bytes: &mut Vec<u8>, numbers: impl Iterator<Item = u32>) {
    let mut next = 0;
    for number in numbers {
        push_varint(bytes, u64::from(number - next));
        next = number + 1;
    }
}

/// What is known of a file whose entry cannot be read.
pub(crate) const NO_FACTS: Facts = Facts {
    stamp: Stamp { size: 0, modified: 0, changed: 0, inode: 0 },
    settled: false,
    hash: 0,
    words: 0,
    lines: 0,
    traits: Traits::BINARY,
};

/// Facts, and the folder the file lies in.
pub(crate) fn read_facts(mut bytes: &[u8]) -> Option<(Facts, u32)> {
    let stamp = read_stamp(&mut bytes)?;
    let hash = u128::from_le_bytes(take(&mut bytes)?);
    let words = u32::from_le_bytes(take(&mut bytes)?);
    let lines = u32::from_le_bytes(take(&mut bytes)?);
    let folder = u32::from_le_bytes(take(&mut bytes)?);
    let traits = Traits(u16::from_le_bytes(take(&mut bytes)?));
    let settled = take::<1>(&mut bytes)? == [1];
    Some((Facts { stamp, settled, hash, words, lines, traits }, folder))
}

pub(crate) fn push_facts(bytes: &mut Vec<u8>, facts: &Facts, folder: u32) {
    push_stamp(bytes, &facts.stamp);
    bytes.extend(facts.hash.to_le_bytes());
    bytes.extend(facts.words.to_le_bytes());
    bytes.extend(facts.lines.to_le_bytes());
    bytes.extend(folder.to_le_bytes());
    bytes.extend(facts.traits.0.to_le_bytes());
    bytes.extend([u8::from(facts.settled), 0]);
}

pub(crate) fn read_stamp(bytes: &mut &[u8]) -> Option<Stamp> {
    Some(Stamp {
        size: u64::from_le_bytes(take(bytes)?),
        modified: i64::from_le_bytes(take(bytes)?),
        changed: i64::from_le_bytes(take(bytes)?),
        inode: u64::from_le_bytes(take(bytes)?),
    })
}

pub(crate) fn push_stamp(bytes: &mut Vec<u8>, stamp: &Stamp) {
    bytes.extend(stamp.size.to_le_bytes());
    bytes.extend(stamp.modified.to_le_bytes());
    bytes.extend(stamp.changed.to_le_bytes());
    bytes.extend(stamp.inode.to_le_bytes());
}
