//! The bridge from the pure crates to Python: convert, let go of the interpreter lock, call, map errors.
//!
//! What each function means is written in `server/wainwright/_native.pyi` and in the crates.

#![expect(clippy::needless_pass_by_value, reason = "what comes from Python arrives as owned values")]

use std::borrow::Cow;
use std::io;
use std::path::{Path, PathBuf};

use pyo3::exceptions::{PyOSError, PyValueError};
use pyo3::prelude::*;
use pyo3::pybacked::{PyBackedBytes, PyBackedStr};
use wainwright_diff::{Block, Reason, Refusal};
use wainwright_fsops::{Change, FsError};
use wainwright_indexer::{IndexError, Query};

pyo3::create_exception!(
    wainwright._native,
    BoundaryError,
    PyValueError,
    "A path leads out of the root, or through a link that must not be followed."
);

/// The extension module `wainwright._native`.
#[pymodule]
mod _native {
    #[pymodule_export]
    use super::{BoundaryError, apply_blocks, line_hunks, read_beneath, search, unified, walk, write_batch};
}

type WalkAnswer = (Vec<(String, u64)>, bool);
type SearchAnswer = (Vec<(String, u32, String)>, bool);
type RefusalAnswer = (usize, &'static str, Vec<(u32, String)>);
type ChangeArgument = (PathBuf, Option<PyBackedBytes>, Option<u32>);

/// Lists the files beneath a root.
#[pyfunction]
fn walk(py: Python<'_>, root: PathBuf, max_files: usize) -> PyResult<WalkAnswer> {
    let listing = py.detach(|| wainwright_indexer::walk(&root, max_files)).map_err(index_error)?;
    let files = listing.files.into_iter().map(|file| (file.path, file.size));
    Ok((files.collect(), listing.truncated))
}

/// Searches the files beneath a root.
#[pyfunction]
#[pyo3(signature = (root, pattern, *, regex, ignore_case, glob, max_hits))]
fn search(
    py: Python<'_>,
    root: PathBuf,
    pattern: &str,
    regex: bool,
    ignore_case: bool,
    glob: Option<&str>,
    max_hits: usize,
) -> PyResult<SearchAnswer> {
    let query = Query { pattern, regex, ignore_case, glob, max_hits };
    let found = py.detach(|| wainwright_indexer::search(&root, query)).map_err(index_error)?;
    let hits = found.hits.into_iter().map(|hit| (hit.path, hit.line, hit.text));
    Ok((hits.collect(), found.truncated))
}

/// Compares two texts line by line.
#[pyfunction]
fn line_hunks(py: Python<'_>, old: &str, new: &str) -> Vec<(u32, u32, u32, u32)> {
    py.detach(|| wainwright_diff::line_hunks(old, new))
        .into_iter()
        .map(|hunk| (hunk.old_start, hunk.old_len, hunk.new_start, hunk.new_len))
        .collect()
}

/// Compares two texts in the unified format.
#[pyfunction]
fn unified(py: Python<'_>, old: &str, new: &str, old_name: &str, new_name: &str, context: u32) -> String {
    py.detach(|| wainwright_diff::unified(old, new, old_name, new_name, context))
}

/// Applies search and replace blocks.
#[pyfunction]
fn apply_blocks(
    py: Python<'_>,
    text: &str,
    blocks: Vec<(PyBackedStr, PyBackedStr)>,
) -> (Option<String>, Option<RefusalAnswer>) {
    let outcome = py.detach(|| {
        let blocks: Vec<_> = blocks.iter().map(|(search, replace)| Block { search, replace }).collect();
        wainwright_diff::apply_blocks(text, &blocks)
    });
    match outcome {
        Ok(edited) => (Some(edited), None),
        Err(refusal) => (None, Some(refusal_answer(refusal))),
    }
}

fn refusal_answer(refusal: Refusal) -> RefusalAnswer {
    let reason = match refusal.reason {
        Reason::Missing => "missing",
        Reason::Ambiguous => "ambiguous",
        Reason::Empty => "empty",
    };
    let places = refusal.places.into_iter().map(|place| (place.line, place.text));
    (refusal.block, reason, places.collect())
}

/// Writes and deletes files beneath a root, all or none.
#[pyfunction]
fn write_batch(py: Python<'_>, root: PathBuf, changes: Vec<ChangeArgument>) -> PyResult<()> {
    py.detach(|| {
        let changes: Vec<_> = changes
            .iter()
            .map(|(path, content, mode)| Change { path, content: content.as_deref(), mode: *mode })
            .collect();
        wainwright_fsops::write_batch(&root, &changes)
    })
    .map_err(fs_error)
}

/// Reads a file beneath a root.
#[pyfunction]
fn read_beneath(
    py: Python<'_>,
    root: PathBuf,
    path: PathBuf,
    max_bytes: u64,
) -> PyResult<Cow<'static, [u8]>> {
    py.detach(|| wainwright_fsops::read_beneath(&root, &path, max_bytes)).map(Into::into).map_err(fs_error)
}

fn index_error(error: IndexError) -> PyErr {
    PyValueError::new_err(error.to_string())
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
