//! The files as they are at one moment: those on disk, and over them the unsaved texts of open buffers.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::files::facts::Facts;
use crate::files::read::read;
use crate::files::text::text;
use crate::files::traits::Traits;
use crate::index::disk::{Bits, Disk};
use crate::lexer::family::Family;
use crate::lexer::keywords::Kind;
use crate::lexer::lexicon::{Seed, WORD_BYTES_MAX, known_part};
use crate::lexer::source::{Found, Source};
use crate::segment::Posting;
use crate::segment::format::Target;
use crate::segment::resolve::Resolver;
use crate::segment::subwords::each_subword;

/// An unsaved text, and what the lexer saw in it.
#[derive(Debug, Clone)]
pub(crate) struct Unsaved {
    pub text: Arc<[u8]>,
    pub source: Arc<Source>,
}

/// A file of a [`Snapshot`], which knows it by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileInfo {
    /// Bytes.
    pub size: u64,
    /// XXH3 of the content, 0 if it was not read. Files with the same content have the same hash.
    pub hash: u128,
    /// How many words the text has.
    pub words: u32,
    /// How many lines the text has.
    pub lines: u32,
    /// What is unusual about it.
    pub traits: Traits,
}

/// A definition as the lexer guesses it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Definition<'s> {
    /// From 1.
    pub line: u32,
    /// The name alone, without that of a class around it.
    pub name: &'s str,
    /// What it seems to be.
    pub kind: Kind,
}

/// The files of a tree at one moment. It does not change, so a question may take its time.
///
/// A file has a number. Numbers are those of this snapshot; in the order of [`Snapshot::files`], paths ascend.
#[derive(Debug)]
pub struct Snapshot {
    /// Tells this snapshot from all others of the process.
    pub(crate) id: u64,
    root: Arc<Path>,
    disk: Arc<Disk>,
    /// Files of the segment that are not to be seen.
    hidden: Bits,
    /// Files beside those of the segment, in the order of their paths. Their numbers follow.
    fresh: Vec<Fresh>,
    text_words: u64,
    count: u32,
}

/// The number of the next snapshot.
static IDS: AtomicU64 = AtomicU64::new(0);

#[derive(Debug)]
struct Fresh {
    source: Arc<Source>,
    unsaved: Option<Arc<[u8]>>,
}

impl Snapshot {
    pub(crate) fn new(root: Arc<Path>, disk: Arc<Disk>, unsaved: &BTreeMap<Box<str>, Unsaved>) -> Self {
        let mut hidden = disk.gone.clone();
        let mut fresh: BTreeMap<&str, Fresh> = BTreeMap::new();
        for (path, source) in &disk.fresh {
            fresh.insert(path, Fresh { source: Arc::clone(source), unsaved: None });
        }
        for (path, over) in unsaved {
            if let Some(file) = disk.base.find(path) {
                hidden.add(file);
            }
            let text = Some(Arc::clone(&over.text));
            fresh.insert(path, Fresh { source: Arc::clone(&over.source), unsaved: text });
        }
        let fresh: Vec<Fresh> = fresh.into_values().collect();
        let words = |file: u32| u64::from(disk.base.facts(file).words);
        let hidden_words: u64 = hidden.iter().map(words).sum();
        let fresh_words: u64 = fresh.iter().map(|fresh| u64::from(fresh.source.docs[0].facts.words)).sum();
        let text_words = (disk.base.text_words + fresh_words).saturating_sub(hidden_words);
        let hidden_files = u32::try_from(hidden.iter().count()).unwrap_or(u32::MAX);
        let more = u32::try_from(fresh.len()).unwrap_or(0);
        let count = disk.base.files.saturating_sub(hidden_files) + more;
        let id = IDS.fetch_add(1, Ordering::Relaxed);
        Self { id, root, disk, hidden, fresh, text_words, count }
    }

    /// The folder above all paths.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// How many files there are.
    #[must_use]
    pub fn len(&self) -> u32 {
        self.count
    }

    /// True if there are no files.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// One above the greatest number of a file. Some numbers below may belong to no file.
    #[must_use]
    pub fn bound(&self) -> u32 {
        self.disk.base.files + u32::try_from(self.fresh.len()).unwrap_or(0)
    }

    /// How many words all texts have together.
    #[must_use]
    pub fn text_words(&self) -> u64 {
        self.text_words
    }

    /// How many distinct words the index knows, those that are nowhere any more included.
    #[must_use]
    pub fn distinct_words(&self) -> u32 {
        self.disk.base.words
    }

    /// The numbers of all files, in the order of their paths.
    pub fn files(&self) -> impl Iterator<Item = u32> + '_ {
        let base = (0..self.disk.base.files).filter(|file| !self.hidden.has(*file));
        let fresh = self.fresh_numbers();
        Merged { left: base.peekable(), right: fresh.peekable(), snapshot: self }
    }

    fn fresh_numbers(&self) -> impl Iterator<Item = u32> + use<> {
        self.disk.base.files..self.bound()
    }

    fn fresh(&self, file: u32) -> Option<&Fresh> {
        let at = file.checked_sub(self.disk.base.files)?;
        self.fresh.get(at as usize)
    }

    /// True if the number belongs to a file.
    #[must_use]
    pub fn has(&self, file: u32) -> bool {
        file < self.bound() && !self.hidden.has(file)
    }

    /// The path of a file relative to the root, with `/` between its components.
    #[must_use]
    pub fn path(&self, file: u32) -> &str {
        self.fresh(file).map_or_else(|| self.disk.base.path(file), |fresh| &fresh.source.docs[0].path)
    }

    /// The number of the file with this path.
    #[must_use]
    pub fn find(&self, path: &str) -> Option<u32> {
        let at = self.fresh.binary_search_by(|fresh| (*fresh.source.docs[0].path).cmp(path));
        match at {
            Ok(at) => Some(self.disk.base.files + u32::try_from(at).ok()?),
            Err(_) => self.disk.base.find(path).filter(|file| !self.hidden.has(*file)),
        }
    }

    fn facts(&self, file: u32) -> Facts {
        self.fresh(file).map_or_else(|| self.disk.base.facts(file), |fresh| fresh.source.docs[0].facts)
    }

    /// What is known of a file beside its words.
    #[must_use]
    pub fn info(&self, file: u32) -> FileInfo {
        let facts = self.facts(file);
        let traits = match self.fresh(file) {
            Some(Fresh { unsaved: Some(_), .. }) => facts.traits | Traits::UNSAVED,
            _ => facts.traits,
        };
        FileInfo { size: facts.stamp.size, hash: facts.hash, words: facts.words, lines: facts.lines, traits }
    }

    /// How many words a file's text has.
    #[must_use]
    pub fn words_of(&self, file: u32) -> u32 {
        self.facts(file).words
    }

    /// The files that have a word: a whole run of word characters, with upper and lower case as it is.
    ///
    /// A word of more than 64 bytes is told by its beginning.
    #[must_use]
    pub fn word(&self, word: &str) -> Vec<Posting> {
        let known = known_part(word).as_bytes();
        if known.is_empty() {
            return Vec::new();
        }
        let base = &self.disk.base;
        let mut postings: Vec<Posting> = match base.find_word(known) {
            Some(word) => base.postings(word).filter(|posting| !self.hidden.has(posting.file)).collect(),
            None => Vec::new(),
        };
        for (number, fresh) in self.fresh_numbers().zip(&self.fresh) {
            if let Some(id) = fresh.source.lexicon.find(known) {
                postings.extend(fresh.source.count_of(id).map(|count| Posting::new(number, count)));
            }
        }
        postings
    }

    /// The lines of a word in the files of the segment that are to be seen, if they are kept; `None` if they are not.
    pub(crate) fn known_lines(&self, word: &str) -> Option<impl Iterator<Item = (u32, Vec<u32>)>> {
        // The lines of a longer word may be those of another one that begins alike.
        let word = Some(word).filter(|word| word.len() + 4 <= WORD_BYTES_MAX)?;
        let base = &self.disk.base;
        let lined = base.lined(base.find_word(word.as_bytes())?)?;
        Some(lined.map(|(posting, lines)| (posting.file, lines)).filter(|(file, _)| !self.hidden.has(*file)))
    }

    /// In how many lines a word stands, of the files of the segment that are to be seen and have it, in order: where
    /// the lines are not kept, how often it stands there.
    pub(crate) fn line_counts(&self, word: &str) -> impl Iterator<Item = (u32, usize)> {
        let lines = self.known_lines(word).map(|known| known.map(|(file, lines)| (file, lines.len())));
        let base = &self.disk.base;
        let found = if lines.is_none() { base.find_word(known_part(word).as_bytes()) } else { None };
        let times = found.into_iter().flat_map(|word| base.postings(word));
        let times = times.map(|posting| (posting.file, posting.count as usize));
        lines.into_iter().flatten().chain(times.filter(|(file, _)| !self.hidden.has(*file)))
    }

    /// True if it is not a file of the segment.
    pub(crate) fn is_fresh(&self, file: u32) -> bool {
        file >= self.disk.base.files
    }

    /// The files that have a word with this part: `header` is part of `parseHTTPHeader` and of `http_header`. The
    /// part is lower-case. Counts are those of all such words together; the order is that of the numbers.
    #[must_use]
    pub fn subword(&self, part: &str) -> Vec<Posting> {
        let base = &self.disk.base;
        let mut all: HashMap<u32, Posting> = HashMap::new();
        let mut add = |posting: Posting| {
            let sum = all.entry(posting.file).or_insert(Posting { count: 0, defines: false, ..posting });
            sum.count += posting.count;
            sum.defines |= posting.defines;
        };
        for word in base.subwords().words(base.seed, part) {
            base.postings(word).filter(|posting| !self.hidden.has(posting.file)).for_each(&mut add);
        }
        for (number, fresh) in self.fresh_numbers().zip(&self.fresh) {
            for (word, count) in fresh.source.words() {
                if has_subword(word, part) {
                    add(Posting::new(number, count));
                }
            }
        }
        let mut postings: Vec<Posting> = all.into_values().collect();
        postings.sort_unstable_by_key(|posting| posting.file);
        postings
    }

    /// All words that have this part, in order.
    #[must_use]
    pub fn words_with_subword(&self, part: &str) -> Vec<&str> {
        let base = &self.disk.base;
        let known = base
            .subwords()
            .words(base.seed, part)
            .filter_map(|word| std::str::from_utf8(base.word(word)).ok());
        let mut words: Vec<&str> = known.collect();
        for fresh in &self.fresh {
            let own = fresh.source.words().filter(|(word, _)| has_subword(word, part));
            words.extend(own.filter_map(|(word, _)| std::str::from_utf8(word).ok()));
        }
        words.sort_unstable();
        words.dedup();
        words
    }

    /// What tells the segment below from every other.
    pub(crate) fn segment_id(&self) -> (Seed, u32) {
        (self.disk.base.seed, self.disk.base.words)
    }

    /// The words of the segment, by number.
    pub(crate) fn segment_words(&self) -> impl Iterator<Item = (u32, &[u8])> {
        (0..self.disk.base.words).map(|number| (number, self.disk.base.word(number)))
    }

    /// Reports where words are: those of the segment by number, those of changed files if they are selected.
    pub(crate) fn each_posting(
        &self,
        numbers: impl Iterator<Item = u32>,
        select: impl Fn(&[u8]) -> bool,
        mut report: impl FnMut(Posting),
    ) {
        for number in numbers {
            let postings = self.disk.base.postings(number);
            postings.filter(|posting| !self.hidden.has(posting.file)).for_each(&mut report);
        }
        for (number, fresh) in self.fresh_numbers().zip(&self.fresh) {
            let words = fresh.source.words().filter(|(word, _)| select(word));
            words.for_each(|(_, count)| report(Posting::new(number, count)));
        }
    }

    /// The files with at least one word that is selected, in the order of their numbers. Every distinct word is
    /// looked at.
    pub fn files_with(&self, mut select: impl FnMut(&[u8]) -> bool) -> Vec<u32> {
        let base = &self.disk.base;
        let ids = (0..base.words).filter(|id| select(base.word(*id)));
        let mut files = Bits::default();
        for id in ids {
            base.postings(id)
                .filter(|posting| !self.hidden.has(posting.file))
                .for_each(|p| files.add(p.file));
        }
        for (number, fresh) in self.fresh_numbers().zip(&self.fresh) {
            if fresh.source.words().any(|(word, _)| select(word)) {
                files.add(number);
            }
        }
        files.iter().collect()
    }

    /// What a file seems to define, in the order of the lines.
    #[must_use]
    pub fn definitions(&self, file: u32) -> Vec<Definition<'_>> {
        let name = |bytes| std::str::from_utf8(bytes).unwrap_or_default();
        if let Some(fresh) = self.fresh(file) {
            let lexicon = &fresh.source.lexicon;
            let found = fresh.source.definitions.iter();
            let of = |found: &Found| Definition {
                line: found.line,
                name: name(lexicon.word(found.word)),
                kind: found.kind,
            };
            let mut definitions: Vec<_> = found.map(of).collect();
            definitions.sort_unstable();
            return definitions;
        }
        let base = &self.disk.base;
        let found = base.definitions(file);
        found.map(|(word, line, kind)| Definition { line, name: name(base.word(word)), kind }).collect()
    }

    /// Where something of this name seems to be defined, as (file, definition), in the order of paths and lines.
    #[must_use]
    pub fn defined(&self, name: &str) -> Vec<(u32, Definition<'_>)> {
        let mut files: Vec<u32> = self.word(name).into_iter().filter(|p| p.defines).map(|p| p.file).collect();
        files.sort_by(|a, b| self.path(*a).cmp(self.path(*b)));
        let of = |file: u32| self.definitions(file).into_iter().map(move |definition| (file, definition));
        files.into_iter().flat_map(of).filter(|(_, definition)| definition.name == name).collect()
    }

    /// What a file imports, as it says it.
    #[must_use]
    pub fn imports(&self, file: u32) -> Vec<&str> {
        let module = |import: &'_ str| import.split_once(':').is_none_or(|(_, rest)| rest.starts_with(':'));
        match self.fresh(file) {
            Some(fresh) => {
                let names = &fresh.source.import_names.list;
                names.iter().map(|name| &**name).filter(|name| module(name)).collect()
            }
            None => self.disk.base.imports(file).filter(|name| module(name)).collect(),
        }
    }

    /// The files that a file imports, as far as its imports lead to files of the tree; in order.
    #[must_use]
    pub fn imported(&self, file: u32) -> Vec<u32> {
        let base = &self.disk.base;
        let family = Family::of(self.path(file));
        let mut files = Vec::new();
        let mut add = |target: Target| match target {
            Target::File(target) => files.extend(self.present(target)),
            Target::Folder(folder) => {
                // A package is its files of the same language, its tests left out.
                let own = |target: &u32| {
                    let path = base.path(*target);
                    Family::of(path) == family && !path.ends_with("_test.go")
                };
                files.extend(base.folder_files(folder).filter(own).filter_map(|target| self.present(target)));
            }
        };
        match self.fresh(file) {
            None => base.targets(file).for_each(&mut add),
            Some(fresh) => self.resolved(fresh).into_iter().for_each(&mut add),
        }
        files.sort_unstable();
        files.dedup();
        files.retain(|target| *target != file);
        files
    }

    /// Where the imports of a changed file lead: to the same files as before the change where they are the same
    /// imports, else they are looked up.
    fn resolved(&self, fresh: &Fresh) -> Vec<Target> {
        let base = &self.disk.base;
        let path: &str = &fresh.source.docs[0].path;
        let names = &fresh.source.import_names.list;
        if let Some(before) = base.find(path) {
            let known: HashSet<&str> = base.imports(before).collect();
            if known.len() == names.len() && names.iter().all(|name| known.contains(&**name)) {
                return base.targets(before).collect();
            }
        }
        let mut paths: Vec<&str> = (0..base.files).map(|file| base.path(file)).collect();
        let (at, added) = match paths.binary_search(&path) {
            Ok(at) => (at, false),
            Err(at) => (at, true),
        };
        if added {
            paths.insert(at, path);
        }
        let folders: Vec<&str> = (0..base.folders).map(|folder| base.folder(folder)).collect();
        let mut resolver = Resolver::new(&paths, &folders);
        let file = u32::try_from(at).unwrap_or(u32::MAX);
        let targets = names.iter().flat_map(|name| resolver.resolve(file, name));
        // The numbers behind the added path are one too high.
        let renumbered = targets.map(|target| match target {
            Target::File(target) if added && target > file => Target::File(target - 1),
            other => other,
        });
        renumbered.collect()
    }

    /// The number under which a file of the segment is to be seen now.
    fn present(&self, file: u32) -> Option<u32> {
        if !self.hidden.has(file) {
            return Some(file);
        }
        self.find(self.disk.base.path(file))
    }

    /// The files that import a file, in order.
    #[must_use]
    pub fn importers(&self, file: u32) -> Vec<u32> {
        let base = &self.disk.base;
        let mut files = Vec::new();
        if let Some(known) = base.find(self.path(file)) {
            let folder = base.folder_of(known);
            let all = base.importers(known).chain(base.folder_importers(folder));
            files.extend(all.filter_map(|importer| self.present(importer)));
        }
        // What the changed files import now.
        files.retain(|importer| self.fresh(*importer).is_none());
        for (number, fresh) in self.fresh_numbers().zip(&self.fresh) {
            if !fresh.source.imports.is_empty() && self.imported(number).contains(&file) {
                files.push(number);
            }
        }
        files.sort_unstable();
        files.dedup();
        files.retain(|importer| *importer != file);
        files
    }

    /// The text of a file as it is now: unsaved, or on disk. `None` if it is binary, too large or not there.
    #[must_use]
    pub fn text(&self, file: u32) -> Option<Vec<u8>> {
        self.content(file).and_then(|content| {
            match text(&content)? {
                std::borrow::Cow::Borrowed(clean) if clean.len() == content.len() => None,
                clean => Some(clean.into_owned()),
            }
            .or(Some(content))
        })
    }

    /// The bytes of a file that is not larger than what is indexed.
    pub(crate) fn content(&self, file: u32) -> Option<Vec<u8>> {
        if let Some(Fresh { unsaved: Some(text), .. }) = self.fresh(file) {
            return Some(text.to_vec());
        }
        read(&self.root, self.path(file))
    }

    /// Files that cannot be found by their words: they were not read, but may be text.
    pub(crate) fn unindexed(&self) -> impl Iterator<Item = u32> + '_ {
        let base = self.disk.base.unindexed().iter().copied().filter(|file| !self.hidden.has(*file));
        let fresh = self.fresh_numbers().filter(|file| self.info(*file).traits.has(Traits::HUGE));
        base.chain(fresh)
    }

    pub(crate) fn is_binary(&self, file: u32) -> bool {
        self.facts(file).traits.has(Traits::BINARY)
    }

    /// True if there are files beside those of the segment: numbers are not in the order of paths then.
    pub(crate) fn has_fresh(&self) -> bool {
        !self.fresh.is_empty()
    }

    pub(crate) fn unsaved(&self, file: u32) -> Option<&[u8]> {
        self.fresh(file).and_then(|fresh| fresh.unsaved.as_deref())
    }
}

fn has_subword(word: &[u8], part: &str) -> bool {
    let mut found = false;
    if let Ok(word) = std::str::from_utf8(word) {
        each_subword(word, |own| found |= own == part);
    }
    found
}

/// Numbers in the order of their paths, from two such rows.
struct Merged<'s, L: Iterator<Item = u32>, R: Iterator<Item = u32>> {
    left: std::iter::Peekable<L>,
    right: std::iter::Peekable<R>,
    snapshot: &'s Snapshot,
}

impl<L: Iterator<Item = u32>, R: Iterator<Item = u32>> Iterator for Merged<'_, L, R> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        match (self.left.peek(), self.right.peek()) {
            (Some(left), Some(right)) if self.snapshot.path(*right) < self.snapshot.path(*left) => {
                self.right.next()
            }
            (Some(_), _) => self.left.next(),
            (None, _) => self.right.next(),
        }
    }
}
