//! Ranking over the index of a workspace.

use std::collections::HashMap;
use std::sync::Arc;

use wainwright_syntax::Outline;

use super::corpus::{Corpus, Held, Vocabulary};
use super::history::History;
use super::reading::Readings;
use super::{Ground, Moment, Past, PathCache, Ranking, Tree, is_worth_reading, rank_and_pack, words};
use crate::files::traits::Traits;
use crate::index::snapshot::Snapshot;
use crate::lexer::lexicon::Seed;
use crate::structure::Structure;

/// So many files are kept as they were read closely.
const READINGS: usize = 600;

/// The words of a segment by the stems of their parts, and folded; 32 bits of a hash stand for the text.
#[derive(Debug)]
struct Table {
    segment: (Seed, u32),
    stems: Vec<(u32, u32)>,
    folded: Vec<(u32, u32)>,
}

fn hash(text: &str) -> u32 {
    let [a, b, c, d, ..] = xxhash_rust::xxh3::xxh3_64(text.as_bytes()).to_le_bytes();
    u32::from_le_bytes([a, b, c, d])
}

impl Table {
    fn of(snapshot: &Snapshot) -> Self {
        let mut known: HashMap<String, u32> = HashMap::new();
        let (mut stems, mut folded) = (Vec::new(), Vec::new());
        for (number, word) in snapshot.segment_words() {
            let Ok(word) = std::str::from_utf8(word) else { continue };
            folded.push((hash(&words::fold(word)), number));
            for part in words::parts(word) {
                let stem = match known.get(part) {
                    Some(stem) => *stem,
                    None => *known.entry(part.to_owned()).or_insert(hash(&words::stem(part))),
                };
                stems.push((stem, number));
            }
        }
        stems.sort_unstable();
        stems.dedup();
        folded.sort_unstable();
        Self { segment: snapshot.segment_id(), stems, folded }
    }
}

fn numbers(list: &[(u32, u32)], text: &str) -> impl Iterator<Item = u32> {
    let wanted = hash(text);
    let start = list.partition_point(|(hash, _)| *hash < wanted);
    list[start..].iter().take_while(move |(hash, _)| *hash == wanted).map(|(_, number)| *number)
}

/// A snapshot as ranking sees it.
struct View<'v> {
    snapshot: &'v Snapshot,
    structure: Option<&'v Structure>,
    table: &'v Table,
    definitions: &'v [Option<u32>],
    lengths: &'v [u32],
}

impl View<'_> {
    fn has(&self, file: u32) -> bool {
        self.definitions.get(file as usize).is_some_and(Option::is_some)
    }

    fn held(&self, numbers: impl Iterator<Item = u32>, select: impl Fn(&[u8]) -> bool) -> Vec<Held> {
        // A stem is in many words and these in many files: a place for each file saves sorting them.
        let mut sums: Vec<(u32, bool)> = vec![(0, false); self.definitions.len()];
        let mut most = 0;
        self.snapshot.each_posting(numbers, select, |posting| {
            if let Some((count, defined)) = sums.get_mut(posting.file as usize) {
                *count += posting.count;
                *defined |= posting.defines;
                most += 1;
            }
        });
        let mut all = Vec::with_capacity(most.min(sums.len()));
        let held = (0..).zip(&sums).filter(|(file, (count, _))| *count > 0 && self.has(*file));
        all.extend(held.map(|(file, (count, defined))| Held { file, count: *count, defined: *defined }));
        all
    }
}

impl Corpus for View<'_> {
    fn bound(&self) -> u32 {
        self.snapshot.bound()
    }
    fn path(&self, file: u32) -> &str {
        if self.has(file) { self.snapshot.path(file) } else { "" }
    }
    fn length(&self, file: u32) -> u32 {
        self.lengths.get(file as usize).copied().unwrap_or(0)
    }
    fn definitions(&self, file: u32) -> u32 {
        self.definitions.get(file as usize).copied().flatten().unwrap_or(0)
    }
    fn stem(&self, stem: &str) -> Vec<Held> {
        let has = |word: &[u8]| {
            std::str::from_utf8(word)
                .is_ok_and(|word| words::parts(word).any(|part| words::stem(part) == stem))
        };
        self.held(numbers(&self.table.stems, stem), has)
    }
    fn word(&self, folded: &str) -> Vec<Held> {
        let is = |word: &[u8]| std::str::from_utf8(word).is_ok_and(|word| words::fold(word) == folded);
        self.held(numbers(&self.table.folded, folded), is)
    }
    fn key(&self, file: u32) -> u128 {
        self.snapshot.info(file).hash
    }
    fn text(&self, file: u32) -> Option<Arc<[u8]>> {
        self.snapshot.text(file).map(Into::into)
    }
    fn outline(&self, file: u32, text: &[u8]) -> Outline {
        let kept = self.structure.and_then(|structure| structure.outline(self.snapshot, file));
        match kept {
            Some((outline, of)) if of == text => outline,
            _ => super::corpus::parsed(self.path(file), text),
        }
    }
}

/// Whether a file was read as text, and is worth reading closely.
fn is_text(snapshot: &Snapshot, file: u32) -> bool {
    let info = snapshot.info(file);
    let read = info.hash != 0 && !info.traits.has(Traits::BINARY);
    read && is_worth_reading(snapshot.path(file), info.size)
}

/// What was worked out for one snapshot and one newest change.
#[derive(Debug)]
struct Prepared {
    snapshot: Arc<Snapshot>,
    tip: String,
    commits: usize,
    tree: Tree,
    past: Past,
    /// How many each file has; `None` for what is not worth reading.
    definitions: Vec<Option<u32>>,
    /// How many words each has, 0 for what is not worth reading.
    lengths: Vec<u32>,
}

/// A question.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'q> {
    /// The goal in words.
    pub query: &'q str,
    /// What is known of the moment.
    pub moment: &'q Moment,
    /// The most files, and the most functions.
    pub limit: usize,
    /// The size of the packed text.
    pub tokens: usize,
}

/// Ranks the files of a workspace over its index; what does not change is kept between queries.
#[derive(Debug)]
pub struct Live {
    vocabulary: Vocabulary,
    paths: PathCache,
    history: History,
    readings: Readings,
    table: Option<Table>,
    prepared: Option<Prepared>,
}

impl Default for Live {
    fn default() -> Self {
        Self {
            vocabulary: Vocabulary::default(),
            paths: PathCache::default(),
            history: History::default(),
            readings: Readings::new(READINGS),
            table: None,
            prepared: None,
        }
    }
}

impl Live {
    /// Reads history; see [`History::read`].
    pub fn read_history(&mut self, log: &str) {
        self.history.read(log, &mut self.vocabulary);
    }

    /// Whether this change is known.
    #[must_use]
    pub fn knows(&self, commit: &str) -> bool {
        self.history.find(commit).is_some()
    }

    fn prepare(&mut self, snapshot: &Arc<Snapshot>, tip: &str) {
        if self.table.as_ref().is_none_or(|table| table.segment != snapshot.segment_id()) {
            self.table = Some(Table::of(snapshot));
        }
        let commits = self.history.commits.len();
        let kept = self.prepared.as_ref().is_some_and(|prepared| {
            Arc::ptr_eq(&prepared.snapshot, snapshot) && prepared.tip == tip && prepared.commits == commits
        });
        if kept {
            return;
        }
        let count = |file: u32| {
            let counts = snapshot.has(file) && is_text(snapshot, file);
            counts.then(|| u32::try_from(snapshot.definitions(file).len()).unwrap_or(u32::MAX))
        };
        let definitions: Vec<Option<u32>> = (0..snapshot.bound()).map(count).collect();
        let path = |file: u32| definitions[file as usize].map_or("", |_| snapshot.path(file));
        let length = |file: u32| definitions[file as usize].map_or(0, |_| snapshot.words_of(file));
        let lengths = (0..snapshot.bound()).map(length).collect();
        let tree = Tree::new((0..snapshot.bound()).map(path), &mut self.vocabulary, &mut self.paths);
        let past = Past::new(&self.history, self.history.find(tip), &tree);
        let snapshot = Arc::clone(snapshot);
        let tip = tip.to_owned();
        self.prepared = Some(Prepared { snapshot, tip, commits, tree, past, definitions, lengths });
    }

    /// Ranks the files and functions of a snapshot, with the history that the change `tip` contains; at most `limit`
    /// of each. Packs the best into a text of about so many tokens.
    #[must_use]
    pub fn rank(
        &mut self,
        snapshot: &Arc<Snapshot>,
        structure: Option<&Structure>,
        tip: &str,
        asked: Asked<'_>,
    ) -> (Ranking, String) {
        self.prepare(snapshot, tip);
        let (Some(table), Some(prepared)) = (&self.table, &self.prepared) else { return Default::default() };
        let Prepared { definitions, lengths, .. } = prepared;
        let view = View { snapshot, structure, table, definitions, lengths };
        let ground = Ground {
            corpus: &view,
            tree: &prepared.tree,
            vocabulary: &self.vocabulary,
            history: &self.history,
            past: &prepared.past,
        };
        rank_and_pack(asked.query, asked.moment, &ground, &self.readings, asked.limit, asked.tokens)
    }
}
