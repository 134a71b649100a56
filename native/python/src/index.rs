//! Listing and search.

use std::path::PathBuf;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use wainwright_indexer::{IndexError, Query};

type WalkAnswer = (Vec<(String, u64)>, bool);
type SearchAnswer = (Vec<(String, u32, String)>, bool);

/// Lists the files beneath a root.
#[pyfunction]
pub fn walk(py: Python<'_>, root: PathBuf, max_files: usize) -> PyResult<WalkAnswer> {
    let listing = py.detach(|| wainwright_indexer::walk(&root, max_files)).map_err(index_error)?;
    let files = listing.files.into_iter().map(|file| (file.path, file.size));
    Ok((files.collect(), listing.truncated))
}

/// Searches the files beneath a root.
#[pyfunction]
#[pyo3(signature = (root, pattern, *, regex, ignore_case, glob, max_hits))]
pub fn search(
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

fn index_error(error: IndexError) -> PyErr {
    PyValueError::new_err(error.to_string())
}
