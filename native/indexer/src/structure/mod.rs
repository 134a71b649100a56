//! The structural tier: what the files define, use and import, read from their syntax trees.
//!
//! It fills in behind the lexical tier: [`Structure::fill`] parses what no record is kept of, most wanted files first. Where a
//! question needs a file that has not had its turn, it is parsed for that question. What is kept depends on the content of a
//! file only, so branches and worktrees share it.

mod lines;
mod names;
mod record;
mod store;

use std::collections::{HashMap, HashSet, VecDeque};
use std::ops::Range;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::{Duration, Instant};

use wainwright_syntax::{Definition, Document, Kind, Language, Limits, Outline, Use};

use self::lines::Lines;
pub use self::names::How;
use self::names::{Names, Spot};
use self::record::{encode, innermost, name_hash};
use self::store::{Draft, Key, Store};
use crate::files::text::text;
use crate::files::traits::Traits;
use crate::index::snapshot::Snapshot;

/// Records are written when so many bytes are ready.
const BATCH: usize = 1 << 19;
/// And when the last were written so long ago: what was done is seen, and is not lost.
const PAUSE: Duration = Duration::from_millis(700);
/// So many files without a record are parsed for one question.
const PARSED_FOR_A_QUESTION: usize = 64;
/// How much of a text is looked at for its language, in bytes.
const HEAD: usize = 1 << 14;
/// So many of the buffers that were typed in last are kept as documents, so that the next letter costs little.
const TYPED: usize = 8;
/// The language of a path that shows none.
const UNKNOWN: u8 = u8::MAX;

/// What a filling did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Filled {
    /// Files that were parsed.
    pub parsed: usize,
    /// Bytes of these files.
    pub bytes: u64,
    /// Files that have a record now, of those that can have one.
    pub ready: usize,
    /// Files that can have a record.
    pub files: usize,
    /// Whether everything was written; else it is known to this process only.
    pub saved: bool,
    /// How long it took.
    pub took: Duration,
}

/// How large the structural tier is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StructureStats {
    /// Records, each of one text.
    pub records: u32,
    /// Bytes on disk.
    pub bytes: u64,
    /// Definitions in the files of the snapshot.
    pub definitions: u64,
    /// References in the files of the snapshot.
    pub references: u64,
}

/// A question for symbols.
#[derive(Debug, Clone, Copy)]
pub struct SymbolQuery<'q> {
    /// The name; scopes before it, joined by `.` or `::`, must be those that the definition lies in.
    pub name: &'q str,
    /// How the name must fit; scopes must always be exact.
    pub how: How,
    /// The kinds wanted; all if empty.
    pub kinds: &'q [Kind],
    /// The most answers.
    pub limit: usize,
}

/// A definition, and where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Symbol {
    /// The number of the file in the snapshot.
    pub file: u32,
    /// Its name with the scopes it lies in.
    pub qualname: String,
    /// The definition, by the text of the file.
    pub definition: Definition,
    /// How well the name fits, from 1 to 1000.
    pub score: u32,
}

/// A place where a name is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Usage {
    /// The number of the file in the snapshot.
    pub file: u32,
    /// Where the name is written, in bytes of the text.
    pub at: Range<u32>,
    /// The line of it, from 1.
    pub line: u32,
    /// How it is used.
    pub usage: Use,
    /// The innermost definition around it: its qualified name, kind, and lines.
    pub within: Option<(String, Kind, u32, u32)>,
}

/// The uses of a name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Usages {
    /// By file and place; files of the project itself before generated and foreign ones.
    pub found: Vec<Usage>,
    /// False if the limit was reached, or files have not been read yet.
    pub complete: bool,
}

/// A definition that calls a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The number of the file in the snapshot.
    pub file: u32,
    /// The qualified name of the definition, its kind and its lines; `None` for calls outside of all.
    pub caller: Option<(String, Kind, u32, u32)>,
    /// The lines of the calls, from 1.
    pub lines: Vec<u32>,
}

/// See the module. It may be asked by several threads, also while it is filled.
#[derive(Debug)]
pub struct Structure {
    store: RwLock<Store>,
    names: Mutex<Names>,
    /// The records of unsaved texts, by path. They are not written, and each takes the place of the one before.
    unsaved: Mutex<HashMap<Box<str>, u32>>,
    /// The unsaved texts that were parsed last, by path, the newest first.
    typed: Mutex<VecDeque<(Box<str>, Document)>>,
    /// The files of the last snapshot that was asked about, by their content.
    files: Mutex<Option<(u64, Arc<ByContent>)>>,
}

type ByContent = HashMap<u128, Vec<u32>>;

impl Structure {
    /// Opens the records kept in the folder `cache`, which several roots may share. What is damaged or of another version is
    /// as if it were not there. Of many records, those go that no tree has use for whose [`crate::Index`] lies in this folder or
    /// in one of its folders.
    #[must_use]
    pub fn open(cache: &Path) -> Self {
        let store = RwLock::new(Store::open(&cache.join("structure.records"), || contents(cache)));
        let (names, unsaved) = (Mutex::default(), Mutex::default());
        Self { store, names, unsaved, typed: Mutex::default(), files: Mutex::default() }
    }

    fn read(&self) -> RwLockReadGuard<'_, Store> {
        self.store.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Store> {
        self.store.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Parses every file of which no record is kept: the `wanted` first, then the project's own programs, then all others.
    ///
    /// It returns early if `cancel` becomes true; what was done until then is kept.
    pub fn fill(&self, snapshot: &Snapshot, wanted: &[u32], threads: usize, cancel: &AtomicBool) -> Filled {
        let began = Instant::now();
        self.write().catch_up();
        let mut filled = Filled { saved: true, ..Filled::default() };
        let jobs = self.jobs(snapshot, wanted, &mut filled);
        let next = AtomicUsize::new(0);
        let sum = Mutex::new(&mut filled);
        let work = || {
            let mut draft = Draft::default();
            let mut written = Instant::now();
            let mut own = Filled { saved: true, ..Filled::default() };
            while !cancel.load(Ordering::Relaxed) {
                let Some(&(file, key)) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) else { break };
                let done = if is_unsaved(snapshot, file) {
                    self.hold(snapshot, file, key).map(|(_, size)| size)
                } else {
                    parse_into(snapshot, file, key, &mut draft, read_whole)
                };
                if let Some(size) = done {
                    own.parsed += 1;
                    own.bytes += size;
                }
                if draft.bytes.len() > BATCH || written.elapsed() > PAUSE {
                    own.saved &= self.write().append(&draft).is_ok();
                    draft = Draft::default();
                    written = Instant::now();
                }
            }
            own.saved &= self.write().append(&draft).is_ok();
            let mut all = sum.lock().unwrap_or_else(PoisonError::into_inner);
            all.parsed += own.parsed;
            all.ready += own.parsed;
            all.bytes += own.bytes;
            all.saved &= own.saved;
        };
        std::thread::scope(|scope| {
            for _ in 1..threads.max(1) {
                scope.spawn(work);
            }
            work();
        });
        // So that the first question finds them.
        // The store before the names, here as everywhere: who holds one and waits for the other must not meet who does the reverse.
        let store = self.read();
        self.names.lock().unwrap_or_else(PoisonError::into_inner).catch_up(&store);
        drop(store);
        filled.took = began.elapsed();
        filled
    }

    /// The files without a record, in the order of their turn.
    fn jobs(&self, snapshot: &Snapshot, wanted: &[u32], filled: &mut Filled) -> Vec<(u32, Key)> {
        let store = self.read();
        let mut seen = HashSet::new();
        let mut jobs = Vec::new();
        let first = wanted.iter().copied().filter(|file| snapshot.has(*file));
        for (rank, file) in first.map(|file| (0, file)).chain(snapshot.files().map(|file| (1, file))) {
            let Some(key) = key_of(snapshot, file) else { continue };
            if !seen.insert(key) {
                continue;
            }
            filled.files += 1;
            if store.find(key).is_some() {
                filled.ready += 1;
                continue;
            }
            let traits = snapshot.info(file).traits;
            let is_own = !traits.has(Traits::VENDORED) && !traits.has(Traits::GENERATED);
            let is_code =
                Language::ALL.get(usize::from(key.language)).is_some_and(|language| language.is_code());
            jobs.push((rank * (1 + 2 * u8::from(!is_own) + u8::from(!is_code)), file, key));
        }
        // The sort is stable: the wanted stay in their order, all others in that of their paths.
        jobs.sort_by_key(|(rank, ..)| *rank);
        jobs.into_iter().map(|(_, file, key)| (file, key)).collect()
    }

    /// The record of a file, made now if there is none.
    fn record(&self, snapshot: &Snapshot, file: u32) -> Option<u32> {
        let key = key_of(snapshot, file)?;
        if let Some(record) = self.read().find(key) {
            return Some(record);
        }
        if is_unsaved(snapshot, file) {
            return self.hold(snapshot, file, key).map(|(record, _)| record);
        }
        let mut draft = Draft::default();
        parse_into(snapshot, file, key, &mut draft, read_whole)?;
        let mut store = self.write();
        // That it cannot be written matters to the next process only.
        let _ = store.append(&draft);
        store.find(key)
    }

    /// Parses an unsaved text; gives its record and its size in bytes.
    fn hold(&self, snapshot: &Snapshot, file: u32, key: Key) -> Option<(u32, u64)> {
        let mut draft = Draft::default();
        let path = snapshot.path(file);
        let size =
            parse_into(snapshot, file, key, &mut draft, |language, text| self.typed(path, language, text))?;
        let mut unsaved = self.unsaved.lock().unwrap_or_else(PoisonError::into_inner);
        let mut store = self.write();
        if let Some(known) = store.find(key) {
            // Another thread was faster.
            return Some((known, size));
        }
        if let Some(before) = unsaved.remove(snapshot.path(file)) {
            store.forget(before);
        }
        let record = store.hold(&draft)?;
        unsaved.insert(snapshot.path(file).into(), record);
        Some((record, size))
    }

    /// The outline of an unsaved text, which is most often like the last one of its path.
    fn typed(&self, path: &str, language: Language, text: &[u8]) -> Outline {
        let lock = || self.typed.lock().unwrap_or_else(PoisonError::into_inner);
        let is_it =
            |(known, document): &(Box<str>, Document)| **known == *path && document.language() == language;
        let known = {
            let mut typed = lock();
            typed.iter().position(is_it).and_then(|at| typed.remove(at))
        };
        let (path, mut document) =
            known.unwrap_or_else(|| (path.into(), Document::new(language, Vec::new())));
        document.replace(text);
        let outline = document.outline();
        let mut typed = lock();
        typed.push_front((path, document));
        typed.truncate(TYPED);
        outline
    }

    /// What a file defines, uses and imports; its text as it is now, which all offsets are into. `None` if it is no text in a
    /// language with a grammar, or too large.
    #[must_use]
    pub fn outline(&self, snapshot: &Snapshot, file: u32) -> Option<(Outline, Vec<u8>)> {
        let key = key_of(snapshot, file)?;
        let content = snapshot.content(file)?;
        let current = xxhash_rust::xxh3::xxh3_128(&content) == key.content;
        let text = text(&content)?.into_owned();
        if current {
            let record = self.record(snapshot, file)?;
            let store = self.read();
            let (record, strings) = store.get(record)?;
            return record.outline(&strings, &text).map(|outline| (outline, text));
        }
        // The file has been written since the snapshot.
        let language = Language::of(snapshot.path(file), &text)?;
        Some((wainwright_syntax::outline(language, &text, &Limits::default()), text))
    }

    /// Finds definitions by their name.
    #[must_use]
    pub fn find_symbol(&self, snapshot: &Snapshot, query: &SymbolQuery<'_>) -> Vec<Symbol> {
        let by_content = self.by_content(snapshot);
        let asked = query.name.replace("::", ".");
        let (scopes, name) =
            asked.rsplit_once('.').map_or((None, &*asked), |(scopes, name)| (Some(scopes), name));
        let store = self.read();
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        names.catch_up(&store);
        let mut decoded: HashMap<u32, Outline> = HashMap::new();
        let mut found = Vec::new();
        let fitting = names.find(name, query.how);
        for group in fitting.chunk_by(|one, other| one.0 == other.0) {
            let spots = group.iter().flat_map(|(_, number)| names.spots(*number));
            let spots = spots.filter(|spot| query.kinds.is_empty() || query.kinds.contains(&spot.kind));
            for (_, _, _, file, spot) in in_files(snapshot, &store, &by_content, spots) {
                if found.len() >= query.limit {
                    return found;
                }
                let outline = decoded.entry(spot.record).or_insert_with(|| {
                    let definitions =
                        store.get(spot.record).map(|(record, strings)| record.definitions(&strings));
                    Outline { definitions: definitions.unwrap_or_default(), ..Outline::default() }
                });
                let Some(definition) = outline.definitions.get(spot.definition as usize) else { continue };
                let qualname = outline.qualname(spot.definition as usize);
                let before = qualname.strip_suffix(&definition.name).unwrap_or("").trim_end_matches('.');
                if scopes.is_none_or(|scopes| before == scopes || before.ends_with(&format!(".{scopes}"))) {
                    let definition = definition.clone();
                    found.push(Symbol {
                        file,
                        qualname,
                        definition,
                        score: group.first().map_or(0, |best| best.0),
                    });
                }
            }
        }
        found
    }

    /// Finds the places where a name is used: called, or named as a type or base.
    #[must_use]
    pub fn references(&self, snapshot: &Snapshot, name: &str, limit: usize) -> Usages {
        self.usages(snapshot, name, limit, |_| true)
    }

    /// Finds the definitions that call a name.
    #[must_use]
    pub fn callers(&self, snapshot: &Snapshot, name: &str, limit: usize) -> (Vec<Caller>, bool) {
        let usages = self.usages(snapshot, name, limit, Use::is_call);
        let mut callers: Vec<Caller> = Vec::new();
        for usage in usages.found {
            match callers.iter_mut().rev().find(|last| last.file == usage.file && last.caller == usage.within)
            {
                Some(known) => known.lines.push(usage.line),
                None => {
                    callers.push(Caller { file: usage.file, caller: usage.within, lines: vec![usage.line] });
                }
            }
        }
        (callers, usages.complete)
    }

    fn usages(&self, snapshot: &Snapshot, name: &str, limit: usize, wanted: impl Fn(Use) -> bool) -> Usages {
        let name = name.rsplit("::").next().unwrap_or(name).rsplit('.').next().unwrap_or(name);
        let is_word = |character: char| character.is_alphanumeric() || character == '_';
        let word = name.split(|character| !is_word(character)).find(|word| !word.is_empty());
        let mut files: Vec<u32> = word
            .map(|word| snapshot.word(word))
            .unwrap_or_default()
            .iter()
            .map(|posting| posting.file)
            .collect();
        files.sort_by_cached_key(|file| (is_foreign(snapshot, *file), snapshot.path(*file)));
        let mut usages = Usages { complete: true, ..Usages::default() };
        let mut parsed = 0;
        for file in files {
            if usages.found.len() >= limit {
                usages.complete = false;
                break;
            }
            let Some(key) = key_of(snapshot, file) else { continue };
            if self.read().find(key).is_none() {
                parsed += 1;
                if parsed > PARSED_FOR_A_QUESTION {
                    usages.complete = false;
                    continue;
                }
            }
            let Some(record) = self.record(snapshot, file) else { continue };
            self.usages_in(snapshot, (file, record), name.as_bytes(), &wanted, &mut usages.found);
        }
        if usages.found.len() > limit {
            usages.found.truncate(limit);
            usages.complete = false;
        }
        usages
    }

    fn usages_in(
        &self,
        snapshot: &Snapshot,
        (file, record): (u32, u32),
        name: &[u8],
        wanted: &impl Fn(Use) -> bool,
        found: &mut Vec<Usage>,
    ) -> Option<()> {
        let store = self.read();
        let (record, strings) = store.get(record)?;
        let hash = name_hash(name);
        let mut places = record.places();
        places
            .retain(|place| place.hash == hash && place.length as usize == name.len() && wanted(place.usage));
        if places.is_empty() {
            return None;
        }
        let content = snapshot.content(file)?;
        let text = text(&content)?;
        let definitions = record.definitions(&strings);
        let outline = Outline { definitions, ..Outline::default() };
        let mut lines = Lines::default();
        for place in places {
            let at = place.start..place.start + place.length;
            // A hash of sixteen bits is no proof, and the file may have been written since.
            if text.get(at.start as usize..at.end as usize) != Some(name) {
                continue;
            }
            let within = innermost(&outline.definitions, at.start).map(|index| {
                let definition = &outline.definitions[index as usize];
                let qualname = outline.qualname(index as usize);
                (qualname, definition.kind, definition.start_line, definition.end_line)
            });
            found.push(Usage { file, line: lines.line(&text, at.start), at, usage: place.usage, within });
        }
        Some(())
    }

    /// How large it is, with the records of this snapshot counted through.
    #[must_use]
    pub fn stats(&self, snapshot: &Snapshot) -> StructureStats {
        let store = self.read();
        let mut stats =
            StructureStats { records: store.len(), bytes: store.bytes(), ..StructureStats::default() };
        for file in snapshot.files() {
            let record = key_of(snapshot, file).and_then(|key| store.find(key));
            if let Some((record, _)) = record.and_then(|record| store.get(record)) {
                stats.definitions += record.heads().len() as u64;
                stats.references += record.places().len() as u64;
            }
        }
        stats
    }

    fn by_content(&self, snapshot: &Snapshot) -> Arc<ByContent> {
        let mut known = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, files)) = known.as_ref().filter(|(id, _)| *id == snapshot.id) {
            return Arc::clone(files);
        }
        let mut files = ByContent::with_capacity(snapshot.len() as usize);
        for file in snapshot.files() {
            files.entry(snapshot.info(file).hash).or_default().push(file);
        }
        let files = Arc::new(files);
        *known = Some((snapshot.id, Arc::clone(&files)));
        files
    }
}

/// A spot in a file, with what its place among others of the same score follows from: the project's own before foreign ones,
/// definitions before declarations and extensions, then by path.
type Placed<'s> = (bool, bool, &'s str, u32, Spot);

/// The spots whose text is that of a file now, best files first.
fn in_files<'s>(
    snapshot: &'s Snapshot,
    store: &Store,
    by_content: &ByContent,
    spots: impl Iterator<Item = Spot>,
) -> Vec<Placed<'s>> {
    let mut placed = Vec::new();
    for spot in spots {
        let files = store.key(spot.record).and_then(|key| by_content.get(&key.content));
        let is_less = matches!(spot.kind, Kind::Declaration | Kind::Impl);
        for file in files.into_iter().flatten() {
            placed.push((is_foreign(snapshot, *file), is_less, snapshot.path(*file), *file, spot));
        }
    }
    placed.sort_unstable_by_key(|(foreign, less, path, _, spot)| (*foreign, *less, *path, spot.definition));
    placed
}

/// What the files of all trees hold whose index is kept in a folder, or in a folder of it; `None` if there is none.
fn contents(cache: &Path) -> Option<HashSet<u128>> {
    let folders = std::fs::read_dir(cache).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut found = HashSet::new();
    for folder in std::iter::once(cache.to_owned()).chain(folders) {
        if let Some(segment) = crate::segment::store::open(&folder.join(crate::segment::store::NAME)) {
            found.extend((0..segment.files).map(|file| segment.facts(file).hash));
        }
    }
    (!found.is_empty()).then_some(found)
}

fn is_unsaved(snapshot: &Snapshot, file: u32) -> bool {
    snapshot.info(file).traits.has(Traits::UNSAVED)
}

fn is_foreign(snapshot: &Snapshot, file: u32) -> bool {
    let traits = snapshot.info(file).traits;
    traits.has(Traits::VENDORED) || traits.has(Traits::GENERATED)
}

/// The key of a file's record; `None` if it can have none.
fn key_of(snapshot: &Snapshot, file: u32) -> Option<Key> {
    let path = snapshot.path(file);
    let language = match Language::of(path, b"") {
        Some(language) => language as u8,
        // A file without an extension may say in its first line what it is.
        None if !path.rsplit('/').next()?.contains('.') => UNKNOWN,
        None => return None,
    };
    let info = snapshot.info(file);
    let unfit = [Traits::BINARY, Traits::HUGE, Traits::MINIFIED, Traits::UNREADABLE];
    let fits = info.hash != 0 && !unfit.into_iter().any(|trait_| info.traits.has(trait_));
    fits.then_some(Key { content: info.hash, language })
}

fn read_whole(language: Language, text: &[u8]) -> Outline {
    wainwright_syntax::outline(language, text, &Limits::default())
}

/// Appends a file's record to a draft and gives its size; `None` if the file is not what the snapshot says.
fn parse_into(
    snapshot: &Snapshot,
    file: u32,
    key: Key,
    draft: &mut Draft,
    read: impl FnOnce(Language, &[u8]) -> Outline,
) -> Option<u64> {
    let content = snapshot.content(file)?;
    if xxhash_rust::xxh3::xxh3_128(&content) != key.content {
        return None;
    }
    let text = text(&content)?;
    let outline = match Language::of(snapshot.path(file), &text[..text.len().min(HEAD)]) {
        Some(language) => read(language, &text),
        None => Outline::default(),
    };
    encode(&outline, &text, &mut draft.strings, &mut draft.bytes);
    draft.end(key);
    Some(content.len() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_trees_of_a_folder_tell_what_is_of_use() {
        let cache = tempfile::tempdir().unwrap();
        assert_eq!(contents(cache.path()), None);
        let trees = [("", "a = 1\n"), ("one", "b = 2\n"), ("other", "c = 3\n")];
        for (mark, text) in trees {
            let root = crate::tests::make_tree(&[("f.py", text)]);
            let go = AtomicBool::new(false);
            crate::Index::open(root.path(), &cache.path().join(mark), &go).unwrap().save().unwrap();
        }
        let hash = |(_, text): (&str, &str)| xxhash_rust::xxh3::xxh3_128(text.as_bytes());
        assert_eq!(contents(cache.path()), Some(trees.into_iter().map(hash).collect()));
    }
}
