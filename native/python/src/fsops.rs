//! Files beneath a root.

use std::borrow::Cow;
use std::io;
use std::path::{Path, PathBuf};

use pyo3::exceptions::{PyOSError, PyValueError};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use wainwright_fsops::{Change, FsError};

pyo3::create_exception!(
    wainwright._native,
    BoundaryError,
    PyValueError,
    "A path leads out of the root, or through a link that must not be followed."
);

type ChangeArgument = (PathBuf, Option<PyBackedBytes>, Option<u32>);

/// Writes and deletes files beneath a root, all or none.
#[pyfunction]
pub fn write_batch(
    py: Python<'_>,
    root: PathBuf,
    changes: Vec<ChangeArgument>,
    journal: Option<PathBuf>,
) -> PyResult<()> {
    py.detach(|| {
        let changes: Vec<_> = changes
            .iter()
            .map(|(path, content, mode)| Change { path, content: content.as_deref(), mode: *mode })
            .collect();
        wainwright_fsops::write_batch(&root, &changes, journal.as_deref())
    })
    .map_err(fs_error)
}

/// Completes the batches of a journal.
#[pyfunction]
pub fn recover(py: Python<'_>, journal: PathBuf, root: PathBuf) -> PyResult<(Vec<PathBuf>, Vec<PathBuf>)> {
    let recovery = py.detach(|| wainwright_fsops::recover(&journal, &root)).map_err(fs_error)?;
    Ok((recovery.written, recovery.left))
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

fn fs_error(error: FsError) -> PyErr {
    let message = error.to_string();
    match error {
        FsError::Outside { .. } => BoundaryError::new_err(message),
        FsError::Invalid { .. } => PyValueError::new_err(message),
        FsError::NotFound { path } => os_error(errno::ENOENT, message, &path),
        FsError::TooLarge { path, .. } => os_error(errno::EFBIG, message, &path),
        FsError::NotAFile { path } => os_error(errno::EISDIR, message, &path),
        FsError::Io { path, source } => os_error(number(&source), source.to_string(), &path),
        FsError::Torn { source, .. } => PyOSError::new_err((number(&source), message)),
        FsError::Unsupported => PyOSError::new_err(message),
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
