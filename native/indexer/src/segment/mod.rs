//! An index of many files that does not change: a few sections of bytes, the same in memory and on disk.

pub(crate) mod build;
pub(crate) mod posting_lines;
pub(crate) mod resolve;
pub(crate) mod store;
pub(crate) mod subwords;

use std::ops::Range;
use std::path::PathBuf;
use std::sync::OnceLock;

use memmap2::Mmap;

use crate::bytes::{self, list, take, take_text, take_u32, u32_at};
use crate::lexer::define::Kind;
use crate::lexer::lexicon::{Seed, slot_for};

use self::subwords::Parts;
use crate::files::rules::RuleFile;
use crate::files::stamp::Stamp;
use crate::files::traits::Traits;
use crate::lexer::source::{COUNT_MAX, DEFINES, Facts};

/// Where a segment's bytes are.
#[derive(Debug)]
pub(crate) enum Bytes {
    Heap(Vec<u8>),
    Mapped(Mmap),
}

impl Bytes {
    pub fn all(&self) -> &[u8] {
        match self {
            Self::Heap(bytes) => bytes,
            Self::Mapped(bytes) => bytes,
        }
    }
}

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
    PartText,
    PartEnds,
    PartSlots,
    PartWords,
    PartWordEnds,
}

/// How many sections there are.
pub(crate) const SECTIONS: usize = Section::PartWordEnds as usize + 1;
/// Bytes of one file's entry in the section of files.
pub(crate) const FILE_BYTES: usize = 64;
/// Bytes of one folder's stamp.
pub(crate) const STAMP_BYTES: usize = 33;

/// See the module.
#[derive(Debug)]
pub(crate) struct Segment {
    bytes: Bytes,
    sections: [Range<usize>; SECTIONS],
    pub seed: Seed,
    pub files: u32,
    pub words: u32,
    pub folders: u32,
    /// Words of all texts together.
    pub text_words: u64,
    /// Files that were not read, but may be text.
    unindexed: Vec<u32>,
    parts: OnceLock<Parts>,
}

/// That a file has a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Posting {
    /// The file.
    pub file: u32,
    /// How often, up to 127.
    pub count: u32,
    /// True if the file seems to define something of that name.
    pub defines: bool,
}

impl Posting {
    pub(crate) fn new(file: u32, count: u8) -> Self {
        Self { file, count: u32::from(count & COUNT_MAX), defines: count & DEFINES != 0 }
    }

    /// The count as it is kept.
    pub(crate) fn byte(self) -> u8 {
        u8::try_from(self.count).unwrap_or(COUNT_MAX) | if self.defines { DEFINES } else { 0 }
    }
}

/// The postings of one word, in the order of the files.
#[derive(Debug, Clone)]
pub(crate) struct Postings<'s> {
    rest: &'s [u8],
    /// One above the last file.
    next: u32,
}

impl Iterator for Postings<'_> {
    type Item = Posting;

    #[inline]
    fn next(&mut self) -> Option<Posting> {
        let value = take_u32(&mut self.rest)?;
        let file = self.next.checked_add(value >> 1)?;
        self.next = file.checked_add(1)?;
        let count = if value & 1 == 1 { take::<1>(&mut self.rest)?[0] } else { 1 };
        Some(Posting::new(file, count))
    }
}

/// What a file imports: another file, or (as in Go) all files of a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Target {
    File(u32),
    Folder(u32),
}

impl Segment {
    /// A segment without files.
    pub fn empty(seed: Seed) -> Self {
        let sections = std::array::from_fn(|_| 0..0);
        Self::new(Bytes::Heap(Vec::new()), sections, seed)
    }

    pub fn new(bytes: Bytes, sections: [Range<usize>; SECTIONS], seed: Seed) -> Self {
        let count = |section: Section, each: usize| {
            u32::try_from(sections[section as usize].len() / each).unwrap_or(u32::MAX)
        };
        let files = count(Section::Files, FILE_BYTES);
        let folders = count(Section::FolderStamps, STAMP_BYTES);
        let (text_words, unindexed, parts, words) = (0, Vec::new(), OnceLock::new(), 0);
        let mut segment = Self { bytes, sections, seed, files, words, folders, text_words, unindexed, parts };
        segment.words = bytes::count(segment.section(Section::WordEnds));
        for file in 0..files {
            let facts = segment.facts(file);
            segment.text_words += u64::from(facts.words);
            if facts.traits.has(Traits::HUGE) {
                segment.unindexed.push(file);
            }
        }
        segment
    }

    #[inline]
    pub fn section(&self, section: Section) -> &[u8] {
        self.bytes.all().get(self.sections[section as usize].clone()).unwrap_or_default()
    }

    /// The same by the section's number.
    pub fn numbered_section(&self, number: usize) -> &[u8] {
        self.bytes.all().get(self.sections[number].clone()).unwrap_or_default()
    }

    fn list(&self, bytes: Section, ends: Section, index: u32) -> &[u8] {
        list(self.section(bytes), self.section(ends), index as usize)
    }

    fn text(&self, bytes: Section, ends: Section, index: u32) -> &str {
        std::str::from_utf8(self.list(bytes, ends, index)).unwrap_or_default()
    }

    pub fn unindexed(&self) -> &[u32] {
        &self.unindexed
    }

    pub fn path(&self, file: u32) -> &str {
        self.text(Section::PathText, Section::PathEnds, file)
    }

    /// The file with this path.
    pub fn find(&self, path: &str) -> Option<u32> {
        let file = self.first_from(path);
        (file < self.files && self.path(file) == path).then_some(file)
    }

    /// The first file whose path is not less.
    pub fn first_from(&self, path: &str) -> u32 {
        let (mut low, mut high) = (0, self.files);
        while low < high {
            let middle = u32::midpoint(low, high);
            if self.path(middle) < path { low = middle + 1 } else { high = middle }
        }
        low
    }

    pub fn facts(&self, file: u32) -> Facts {
        let start = file as usize * FILE_BYTES;
        let bytes = self.section(Section::Files).get(start..start + FILE_BYTES);
        bytes.and_then(read_facts).map_or(NO_FACTS, |(facts, _)| facts)
    }

    /// The folder a file lies in.
    pub fn folder_of(&self, file: u32) -> u32 {
        let start = file as usize * FILE_BYTES;
        let bytes = self.section(Section::Files).get(start..start + FILE_BYTES);
        bytes.and_then(read_facts).map_or(0, |(_, folder)| folder)
    }

    /// A folder's path, empty for the root. Folders are in the order of their paths.
    pub fn folder(&self, folder: u32) -> &str {
        self.text(Section::FolderText, Section::FolderEnds, folder)
    }

    pub fn find_folder(&self, path: &str) -> Option<u32> {
        let (mut low, mut high) = (0, self.folders);
        while low < high {
            let middle = u32::midpoint(low, high);
            if self.folder(middle) < path { low = middle + 1 } else { high = middle }
        }
        (low < self.folders && self.folder(low) == path).then_some(low)
    }

    /// What a folder looked like when it was listed; `None` if it must be listed again.
    pub fn folder_stamp(&self, folder: u32) -> Option<Stamp> {
        let start = folder as usize * STAMP_BYTES;
        let mut bytes = self.section(Section::FolderStamps).get(start..start + STAMP_BYTES)?;
        let stamp = read_stamp(&mut bytes)?;
        (bytes == [1]).then_some(stamp)
    }

    /// The files that lie in a folder itself.
    pub fn folder_files(&self, folder: u32) -> impl Iterator<Item = u32> + '_ {
        ascending(self.list(Section::FolderFiles, Section::FolderFileEnds, folder))
    }

    pub fn rule_files(&self) -> Vec<RuleFile> {
        let mut rest = self.section(Section::RuleFiles);
        let mut files = Vec::new();
        while let Some(path) = take_text(&mut rest) {
            let stamp = match take::<1>(&mut rest) {
                Some([1]) => read_stamp(&mut rest),
                _ => None,
            };
            files.push((PathBuf::from(path), stamp));
        }
        files
    }

    pub fn word(&self, word: u32) -> &[u8] {
        self.list(Section::WordText, Section::WordEnds, word)
    }

    /// The number of a word, which must be cut to the part by which it is known.
    pub fn find_word(&self, word: &[u8]) -> Option<u32> {
        let slots = self.section(Section::Slots);
        find(slots, self.seed.hash_alone(word), |id| self.word(id) == word)
    }

    pub fn postings(&self, word: u32) -> Postings<'_> {
        Postings { rest: self.list(Section::Postings, Section::PostingEnds, word), next: 0 }
    }

    /// The postings of a word with the lines it stands in, if lines are kept of it.
    pub fn lined(&self, word: u32) -> Option<impl Iterator<Item = (Posting, Vec<u32>)> + '_> {
        let words = self.section(Section::LinedWords);
        let (mut low, mut high) = (0, words.len() / 4);
        while low < high {
            let middle = usize::midpoint(low, high);
            if u32_at(words, middle)? < word { low = middle + 1 } else { high = middle }
        }
        let place = u32::try_from(low).ok().filter(|_| u32_at(words, low) == Some(word))?;
        let mut lines = posting_lines::Reader::new(self.list(Section::Lines, Section::LineEnds, place));
        let total = |file: u32| self.facts(file).lines;
        let posting = move |one: Posting| Some((one, lines.take(total(one.file), one.count)?));
        Some(self.postings(word).map_while(posting))
    }

    /// Definitions of a file as (word, line from 1, kind), in the order of the lines.
    pub fn definitions(&self, file: u32) -> impl Iterator<Item = (u32, u32, Kind)> + '_ {
        let mut rest = self.list(Section::Definitions, Section::DefinitionEnds, file);
        let mut line = 0_u32;
        std::iter::from_fn(move || {
            let word = take_u32(&mut rest)?;
            let step = take_u32(&mut rest)?;
            line = line.checked_add(step >> 2)?;
            Some((word, line, Kind::ALL[(step & 3) as usize]))
        })
    }

    pub fn imports(&self, file: u32) -> impl Iterator<Item = &str> + '_ {
        let ids = ascending(self.list(Section::FileImports, Section::FileImportEnds, file));
        ids.map(|id| self.text(Section::ImportText, Section::ImportEnds, id))
    }

    pub fn import_names(&self) -> impl Iterator<Item = &str> + '_ {
        (0..bytes::count(self.section(Section::ImportEnds)))
            .map(|id| self.text(Section::ImportText, Section::ImportEnds, id))
    }

    pub fn import_ids(&self, file: u32) -> impl Iterator<Item = u32> + '_ {
        ascending(self.list(Section::FileImports, Section::FileImportEnds, file))
    }

    pub fn targets(&self, file: u32) -> impl Iterator<Item = Target> + '_ {
        let ids = ascending(self.list(Section::Edges, Section::EdgeEnds, file));
        ids.map(|id| if id & 1 == 1 { Target::Folder(id >> 1) } else { Target::File(id >> 1) })
    }

    /// The files that import this one.
    pub fn importers(&self, file: u32) -> impl Iterator<Item = u32> + '_ {
        ascending(self.list(Section::Importers, Section::ImporterEnds, file))
    }

    /// The files that import all of a folder.
    pub fn folder_importers(&self, folder: u32) -> impl Iterator<Item = u32> + '_ {
        ascending(self.list(Section::FolderImporters, Section::FolderImporterEnds, folder))
    }

    /// Parts of words, which are made when they are asked for first.
    pub fn parts(&self) -> &Parts {
        self.parts.get_or_init(|| Parts::of(self))
    }

    /// How many bytes it has, whether in memory or on disk.
    pub fn len(&self) -> usize {
        self.bytes.all().len()
    }
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
        crate::bytes::push_varint(bytes, u64::from(number - next));
        next = number + 1;
    }
}

const NO_FACTS: Facts = Facts {
    stamp: Stamp { size: 0, modified: 0, changed: 0, inode: 0 },
    settled: false,
    hash: 0,
    words: 0,
    lines: 0,
    traits: Traits::BINARY,
};

fn read_facts(mut bytes: &[u8]) -> Option<(Facts, u32)> {
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

fn read_stamp(bytes: &mut &[u8]) -> Option<Stamp> {
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
