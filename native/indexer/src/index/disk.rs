//! What is known of the files on disk.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use crate::files::facts::Facts;
use crate::files::folder::{Folder, folder_of};
use crate::files::rules::RuleFile;
use crate::files::stamp::Stamp;
use crate::lexer::lexicon::Seed;
use crate::lexer::occurrences::{push_lines, take_steps};
use crate::lexer::source::{Doc, Found, Source};
use crate::segment::Segment;
use crate::segment::build;

/// A set of numbers below a bound.
#[derive(Debug, Clone, Default)]
pub(crate) struct Bits(Vec<u64>);

impl Bits {
    pub fn add(&mut self, number: u32) {
        let at = number as usize / 64;
        if self.0.len() <= at {
            self.0.resize(at + 1, 0);
        }
        self.0[at] |= 1 << (number % 64);
    }

    #[inline]
    pub fn has(&self, number: u32) -> bool {
        self.0.get(number as usize / 64).is_some_and(|bits| bits >> (number % 64) & 1 == 1)
    }

    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|bits| *bits == 0)
    }

    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        (0..).zip(&self.0).flat_map(|(at, bits): (u32, &u64)| {
            (0..64).filter(move |bit| bits >> bit & 1 == 1).map(move |bit| at * 64 + bit)
        })
    }
}

/// The files on disk: a segment, and what has changed since it was made.
#[derive(Debug, Clone)]
pub(crate) struct Disk {
    pub base: Arc<Segment>,
    /// Files of the segment that are no more, or are among the fresh ones.
    pub gone: Bits,
    /// Files that were read since, each in a source of its own.
    pub fresh: BTreeMap<Box<str>, Arc<Source>>,
    /// Files of the segment that have the same content with another stamp.
    pub checked: HashMap<u32, (Stamp, bool)>,
    /// Every listed folder, and its stamp unless it must be listed again.
    pub folders: Arc<BTreeMap<Box<str>, Option<Stamp>>>,
    pub rules: Arc<Vec<RuleFile>>,
    /// True if the store does not say what is here.
    pub unsaved: bool,
}

/// What a look at the file system brought.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    /// Files that were read, one a source.
    pub singles: Vec<Source>,
    /// More files that were read, many a source.
    pub bulk: Vec<Source>,
    /// Files that are as they were, with a new stamp.
    pub same: Vec<(Box<str>, Stamp, bool)>,
    pub removed: Vec<Box<str>>,
    pub listed: Vec<Folder>,
    pub removed_folders: Vec<Box<str>>,
    pub rules: Vec<RuleFile>,
    /// Ignore rules have come or gone: everything must be listed again.
    pub rules_changed: bool,
    pub bytes_read: u64,
}

/// More changed files than this, and a new segment is made.
const FRESH_MAX: usize = 400;

impl Disk {
    /// What a segment says, which is as the store has it.
    pub fn of(base: Segment) -> Self {
        let folders = (0..base.folders).map(|id| (base.folder(id).into(), base.folder_stamp(id)));
        let folders = Arc::new(folders.collect());
        let rules = Arc::new(base.rule_files());
        Self {
            base: Arc::new(base),
            gone: Bits::default(),
            fresh: BTreeMap::new(),
            checked: HashMap::new(),
            folders,
            rules,
            unsaved: false,
        }
    }

    /// Nothing is known.
    pub fn empty() -> Self {
        Self { unsaved: true, ..Self::of(Segment::empty(Seed::random())) }
    }

    /// What is known of a file.
    pub fn facts(&self, path: &str) -> Option<Facts> {
        if let Some(source) = self.fresh.get(path) {
            return Some(source.docs[0].facts);
        }
        let file = self.base.find(path).filter(|file| !self.gone.has(*file))?;
        Some(self.base_facts(file))
    }

    /// The same for a file of the segment.
    pub fn base_facts(&self, file: u32) -> Facts {
        let facts = self.base.facts(file);
        match self.checked.get(&file) {
            Some((stamp, settled)) => Facts { stamp: *stamp, settled: *settled, ..facts },
            None => facts,
        }
    }

    /// Paths of the known files that lie in a folder itself.
    pub fn files_in<'d>(&'d self, folder: &'d str) -> impl Iterator<Item = &'d str> + 'd {
        let number = self.base.find_folder(folder);
        let base = number.into_iter().flat_map(|number| self.base.folder_files(number));
        let base = base.filter(|file| !self.gone.has(*file)).map(|file| self.base.path(file));
        base.chain(
            beneath(&self.fresh, folder).map(|(path, _)| path).filter(move |path| folder_of(path) == folder),
        )
    }

    /// Paths of the known folders that lie in a folder itself.
    pub fn folders_in<'d>(&'d self, folder: &'d str) -> impl Iterator<Item = &'d str> + 'd {
        beneath(&self.folders, folder).map(|(path, _)| path).filter(move |path| folder_of(path) == folder)
    }

    /// True if the segment has the folders and rules that are known.
    pub fn is_described_by_base(&self) -> bool {
        let folders = (0..self.base.folders).map(|id| (self.base.folder(id), self.base.folder_stamp(id)));
        folders.eq(self.folders.iter().map(|(path, stamp)| (&**path, *stamp)))
            && self.base.rule_files() == *self.rules
    }

    /// True if there are so many changed files that a new segment should be made.
    pub fn is_crowded(&self) -> bool {
        self.fresh.len() > FRESH_MAX
    }

    /// What is known after changes. `everything` says that all folders were listed.
    pub fn with(&self, changes: Changes, everything: bool) -> Self {
        let mut disk = self.clone();
        let mut removed: BTreeSet<Box<str>> = changes.removed.into_iter().collect();
        disk.unsaved |= !(changes.singles.is_empty()
            && changes.bulk.iter().all(|source| source.docs.is_empty())
            && changes.same.is_empty()
            && removed.is_empty()
            && changes.listed.is_empty()
            && changes.removed_folders.is_empty());
        if !(changes.listed.is_empty() && changes.removed_folders.is_empty()) {
            let folders = Arc::make_mut(&mut disk.folders);
            if everything {
                folders.clear();
            }
            for folder in changes.removed_folders {
                removed.extend(self.files_beneath(&folder).map(Into::into));
                let mut gone: Vec<Box<str>> =
                    beneath(folders, &folder).map(|(path, _)| path.into()).collect();
                gone.push(folder);
                for path in gone {
                    folders.remove(&path);
                }
            }
            folders.extend(changes.listed.into_iter().map(|folder| (folder.path, folder.stamp)));
        }
        if everything {
            disk.rules = Arc::new(changes.rules);
        }
        for path in removed {
            disk.forget(&path);
        }
        for (path, stamp, settled) in changes.same {
            if let Some(source) = disk.fresh.get_mut(&path) {
                let facts = &mut Arc::make_mut(source).docs[0].facts;
                (facts.stamp, facts.settled) = (stamp, settled);
            } else if let Some(file) = disk.base.find(&path) {
                disk.checked.insert(file, (stamp, settled));
            }
        }
        for single in changes.singles {
            let path = single.docs[0].path.clone();
            disk.forget(&path);
            disk.fresh.insert(path, Arc::new(single));
        }
        if changes.bulk.iter().any(|source| !source.docs.is_empty()) {
            for doc in changes.bulk.iter().flat_map(|source| &source.docs) {
                disk.forget(&doc.path);
            }
            return disk.compacted(changes.bulk);
        }
        disk
    }

    fn forget(&mut self, path: &str) {
        self.fresh.remove(path);
        if let Some(file) = self.base.find(path) {
            self.gone.add(file);
            self.checked.remove(&file);
        }
    }

    /// Paths of the known files that lie beneath a folder, at any depth.
    pub fn files_beneath<'d>(&'d self, folder: &str) -> impl Iterator<Item = &'d str> + use<'d> {
        let inside = within(folder);
        let files = self.base.first_from(&inside)..self.base.files;
        let files = files.map(|file| (file, self.base.path(file)));
        let base = files.take_while(move |(_, path)| path.starts_with(&inside));
        let base = base.filter(|(file, _)| !self.gone.has(*file)).map(|(_, path)| path);
        base.chain(beneath(&self.fresh, folder).map(|(path, _)| path))
    }

    /// Paths of the known folders that lie beneath a folder, at any depth.
    pub fn folders_beneath<'d>(&'d self, folder: &str) -> impl Iterator<Item = &'d str> + use<'d> {
        beneath(&self.folders, folder).map(|(path, _)| path)
    }

    /// The same with a new segment that holds everything, and further sources.
    pub fn compacted(&self, more: Vec<Source>) -> Self {
        let seed = self.base.seed;
        let mut sources = more;
        if self.base.files > 0 {
            sources.push(self.inverted());
        }
        sources.extend(self.fresh.values().map(|source| Source::clone(source)));
        let folders = self.folders.iter();
        let folders = folders.map(|(path, stamp)| Folder { path: path.clone(), stamp: *stamp }).collect();
        let base = build::build(sources, folders, &self.rules, seed);
        Self {
            base: Arc::new(base),
            gone: Bits::default(),
            fresh: BTreeMap::new(),
            checked: HashMap::new(),
            folders: Arc::clone(&self.folders),
            rules: Arc::clone(&self.rules),
            unsaved: true,
        }
    }

    /// The files of the segment that are still valid, as a source: file by file instead of word by word.
    fn inverted(&self) -> Source {
        let base = &self.base;
        let kept = |file: u32| !self.gone.has(file);
        let ends = self.word_ends();
        let total = ends.last().copied().unwrap_or(0);
        let (mut source, numbers) = Source::of_words(base.seed, (0..base.words).map(|word| base.word(word)));
        source.ids = vec![0; total];
        source.counts = vec![0; total];
        // Lines as a source has them, and of which place they are.
        let mut steps = Vec::new();
        let mut begins: Vec<(usize, usize)> = Vec::new();
        let mut next = ends.clone();
        for word in 0..base.words {
            let id = numbers[word as usize];
            let mut documents = 0;
            let mut lines = base.lined(word);
            for posting in base.postings(word) {
                let lines = lines.as_mut().and_then(Iterator::next);
                let Some(place) = next.get_mut(posting.file as usize).filter(|_| kept(posting.file)) else {
                    continue;
                };
                if let Some((_, lines)) = lines {
                    begins.push((*place, steps.len()));
                    push_lines(&lines, &mut steps);
                }
                source.ids[*place] = id;
                source.counts[*place] = posting.byte();
                *place += 1;
                documents += 1;
            }
            source.lexicon.set_documents(id, documents);
        }
        begins.sort_unstable();
        for name in base.import_names() {
            source.import_names.intern(name);
        }
        self.add_documents(&mut source, &numbers, &ends, &steps, begins);
        source
    }

    /// Where the distinct words of each file of the segment end, if all of them stand in a row; before it a 0.
    fn word_ends(&self) -> Vec<usize> {
        let base = &self.base;
        let mut ends = vec![0_usize; base.files as usize + 1];
        let kept = |file: u32| !self.gone.has(file);
        for word in 0..base.words {
            base.postings(word).filter(|posting| kept(posting.file)).for_each(|posting| {
                if let Some(end) = ends.get_mut(posting.file as usize + 1) {
                    *end += 1;
                }
            });
        }
        for file in 1..ends.len() {
            ends[file] += ends[file - 1];
        }
        ends
    }

    /// Adds the files of the segment that are still valid to a source that has their words already. `numbers` are those of
    /// the words, `steps` their lines, each of which begins where `begins` says for the place of the word.
    fn add_documents(
        &self,
        source: &mut Source,
        numbers: &[u32],
        ends: &[usize],
        steps: &[u8],
        begins: Vec<(usize, usize)>,
    ) {
        let base = &self.base;
        let mut begins = begins.into_iter().peekable();
        for file in (0..base.files).filter(|file| !self.gone.has(*file)) {
            let (definitions, imports) = (source.definitions.len(), source.imports.len());
            for (word, line, kind) in base.definitions(file) {
                if let Some(word) = numbers.get(word as usize) {
                    source.definitions.push(Found { word: *word, line, kind });
                }
            }
            source.imports.extend(base.import_ids(file));
            let words = ends[file as usize]..ends[file as usize + 1];
            let lines = source.lines.len();
            for place in words.clone() {
                match begins.next_if(|(known, _)| *known == place) {
                    Some((_, begin)) => {
                        let mut rest = &steps[begin..];
                        take_steps(&mut rest);
                        source.lines.extend_from_slice(&steps[begin..steps.len() - rest.len()]);
                    }
                    None => push_lines(&[], &mut source.lines),
                }
            }
            source.docs.push(Doc {
                path: base.path(file).into(),
                facts: self.base_facts(file),
                words,
                lines: lines..source.lines.len(),
                definitions: definitions..source.definitions.len(),
                imports: imports..source.imports.len(),
            });
        }
    }
}

/// What the paths beneath a folder begin with.
fn within(folder: &str) -> String {
    if folder.is_empty() { String::new() } else { format!("{folder}/") }
}

/// The entries whose path lies beneath a folder, at any depth.
fn beneath<'m, V>(
    map: &'m BTreeMap<Box<str>, V>,
    folder: &str,
) -> impl Iterator<Item = (&'m str, &'m V)> + use<'m, V> {
    let inside = within(folder);
    let range = map.range::<str, _>((std::ops::Bound::Included(inside.as_str()), std::ops::Bound::Unbounded));
    range
        .map(|(path, value)| (&**path, value))
        .take_while(move |(path, _)| path.starts_with(&inside))
        .filter(|(path, _)| !path.is_empty())
}
