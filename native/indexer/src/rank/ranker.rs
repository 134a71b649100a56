//! What is kept between queries: words, history, digests of texts, readings.

use std::collections::HashMap;
use std::sync::Arc;

use super::corpus::{Contents, Digest, Vocabulary};
use super::history::History;
use super::reading::Readings;
use super::{Ground, Moment, Past, PathCache, Ranking, Tree, Values, is_worth_reading, rank, values};

/// So many files are kept as they were read closely.
const READINGS: usize = 4000;

/// A file of a tree in an object store.
#[derive(Clone, Debug)]
pub struct TreeEntry {
    /// The path from the root.
    pub path: String,
    /// The name of its content: the same for the same bytes.
    pub object: String,
    /// Bytes.
    pub size: u64,
}

/// Ranks trees that are not on disk: their texts are given once by content and shared between trees.
#[derive(Debug)]
pub struct Ranker {
    vocabulary: Vocabulary,
    paths: PathCache,
    history: History,
    /// By the name of the content; `None` for what is no text.
    digests: HashMap<String, Option<Arc<Digest>>>,
    readings: Readings,
}

impl Default for Ranker {
    fn default() -> Self {
        Self {
            vocabulary: Vocabulary::default(),
            paths: PathCache::default(),
            history: History::default(),
            digests: HashMap::new(),
            readings: Readings::new(READINGS),
        }
    }
}

impl Ranker {
    /// Reads history; see [`History::read`].
    pub fn read_history(&mut self, log: &str) {
        self.history.read(log, &mut self.vocabulary);
    }

    /// The contents of a tree that are worth reading and were not supplied yet.
    #[must_use]
    pub fn missing(&self, tree: &[TreeEntry]) -> Vec<String> {
        let wanted = tree.iter().filter(|entry| is_worth_reading(&entry.path, entry.size));
        let mut missing: Vec<String> = wanted
            .map(|entry| entry.object.clone())
            .filter(|object| !self.digests.contains_key(object))
            .collect();
        missing.sort_unstable();
        missing.dedup();
        missing
    }

    /// Takes a content, with a path that has it.
    pub fn supply(&mut self, object: &str, path: &str, text: Vec<u8>) {
        let digest = Digest::of(path, text, &mut self.vocabulary).map(Arc::new);
        self.digests.insert(object.to_owned(), digest);
    }

    /// Ranks the files and functions of a tree, with the history that the change `tip` contains.
    #[must_use]
    pub fn rank(&mut self, tree: &[TreeEntry], tip: &str, query: &str, limit: usize) -> Ranking {
        self.on(tree, tip, |ground, readings| rank(query, &Moment::default(), ground, readings, limit))
    }

    /// What the models would see.
    #[must_use]
    pub fn values(&mut self, tree: &[TreeEntry], tip: &str, query: &str) -> Values {
        self.on(tree, tip, |ground, readings| values(query, ground, readings))
    }

    fn on<T>(&mut self, tree: &[TreeEntry], tip: &str, ask: impl FnOnce(&Ground<'_>, &Readings) -> T) -> T {
        let worth = tree.iter().filter(|entry| is_worth_reading(&entry.path, entry.size));
        let digest = |object: &str| self.digests.get(object).cloned().flatten();
        let files: Vec<(String, Arc<Digest>)> =
            worth.filter_map(|entry| Some((entry.path.clone(), digest(&entry.object)?))).collect();
        let paths: Vec<String> = files.iter().map(|(path, _)| path.clone()).collect();
        let tree = Tree::new(paths.iter().map(String::as_str), &mut self.vocabulary, &mut self.paths);
        let corpus = Contents::new(&self.vocabulary, files);
        let past = Past::new(&self.history, self.history.find(tip), &tree);
        let ground = Ground {
            corpus: &corpus,
            tree: &tree,
            vocabulary: &self.vocabulary,
            history: &self.history,
            past: &past,
        };
        ask(&ground, &self.readings)
    }
}
