//! The index of one tree: opened once, kept up to date, asked through its snapshots.

mod disk;
pub(crate) mod scan;
pub(crate) mod snapshot;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

use crate::IndexError;
use crate::files::read::PADDING;
use crate::files::rules::{self, Rules};
use crate::files::stamp::Stamp;
use crate::index::disk::Disk;
use crate::index::scan::Scan;
use crate::index::snapshot::{Snapshot, Unsaved};
use crate::lexer::lexicon::Seed;
use crate::lexer::source::Source;
use crate::segment::store;

/// What a look at the tree did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Refreshed {
    /// How many files were read and differ from what was known.
    pub changed: usize,
    /// How many files are no more.
    pub removed: usize,
    /// Bytes read from files.
    pub bytes_read: u64,
    /// How long it took.
    pub took: Duration,
}

/// How large an index is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stats {
    /// Files of the tree.
    pub files: u32,
    /// Bytes of these files.
    pub text_bytes: u64,
    /// Words of all texts together.
    pub text_words: u64,
    /// Distinct words.
    pub distinct_words: u32,
    /// Bytes of the segment, as it is in memory and, once saved, on disk.
    pub index_bytes: u64,
    /// How many definitions the lexer found.
    pub definitions: u64,
}

/// See the module.
///
/// Readers take a [`Snapshot`] and are not held up: neither by a refresh nor by an edit.
#[derive(Debug)]
pub struct Index {
    root: Arc<Path>,
    store: PathBuf,
    /// See [`rules::KEPT`].
    kept: PathBuf,
    /// Held by whoever looks at the file system or writes the store.
    looking: Mutex<()>,
    state: Mutex<State>,
    snapshot: RwLock<Arc<Snapshot>>,
}

#[derive(Debug)]
struct State {
    disk: Arc<Disk>,
    unsaved: BTreeMap<Box<str>, Unsaved>,
}

impl Index {
    /// Opens the index of the tree beneath `root`, with its store in the folder `cache`, and looks at the tree
    /// once: what is not in the store, or has changed since, is read.
    ///
    /// A file `kept` in that folder names files that belong to the tree although a rule hides them: their paths, each
    /// with a NUL behind it. It may change between two looks.
    ///
    /// A store that is damaged or of another version is as if it were not there. The new state is not written;
    /// see [`Index::save`].
    ///
    /// # Errors
    /// [`IndexError::Root`] if `root` is not an absolute path to a directory, [`IndexError::Cancelled`] if
    /// `cancel` became true.
    pub fn open(root: &Path, cache: &Path, cancel: &AtomicBool) -> Result<Self, IndexError> {
        if !root.is_absolute() || !root.is_dir() {
            return Err(IndexError::Root(root.to_path_buf()));
        }
        let store = cache.join(store::NAME);
        let disk = Arc::new(store::open(&store).map_or_else(Disk::empty, Disk::of));
        let root: Arc<Path> = root.into();
        let state = State { disk, unsaved: BTreeMap::new() };
        let snapshot = Snapshot::new(Arc::clone(&root), Arc::clone(&state.disk), &state.unsaved);
        let index = Self {
            root,
            store,
            kept: cache.join(rules::KEPT),
            looking: Mutex::new(()),
            state: Mutex::new(state),
            snapshot: RwLock::new(Arc::new(snapshot)),
        };
        index.refresh(cancel)?;
        Ok(index)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The files as they are known now.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.snapshot.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn publish(&self, state: &State) {
        let snapshot = Snapshot::new(Arc::clone(&self.root), Arc::clone(&state.disk), &state.unsaved);
        *self.snapshot.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(snapshot);
    }

    /// Looks at every file and folder of the tree, and reads what has changed.
    ///
    /// # Errors
    /// [`IndexError::Cancelled`] if `cancel` became true; what was known stays.
    pub fn refresh(&self, cancel: &AtomicBool) -> Result<Refreshed, IndexError> {
        self.look(cancel, None)
    }

    /// Looks at some paths, as a watcher reports them: relative to the root, with `/` between components; files
    /// or folders, known or not, there or not.
    ///
    /// # Errors
    /// [`IndexError::Cancelled`] if `cancel` became true; what was known stays.
    pub fn refresh_paths(&self, paths: &[&str], cancel: &AtomicBool) -> Result<Refreshed, IndexError> {
        self.look(cancel, Some(paths))
    }

    fn look(&self, cancel: &AtomicBool, paths: Option<&[&str]>) -> Result<Refreshed, IndexError> {
        let began = Instant::now();
        let _looking = self.looking.lock().unwrap_or_else(PoisonError::into_inner);
        let disk = Arc::clone(&self.state().disk);
        let scan = Scan { root: &self.root, kept: &self.kept, disk: &disk, cancel };
        let mut changes = paths.map_or_else(|| scan.known(), |paths| scan.some(paths));
        let everything = changes.rules_changed;
        if everything {
            changes = scan.everything();
        }
        if cancel.load(Ordering::Relaxed) {
            return Err(IndexError::Cancelled);
        }
        let bulk = changes.bulk.iter().map(|source| source.docs.len()).sum::<usize>();
        let mut refreshed = Refreshed {
            changed: changes.singles.len() + bulk,
            removed: changes.removed.len(),
            bytes_read: changes.bytes_read,
            took: Duration::ZERO,
        };
        let mut disk = disk.with(changes, everything);
        if disk.is_crowded() {
            disk = disk.compacted(Vec::new());
        }
        let mut state = self.state();
        state.disk = Arc::new(disk);
        self.publish(&state);
        refreshed.took = began.elapsed();
        Ok(refreshed)
    }

    /// Puts the unsaved text of an open buffer over a file, which need not be there.
    ///
    /// Returns false, and does nothing, if the path does not belong to the tree: what a person hides from the
    /// index on disk is hidden while it is open, too.
    pub fn overlay(&self, path: &str, text: &str) -> bool {
        let (seed, known) = {
            let state = self.state();
            (state.disk.base.seed, state.disk.facts(path).is_some())
        };
        if !known && !Rules::admit_path(&self.root, &self.kept, path) {
            self.drop_overlay(path);
            return false;
        }
        let over = unsaved(path, text, seed);
        let mut state = self.state();
        state.unsaved.insert(path.into(), over);
        self.publish(&state);
        true
    }

    /// Takes the unsaved text off again: the file on disk counts.
    pub fn drop_overlay(&self, path: &str) {
        let mut state = self.state();
        if state.unsaved.remove(path).is_some() {
            self.publish(&state);
        }
    }

    /// Writes the store, if it does not say what is known, and tells whether it was. Unsaved texts are not written.
    ///
    /// # Errors
    /// If the file cannot be written; the old store stays.
    pub fn save(&self) -> io::Result<bool> {
        let _looking = self.looking.lock().unwrap_or_else(PoisonError::into_inner);
        let disk = Arc::clone(&self.state().disk);
        if !disk.unsaved {
            return Ok(false);
        }
        let whole = disk.gone.is_empty() && disk.fresh.is_empty() && disk.checked.is_empty();
        let whole = whole && disk.is_described_by_base();
        let disk = if whole { disk } else { Arc::new(disk.compacted(Vec::new())) };
        let saved = store::save(&disk.base, &self.store)?;
        // What is mapped can be given back by the system when memory is short.
        let disk = match store::open_saved(&self.store, saved) {
            Some(base) => Disk::of(base),
            None => Disk { unsaved: false, ..Disk::clone(&disk) },
        };
        let mut state = self.state();
        state.disk = Arc::new(disk);
        self.publish(&state);
        Ok(true)
    }

    /// How large the index is.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let snapshot = self.snapshot();
        let disk = Arc::clone(&self.state().disk);
        Stats {
            files: snapshot.len(),
            text_bytes: snapshot.files().map(|file| snapshot.info(file).size).sum(),
            text_words: snapshot.text_words(),
            distinct_words: snapshot.distinct_words(),
            index_bytes: disk.base.len() as u64,
            definitions: snapshot.files().map(|file| snapshot.definitions(file).len() as u64).sum(),
        }
    }
}

fn unsaved(path: &str, text: &str, seed: Seed) -> Unsaved {
    let mut padded = Vec::with_capacity(text.len() + PADDING);
    padded.extend_from_slice(text.as_bytes());
    padded.resize(text.len() + PADDING, 0);
    let mut source = Source::new(seed, 0);
    let stamp = Stamp { size: text.len() as u64, ..Stamp::default() };
    source.add(path, stamp, false, &padded, text.len());
    Unsaved { text: text.as_bytes().into(), source: Arc::new(source) }
}
