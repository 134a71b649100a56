//! Files beneath a root.

use std::borrow::Cow;
use std::io;
use std::path::{Path, PathBuf};
#[cfg(unix)]
use std::sync::{Mutex, MutexGuard, PoisonError};

use pyo3::exceptions::{PyException, PyOSError, PyValueError};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use wainwright_fsops::{Change, Expected, FsError};
#[cfg(unix)]
use wainwright_fsops::{Hash, Item, KeptFile, Kind};

pyo3::create_exception!(
    wainwright._native,
    BoundaryError,
    PyValueError,
    "A path leads out of the root, or through a link that must not be followed."
);

pyo3::create_exception!(
    wainwright._native,
    ChangedError,
    PyException,
    "Files are not what they were when they were read: what to say, the paths, and whether one is being written."
);

/// Path, content, mode, and what must be there: `None` for anything, else the content or `None` for nothing.
type ChangeArgument = (PathBuf, Option<PyBackedBytes>, Option<u32>, Option<(Option<PyBackedBytes>,)>);

/// Writes and deletes files beneath a root, all or none.
#[pyfunction]
pub fn write_batch(
    py: Python<'_>,
    root: PathBuf,
    changes: Vec<ChangeArgument>,
    write_log: Option<PathBuf>,
) -> PyResult<()> {
    py.detach(|| {
        let changes: Vec<_> = changes
            .iter()
            .map(|(path, content, mode, expected)| {
                let expected = match expected {
                    None => Expected::Anything,
                    Some((None,)) => Expected::Nothing,
                    Some((Some(content),)) => Expected::Content(content),
                };
                Change { path, content: content.as_deref(), mode: *mode, expected }
            })
            .collect();
        wainwright_fsops::write_batch(&root, &changes, write_log.as_deref())
    })
    .map_err(fs_error)
}

/// Completes the batches of a write log.
#[pyfunction]
pub fn recover(py: Python<'_>, write_log: PathBuf, root: PathBuf) -> PyResult<(Vec<PathBuf>, Vec<PathBuf>)> {
    let recovery = py.detach(|| wainwright_fsops::recover(&write_log, &root)).map_err(fs_error)?;
    Ok((recovery.written, recovery.left))
}

/// Lays a folder of files over another.
#[cfg(unix)]
#[pyfunction]
pub fn lay(py: Python<'_>, source: PathBuf, target: PathBuf, linked: bool) -> PyResult<()> {
    py.detach(|| wainwright_fsops::lay(&source, &target, linked)).map_err(fs_error)
}

/// Makes a folder hold the files of another and nothing else.
#[cfg(unix)]
#[pyfunction]
pub fn align(py: Python<'_>, source: PathBuf, target: PathBuf) -> PyResult<()> {
    py.detach(|| wainwright_fsops::align(&source, &target)).map_err(fs_error)
}

/// Removes a folder and all beneath it.
#[cfg(unix)]
#[pyfunction]
pub fn remove(py: Python<'_>, folder: PathBuf) -> PyResult<()> {
    py.detach(|| wainwright_fsops::remove(&folder)).map_err(fs_error)
}

/// Reads a file beneath a root.
#[pyfunction]
pub fn read_beneath(
    py: Python<'_>,
    root: PathBuf,
    path: PathBuf,
    max_bytes: u64,
) -> PyResult<Cow<'static, [u8]>> {
    py.detach(|| wainwright_fsops::read_beneath(&root, &path, max_bytes)).map(Into::into).map_err(fs_error)
}

/// Opens a file beneath a root for reading; whoever called closes the descriptor.
#[cfg(unix)]
#[pyfunction]
pub fn open_beneath(py: Python<'_>, root: PathBuf, path: PathBuf) -> PyResult<i32> {
    let opened = py.detach(|| wainwright_fsops::open_beneath(&root, &path)).map_err(fs_error)?;
    Ok(std::os::fd::IntoRawFd::into_raw_fd(opened))
}

/// What a tree holds, as one hash.
#[cfg(unix)]
#[pyclass(frozen)]
pub struct Tree(Mutex<wainwright_fsops::Tree>);

#[cfg(unix)]
#[pymethods]
impl Tree {
    #[new]
    fn new(py: Python<'_>, root: PathBuf, exclude: Vec<String>, cache: Option<PathBuf>) -> PyResult<Self> {
        let tree = py.detach(|| wainwright_fsops::Tree::open(&root, &exclude, cache.as_deref()));
        Ok(Self(Mutex::new(tree.map_err(fs_error)?)))
    }

    fn hash(&self, py: Python<'_>) -> String {
        py.detach(|| held(&self.0).hash().to_string())
    }

    fn refresh(&self, py: Python<'_>) -> PyResult<String> {
        py.detach(|| held(&self.0).refresh()).map(|hash| hash.to_string()).map_err(fs_error)
    }

    fn update(&self, py: Python<'_>, dirty: Vec<PathBuf>) -> PyResult<String> {
        py.detach(|| held(&self.0).update(&dirty)).map(|hash| hash.to_string()).map_err(fs_error)
    }

    fn save(&self, py: Python<'_>, cache: PathBuf) -> PyResult<()> {
        py.detach(|| held(&self.0).save(&cache)).map_err(fs_error)
    }
}

#[cfg(unix)]
type RestoredAnswer = (Option<String>, Vec<PathBuf>, Vec<PathBuf>, Vec<PathBuf>);
#[cfg(unix)]
type ItemAnswer = (PathBuf, &'static str, u32, u64, String);
/// Path, content, mode, and whether it is a link.
#[cfg(unix)]
type KeptArgument = (PathBuf, PyBackedBytes, u32, bool);

/// A store of snapshots.
#[cfg(unix)]
#[pyclass(frozen)]
pub struct Snapshots(Mutex<wainwright_fsops::Snapshots>);

#[cfg(unix)]
#[pymethods]
impl Snapshots {
    #[new]
    fn new(py: Python<'_>, folder: PathBuf) -> PyResult<Self> {
        let store = py.detach(|| wainwright_fsops::Snapshots::open(&folder)).map_err(fs_error)?;
        Ok(Self(Mutex::new(store)))
    }

    fn take(&self, py: Python<'_>, tree: &Tree, dirty: Option<Vec<PathBuf>>) -> PyResult<String> {
        let taken = py.detach(|| held(&self.0).take(&mut held(&tree.0), dirty.as_deref()));
        taken.map(|hash| hash.to_string()).map_err(fs_error)
    }

    fn restore(
        &self,
        py: Python<'_>,
        tree: &Tree,
        snapshot: &str,
        dirty: Option<Vec<PathBuf>>,
    ) -> PyResult<RestoredAnswer> {
        let restored = py.detach(|| {
            let snapshot = snapshot.parse()?;
            held(&self.0).restore(&mut held(&tree.0), snapshot, dirty.as_deref())
        });
        let restored = restored.map_err(fs_error)?;
        let before = restored.before.map(|hash| hash.to_string());
        Ok((before, restored.written, restored.deleted, restored.left))
    }

    /// The name that content has in a store.
    #[staticmethod]
    fn name(content: &[u8]) -> String {
        Hash::of(content).to_string()
    }

    fn keep(&self, py: Python<'_>, files: Vec<KeptArgument>) -> PyResult<String> {
        let kept = py.detach(|| {
            let files: Vec<_> = files
                .iter()
                .map(|(path, content, mode, link)| KeptFile { path, content, mode: *mode, link: *link })
                .collect();
            held(&self.0).keep(&files)
        });
        kept.map(|hash| hash.to_string()).map_err(fs_error)
    }

    fn files(&self, py: Python<'_>, snapshot: &str) -> PyResult<Vec<ItemAnswer>> {
        let files = py.detach(|| held(&self.0).files(snapshot.parse()?)).map_err(fs_error)?;
        Ok(rows(files))
    }

    fn content(&self, py: Python<'_>, name: &str) -> PyResult<Cow<'static, [u8]>> {
        py.detach(|| held(&self.0).content(name.parse()?)).map(Into::into).map_err(fs_error)
    }

    fn sync(&self, py: Python<'_>) -> PyResult<()> {
        py.detach(|| held(&self.0).sync()).map_err(fs_error)
    }

    fn manifest(&self, py: Python<'_>, snapshot: &str) -> PyResult<Vec<ItemAnswer>> {
        let manifest = py.detach(|| held(&self.0).manifest(snapshot.parse()?)).map_err(fs_error)?;
        Ok(rows(manifest))
    }

    fn retain(&self, py: Python<'_>, snapshots: Vec<String>) -> PyResult<()> {
        py.detach(|| {
            let snapshots = snapshots.iter().map(|hash| hash.parse()).collect::<Result<Vec<_>, _>>()?;
            held(&self.0).retain(&snapshots)
        })
        .map_err(fs_error)
    }
}

#[cfg(unix)]
fn rows(items: impl IntoIterator<Item = (PathBuf, Item)>) -> Vec<ItemAnswer> {
    let row = |(path, item): (PathBuf, Item)| {
        let kind = match item.kind {
            Kind::File => "file",
            Kind::Link => "link",
            Kind::Folder => "folder",
        };
        (path, kind, item.mode, item.size, item.hash.to_string())
    };
    items.into_iter().map(row).collect()
}

/// A panic in another call leaves a tree that looks again at what it does not know, and a store that appends.
#[cfg(unix)]
fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn fs_error(error: FsError) -> PyErr {
    let message = error.to_string();
    match error {
        FsError::Outside { .. } => BoundaryError::new_err(message),
        FsError::Changed { paths, busy } => ChangedError::new_err((message, paths, busy)),
        FsError::Invalid { .. } => PyValueError::new_err(message),
        FsError::NotFound { path } => os_error(errno::ENOENT, message, &path),
        FsError::TooLarge { path, .. } => os_error(errno::EFBIG, message, &path),
        FsError::NotAFile { path } => os_error(errno::EISDIR, message, &path),
        FsError::Io { path, source } => os_error(number(&source), source.to_string(), &path),
        FsError::Torn { source, .. } => PyOSError::new_err((number(&source), message)),
        FsError::Restless { .. } | FsError::Damaged { .. } | FsError::Unsupported => {
            PyOSError::new_err(message)
        }
    }
}

fn number(error: &io::Error) -> i32 {
    error.raw_os_error().unwrap_or(errno::EIO)
}

/// Python chooses the subclass of `OSError` by the number.
fn os_error(number: i32, message: String, path: &Path) -> PyErr {
    PyOSError::new_err((number, message, path.display().to_string()))
}

/// The error numbers that Linux, the BSDs, macOS and Windows share.
mod errno {
    pub const ENOENT: i32 = 2;
    pub const EIO: i32 = 5;
    pub const EISDIR: i32 = 21;
    pub const EFBIG: i32 = 27;
}
