//! What a goal in words is about: ranked files and functions.

use std::sync::{Mutex, MutexGuard, PoisonError};

use pyo3::prelude::*;
use pyo3::pybacked::{PyBackedBytes, PyBackedStr};
use wainwright_indexer::rank::{self, Asked, Moment, Ranking, TreeEntry};

use crate::index::Index;
use crate::structure::Structure;

type FileAnswer = (String, &'static str, f32, Vec<String>);
type FunctionAnswer = (String, String, u32, u32, f32);
type RankAnswer = (Vec<FileAnswer>, Vec<FunctionAnswer>);
type FunctionValues = (String, String, u32, u32, Vec<f32>);
type ValuesAnswer = (Vec<(String, Vec<f32>)>, Vec<FunctionValues>);
type Entry = (String, String, u64);

/// Ranks trees of an object store.
#[pyclass(frozen, module = "wainwright._native")]
#[derive(Default)]
pub struct Ranker(Mutex<rank::Ranker>);

impl Ranker {
    fn held(&self) -> MutexGuard<'_, rank::Ranker> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn entries(tree: Vec<Entry>) -> Vec<TreeEntry> {
    tree.into_iter().map(|(path, object, size)| TreeEntry { path, object, size }).collect()
}

#[pymethods]
impl Ranker {
    #[new]
    fn new() -> Self {
        Self::default()
    }

    fn read_history(&self, py: Python<'_>, log: PyBackedBytes) {
        py.detach(|| self.held().read_history(&String::from_utf8_lossy(&log)));
    }

    fn missing(&self, py: Python<'_>, tree: Vec<Entry>) -> Vec<String> {
        py.detach(|| self.held().missing(&entries(tree)))
    }

    fn supply(&self, py: Python<'_>, contents: Vec<(PyBackedStr, PyBackedStr, PyBackedBytes)>) {
        py.detach(|| {
            let mut ranker = self.held();
            for (object, path, text) in contents {
                ranker.supply(&object, &path, text.to_vec());
            }
        });
    }

    fn rank(&self, py: Python<'_>, tree: Vec<Entry>, tip: &str, query: &str, limit: usize) -> RankAnswer {
        py.detach(|| answer(self.held().rank(&entries(tree), tip, query, limit)))
    }

    fn values(&self, py: Python<'_>, tree: Vec<Entry>, tip: &str, query: &str) -> ValuesAnswer {
        py.detach(|| {
            let values = self.held().values(&entries(tree), tip, query);
            (values.files, values.functions)
        })
    }
}

/// The names of the values that the models see: of files, of functions.
#[pyfunction]
pub fn rank_features() -> (Vec<&'static str>, Vec<&'static str>) {
    (rank::file_features().to_vec(), rank::function_features().to_vec())
}

/// Ranks the files of a workspace over its index.
#[pyclass(frozen, module = "wainwright._native")]
#[derive(Default)]
pub struct Live(Mutex<rank::Live>);

impl Live {
    fn held(&self) -> MutexGuard<'_, rank::Live> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[pymethods]
impl Live {
    #[new]
    fn new() -> Self {
        Self::default()
    }

    fn read_history(&self, py: Python<'_>, log: PyBackedBytes) {
        py.detach(|| self.held().read_history(&String::from_utf8_lossy(&log)));
    }

    fn knows(&self, commit: &str) -> bool {
        self.held().knows(commit)
    }

    #[pyo3(signature = (index, structure, tip, query, *, limit, tokens, opened, cursor, diagnostics, selection))]
    #[expect(clippy::too_many_arguments, reason = "what is known of the moment")]
    fn rank(
        &self,
        py: Python<'_>,
        index: &Index,
        structure: &Structure,
        tip: &str,
        query: &str,
        limit: usize,
        tokens: usize,
        opened: Vec<String>,
        cursor: Option<(String, u32)>,
        diagnostics: Vec<(String, String)>,
        selection: String,
    ) -> (RankAnswer, String) {
        let snapshot = index.snapshot();
        let moment = Moment { open: opened, cursor, diagnostics, selection };
        py.detach(|| {
            let asked = Asked { query, moment: &moment, limit, tokens };
            let (ranking, packed) = self.held().rank(&snapshot, Some(&structure.0), tip, asked);
            (answer(ranking), packed)
        })
    }
}

/// What a file is for, as its path tells.
#[pyfunction]
pub fn role_of(path: &str) -> &'static str {
    rank::role::role(path).name()
}

fn answer(ranking: Ranking) -> RankAnswer {
    let files = ranking.files.into_iter().map(|file| (file.path, file.role.name(), file.score, file.why));
    let functions = ranking.functions.into_iter();
    let functions = functions.map(|one| (one.path, one.name, one.start_line, one.end_line, one.score));
    (files.collect(), functions.collect())
}
