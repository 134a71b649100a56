//! Differences, and edits of texts.

use pyo3::prelude::*;
use pyo3::pybacked::PyBackedStr;
use wainwright_diff::{Block, Reason, Refusal};

type RefusalAnswer = (usize, &'static str, Vec<(u32, String)>);

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

/// Applies search and replace blocks.
#[pyfunction]
pub fn apply_blocks(
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
