//! An index of many files that does not change: a few sections of bytes, the same in memory and on disk.

pub(crate) mod build;
pub(crate) mod format;
mod hash_table;
mod posting_lines;
pub(crate) mod resolve;
pub(crate) mod store;
pub(crate) mod subwords;

use std::path::PathBuf;
use std::sync::OnceLock;

use memmap2::Mmap;

use self::format::{
    FILE_BYTES, NO_FACTS, Ranges, STAMP_BYTES, Section, Target, ascending, read_facts, read_stamp,
};
use self::hash_table::find;
use self::subwords::Subwords;
use crate::bytes::{self, list, take, take_text, take_u32, u32_at};
use crate::files::facts::Facts;
use crate::files::rules::RuleFile;
use crate::files::stamp::Stamp;
use crate::files::traits::Traits;
use crate::lexer::keywords::Kind;
use crate::lexer::lexicon::Seed;
use crate::lexer::occurrences::{COUNT_MAX, DEFINES};

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

/// See the module.
#[derive(Debug)]
pub(crate) struct Segment {
    bytes: Bytes,
    sections: Ranges,
    pub seed: Seed,
    pub files: u32,
    pub words: u32,
    pub folders: u32,
    /// Words of all texts together.
    pub text_words: u64,
    /// Files that were not read, but may be text.
    unindexed: Vec<u32>,
    subwords: OnceLock<Subwords>,
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

impl Segment {
    /// A segment without files.
    pub fn empty(seed: Seed) -> Self {
        let sections = std::array::from_fn(|_| 0..0);
        Self::new(Bytes::Heap(Vec::new()), sections, seed)
    }

    pub fn new(bytes: Bytes, sections: Ranges, seed: Seed) -> Self {
        let count = |section: Section, each: usize| {
            u32::try_from(sections[section as usize].len() / each).unwrap_or(u32::MAX)
        };
        let files = count(Section::Files, FILE_BYTES);
        let folders = count(Section::FolderStamps, STAMP_BYTES);
        let (text_words, unindexed, subwords, words) = (0, Vec::new(), OnceLock::new(), 0);
        let mut segment =
            Self { bytes, sections, seed, files, words, folders, text_words, unindexed, subwords };
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
        ids.map(Target::of)
    }

    /// The files that import this one.
    pub fn importers(&self, file: u32) -> impl Iterator<Item = u32> + '_ {
        ascending(self.list(Section::Importers, Section::ImporterEnds, file))
    }

    /// The files that import all of a folder.
    pub fn folder_importers(&self, folder: u32) -> impl Iterator<Item = u32> + '_ {
        ascending(self.list(Section::FolderImporters, Section::FolderImporterEnds, folder))
    }

    /// The parts of words, which are made when they are asked for first, unless the store has them.
    pub fn subwords(&self) -> &Subwords {
        self.subwords.get_or_init(|| {
            let words = (0..self.words).map(|word| (word, self.word(word)));
            Subwords::stored(|section| self.section(section))
                .unwrap_or_else(|| Subwords::made(self.seed, words))
        })
    }

    /// How many bytes it has, whether in memory or on disk.
    pub fn len(&self) -> usize {
        self.bytes.all().len()
    }
}
