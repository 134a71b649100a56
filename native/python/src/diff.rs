//! Differences, and edits of texts.

use std::borrow::Cow;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::pybacked::{PyBackedBytes, PyBackedStr};
use wainwright_diff::apply::{self, Action, Applied, Edit, Format, Refusal, Source};

type PlaceAnswer = (u32, String);
type RefusalAnswer =
    (usize, String, &'static str, Vec<String>, Vec<PlaceAnswer>, Option<(u32, String, String)>, String);
type DoneAnswer = (String, usize, Vec<&'static str>);
type AppliedAnswer = (Vec<(String, Option<String>)>, Vec<DoneAnswer>);
type EditArgument = (PyBackedStr, PyBackedStr, PyBackedStr, PyBackedStr);

/// Compares two texts line by line.
#[pyfunction]
pub fn line_hunks(py: Python<'_>, old: &str, new: &str) -> Vec<(u32, u32, u32, u32)> {
    py.detach(|| wainwright_diff::line_hunks(old, new))
        .into_iter()
        .map(|hunk| (hunk.old_start, hunk.old_len, hunk.new_start, hunk.new_len))
        .collect()
}

/// Compares two texts in the unified format.
#[pyfunction]
pub fn unified(py: Python<'_>, old: &str, new: &str, old_name: &str, new_name: &str, context: u32) -> String {
    py.detach(|| wainwright_diff::unified(old, new, old_name, new_name, context))
}

/// Applies an answer of a model to the files of a tree.
#[pyfunction]
pub fn apply_answer(
    py: Python<'_>,
    answer: &str,
    format: &str,
    path: Option<&str>,
    symbol: Option<&str>,
    tree: Vec<PyBackedStr>,
    read: Py<PyAny>,
) -> PyResult<(Option<AppliedAnswer>, Option<RefusalAnswer>)> {
    let format = match (format, path, symbol) {
        ("auto", ..) => Format::Auto,
        ("blocks", ..) => Format::Blocks,
        ("unified", ..) => Format::Unified,
        ("v4a", ..) => Format::V4a,
        ("function", Some(path), Some(symbol)) => Format::Function { path, symbol },
        ("file", Some(path), _) => Format::File { path },
        _ => {
            return Err(PyValueError::new_err(format!("no format {format}, or a path or symbol is missing")));
        }
    };
    py.detach(|| match apply::read_answer(answer, format, path) {
        Ok(edits) => apply_all(edits, &tree, &read),
        Err(refusal) => Ok((None, Some(refusal_answer(refusal)))),
    })
}

type Lines = (u32, u32);

/// Merges what two sides made of a text: the outcome, or the conflicts.
#[pyfunction]
pub fn merge(
    py: Python<'_>,
    base: &str,
    ours: &str,
    theirs: &str,
) -> (Option<String>, Vec<(Lines, Lines, Lines)>) {
    let merged = py.detach(|| wainwright_diff::merge(base, ours, theirs));
    let conflicts = merged.conflicts().map(|part| {
        let span = |range: &std::ops::Range<u32>| (range.start, range.end);
        (span(&part.base), span(&part.ours), span(&part.theirs))
    });
    (merged.text().map(str::to_owned), conflicts.collect())
}

/// Counts the syntax errors of two texts of a file.
#[pyfunction]
pub fn more_syntax_errors(py: Python<'_>, path: &str, before: &str, after: &str) -> Option<(u32, u32)> {
    py.detach(|| apply::more_syntax_errors(path, before, after))
}

/// Applies edits to the files of a tree.
#[pyfunction]
pub fn apply_edits(
    py: Python<'_>,
    edits: Vec<EditArgument>,
    tree: Vec<PyBackedStr>,
    read: Py<PyAny>,
) -> PyResult<(Option<AppliedAnswer>, Option<RefusalAnswer>)> {
    py.detach(|| {
        let edits = edits.iter().map(|(kind, path, first, second)| {
            let action = match &**kind {
                "search" => return Ok(Edit::search(path, first, second)),
                "write" => Action::Write(Cow::from(&**second)),
                "delete" => Action::Delete,
                "function" => Action::Function { symbol: Cow::from(&**first), code: Cow::from(&**second) },
                kind => return Err(PyValueError::new_err(format!("no kind of edit: {kind}"))),
            };
            Ok(Edit::new(&**path, action))
        });
        apply_all(edits.collect::<PyResult<_>>()?, &tree, &read)
    })
}

fn apply_all(
    edits: Vec<Edit<'_>>,
    tree: &[PyBackedStr],
    read: &Py<PyAny>,
) -> PyResult<(Option<AppliedAnswer>, Option<RefusalAnswer>)> {
    let tree: Vec<&str> = tree.iter().map(|path| &**path).collect();
    let mut failed = None;
    let outcome = apply::apply_edits(edits, &tree, |path| {
        source(read, path).unwrap_or_else(|error| {
            failed.get_or_insert(error);
            Source::Nothing
        })
    });
    match (failed, outcome) {
        (Some(error), _) => Err(error),
        (None, Ok(applied)) => Ok((Some(applied_answer(applied)), None)),
        (None, Err(refusal)) => Ok((None, Some(refusal_answer(refusal)))),
    }
}

/// What the reader of the caller returns for a path: text, bytes that may be text, nothing, or a word for anything else
/// and what there is to say about it.
fn source(read: &Py<PyAny>, path: &str) -> PyResult<Source<'static>> {
    Python::attach(|py| {
        let found = read.bind(py).call1((path,))?;
        if found.is_none() {
            return Ok(Source::Nothing);
        }
        if let Ok(bytes) = found.extract::<PyBackedBytes>() {
            return Ok(Source::of(&bytes));
        }
        if let Ok((kind, told)) = found.extract::<(PyBackedStr, String)>() {
            return match &*kind {
                "twin" => Ok(Source::Twin(told)),
                "link" => Ok(Source::Link(told)),
                "barred" => Ok(Source::Barred(told)),
                kind => Err(PyValueError::new_err(format!("no kind of source: {kind}"))),
            };
        }
        Ok(Source::Text(found.extract::<String>()?.into()))
    })
}

fn applied_answer(applied: Applied) -> AppliedAnswer {
    let changes = applied.changes.into_iter().map(|change| (change.path, change.after));
    let done = applied.done.into_iter().map(|done| {
        let tolerances = done.tolerances.iter().map(apply::Tolerance::name).collect();
        (done.path, done.line, tolerances)
    });
    (changes.collect(), done.collect())
}

fn refusal_answer(refusal: Refusal) -> RefusalAnswer {
    let explained = refusal.explain();
    let places = refusal.places.into_iter().map(|place| (place.line, place.text)).collect();
    let difference = refusal.difference.map(|d| *d).map(|d| (d.line, d.found, d.quoted));
    (refusal.edit, refusal.path, refusal.reason.name(), refusal.detail, places, difference, explained)
}
