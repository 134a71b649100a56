//! Listing, search, and the index that is kept.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use pyo3::exceptions::{PyOSError, PyValueError};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedStr;
use pyo3::types::PyList;
use wainwright_indexer::{Found, IndexError, Kind, Query, Refreshed, Snapshot};

pyo3::create_exception!(
    wainwright._native,
    Cancelled,
    pyo3::exceptions::PyException,
    "The caller took its question back."
);

type WalkAnswer = (Vec<(String, u64)>, bool);
type SearchAnswer = (Vec<(String, u32, String)>, bool);
type RefreshAnswer = (usize, usize, u64, f64);

/// Lets the system have the memory that large work is done with: the allocator of glibc keeps what threads gave free.
#[cfg_attr(
    all(target_os = "linux", target_env = "gnu"),
    expect(unsafe_code, reason = "a function of the C library")
)]
pub fn give_back() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: it may be called by any thread at any time, and touches nothing but free memory.
    unsafe {
        libc::malloc_trim(0);
    }
}

/// Lists the files beneath a root.
#[pyfunction]
pub fn walk(py: Python<'_>, root: PathBuf, max_files: usize) -> PyResult<WalkAnswer> {
    let listing = py.detach(|| wainwright_indexer::walk(&root, max_files)).map_err(index_error)?;
    let files = listing.files.into_iter().map(|file| (file.path, file.size));
    Ok((files.collect(), listing.truncated))
}

/// Searches the files beneath a root without an index.
#[pyfunction]
#[pyo3(signature = (root, pattern, *, regex, word, ignore_case, glob, max_hits))]
#[expect(clippy::too_many_arguments, reason = "the options of a search")]
pub fn search(
    py: Python<'_>,
    root: PathBuf,
    pattern: &str,
    regex: bool,
    word: bool,
    ignore_case: bool,
    glob: Option<&str>,
    max_hits: usize,
) -> PyResult<SearchAnswer> {
    let query = Query { pattern, regex, word, ignore_case, glob, max_hits };
    py.detach(|| wainwright_indexer::search(&root, query)).map(search_answer).map_err(index_error)
}

fn search_answer(found: Found) -> SearchAnswer {
    let hits = found.hits.into_iter().map(|hit| (hit.path, hit.line, hit.text));
    (hits.collect(), found.truncated)
}

/// Takes a question back that is being answered in another thread.
#[pyclass(frozen, module = "wainwright._native")]
#[derive(Default)]
pub struct Cancel(Arc<AtomicBool>);

#[pymethods]
impl Cancel {
    #[new]
    fn new() -> Self {
        Self::default()
    }

    /// Ends the question soon.
    fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

pub(crate) fn flag(cancel: Option<&Bound<'_, Cancel>>) -> Arc<AtomicBool> {
    cancel.map_or_else(Arc::default, |cancel| Arc::clone(&cancel.get().0))
}

/// The index of one tree.
#[pyclass(frozen, module = "wainwright._native")]
pub struct Index(wainwright_indexer::Index);

impl Index {
    /// The files as they are known now.
    pub(crate) fn snapshot(&self) -> Arc<Snapshot> {
        self.0.snapshot()
    }
}

#[pymethods]
impl Index {
    #[new]
    #[pyo3(signature = (root, cache, cancel=None))]
    fn new(
        py: Python<'_>,
        root: PathBuf,
        cache: PathBuf,
        cancel: Option<Bound<'_, Cancel>>,
    ) -> PyResult<Self> {
        let cancel = flag(cancel.as_ref());
        py.detach(|| wainwright_indexer::Index::open(&root, &cache, &cancel)).map(Self).map_err(index_error)
    }

    #[pyo3(signature = (cancel=None))]
    fn refresh(&self, py: Python<'_>, cancel: Option<Bound<'_, Cancel>>) -> PyResult<RefreshAnswer> {
        let cancel = flag(cancel.as_ref());
        py.detach(|| self.0.refresh(&cancel)).map(refresh_answer).map_err(index_error)
    }

    #[pyo3(signature = (paths, cancel=None))]
    fn refresh_paths(
        &self,
        py: Python<'_>,
        paths: Vec<PyBackedStr>,
        cancel: Option<Bound<'_, Cancel>>,
    ) -> PyResult<RefreshAnswer> {
        let cancel = flag(cancel.as_ref());
        let paths: Vec<&str> = paths.iter().map(|path| &**path).collect();
        py.detach(|| self.0.refresh_paths(&paths, &cancel)).map(refresh_answer).map_err(index_error)
    }

    fn overlay(&self, py: Python<'_>, path: &str, text: &str) -> bool {
        py.detach(|| self.0.overlay(path, text))
    }

    fn drop_overlay(&self, py: Python<'_>, path: &str) {
        py.detach(|| self.0.drop_overlay(path));
    }

    fn save(&self, py: Python<'_>) -> PyResult<()> {
        py.detach(|| {
            if self.0.save()? {
                give_back();
            }
            Ok::<_, std::io::Error>(())
        })
        .map_err(PyOSError::new_err)
    }

    #[pyo3(signature = (pattern, *, regex, word, ignore_case, glob, max_hits, cancel=None))]
    #[expect(clippy::too_many_arguments, reason = "the options of a search")]
    fn search(
        &self,
        py: Python<'_>,
        pattern: &str,
        regex: bool,
        word: bool,
        ignore_case: bool,
        glob: Option<&str>,
        max_hits: usize,
        cancel: Option<Bound<'_, Cancel>>,
    ) -> PyResult<SearchAnswer> {
        let query = Query { pattern, regex, word, ignore_case, glob, max_hits };
        let cancel = flag(cancel.as_ref());
        py.detach(|| self.0.snapshot().search(query, &cancel)).map(search_answer).map_err(index_error)
    }

    fn files(&self, py: Python<'_>) -> Vec<(String, u64)> {
        py.detach(|| {
            let snapshot = self.0.snapshot();
            snapshot.files().map(|file| (snapshot.path(file).to_owned(), snapshot.info(file).size)).collect()
        })
    }

    fn word(&self, py: Python<'_>, word: &str) -> Vec<(String, u32, bool)> {
        py.detach(|| {
            let snapshot = self.0.snapshot();
            let of = |posting: wainwright_indexer::Posting| {
                (snapshot.path(posting.file).to_owned(), posting.count, posting.defines)
            };
            let mut files: Vec<_> = snapshot.word(word).into_iter().map(of).collect();
            files.sort_unstable();
            files
        })
    }

    #[pyo3(signature = (word, cancel=None))]
    fn places<'py>(
        &self,
        py: Python<'py>,
        word: &str,
        cancel: Option<Bound<'_, Cancel>>,
    ) -> PyResult<Bound<'py, PyList>> {
        let cancel = flag(cancel.as_ref());
        let snapshot = self.0.snapshot();
        let places = py.detach(|| snapshot.places(word, &cancel)).map_err(index_error)?;
        PyList::new(py, places)
    }

    fn defined(&self, py: Python<'_>, name: &str) -> Vec<(String, u32, &'static str)> {
        py.detach(|| {
            let snapshot = self.0.snapshot();
            let found = snapshot.defined(name).into_iter();
            found.map(|(file, it)| (snapshot.path(file).to_owned(), it.line, kind(it.kind))).collect()
        })
    }

    fn definitions(&self, py: Python<'_>, path: &str) -> Vec<(String, u32, &'static str)> {
        py.detach(|| {
            let snapshot = self.0.snapshot();
            let found = snapshot.find(path).map(|file| snapshot.definitions(file)).unwrap_or_default();
            found.into_iter().map(|it| (it.name.to_owned(), it.line, kind(it.kind))).collect()
        })
    }

    fn imported(&self, py: Python<'_>, path: &str) -> Vec<String> {
        py.detach(|| neighbours(&self.0.snapshot(), path, Snapshot::imported))
    }

    fn importers(&self, py: Python<'_>, path: &str) -> Vec<String> {
        py.detach(|| neighbours(&self.0.snapshot(), path, Snapshot::importers))
    }

    fn stats(&self, py: Python<'_>) -> (u32, u64, u64, u32, u64, u64) {
        let stats = py.detach(|| self.0.stats());
        let (files, words) = (stats.files, stats.distinct_words);
        (files, stats.text_bytes, stats.text_words, words, stats.definitions, stats.index_bytes)
    }
}

fn neighbours(snapshot: &Snapshot, path: &str, of: fn(&Snapshot, u32) -> Vec<u32>) -> Vec<String> {
    let files = snapshot.find(path).map(|file| of(snapshot, file)).unwrap_or_default();
    let mut paths: Vec<_> = files.into_iter().map(|file| snapshot.path(file).to_owned()).collect();
    paths.sort_unstable();
    paths
}

fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Function => "function",
        Kind::Type => "type",
        Kind::Value => "value",
        Kind::Module => "module",
    }
}

fn refresh_answer(refreshed: Refreshed) -> RefreshAnswer {
    (refreshed.changed, refreshed.removed, refreshed.bytes_read, refreshed.took.as_secs_f64())
}

fn index_error(error: IndexError) -> PyErr {
    match error {
        IndexError::Cancelled => Cancelled::new_err(error.to_string()),
        _ => PyValueError::new_err(error.to_string()),
    }
}
