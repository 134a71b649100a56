//! How a text looks to one who searches it for a query: where it has terms, and what a passage of it is worth.

use std::ops::Range;
use std::sync::Arc;

use rustc_hash::FxHashMap;
use wainwright_syntax::Outline;

use super::query::Query;
use super::reading::{Name, Reading, Stem, Word};

/// Words so near to each other stand side by side: a small word may be between them.
const PAIR_WORDS: u32 = 2;
/// The length of an ordinary function, in words.
const MEAN_WORDS: f32 = 120.0;

/// The terms of a query, as texts are searched for them.
pub(super) struct Lens<'q> {
    pub query: &'q Query,
    pub rarity: &'q [f32],
    pub terms: FxHashMap<Stem, u16>,
    pub names: FxHashMap<Word, (bool, bool)>,
    pub mass: f32,
}

/// A term in a text: where, which, and as which word of the text.
pub(super) struct Hit {
    pub at: u32,
    pub term: u16,
    pub word: u32,
}

/// Where a text has terms.
pub(super) struct Sight {
    pub reading: Arc<Reading>,
    pub hits: Vec<Hit>,
    /// Where terms stand side by side that do so in the query.
    pub pairs: Vec<(u32, Pairs)>,
}

/// Pairs of the query, a bit each.
pub(super) type Pairs = u64;

#[derive(Clone, Copy, Default)]
pub(super) struct Weight {
    pub all: f32,
    pub title: f32,
    pub covered: f32,
}

impl<'q> Lens<'q> {
    pub fn new(query: &'q Query, rarity: &'q [f32]) -> Self {
        let terms = (0..).zip(&query.terms).map(|(number, term)| (Stem::new(&term.stem), number)).collect();
        let word = |folded: &str| Word::new(folded.as_bytes());
        let names = query.names.iter().map(|name| (word(&name.folded), (name.code, name.joined))).collect();
        let mass =
            query.terms.iter().zip(rarity).map(|(term, rare)| term.weight * rare).sum::<f32>().max(1e-6);
        Self { query, rarity, terms, names, mass }
    }

    pub fn sight(&self, reading: Arc<Reading>) -> Sight {
        let found = reading.stems.iter();
        let found: Vec<(u32, u16)> =
            found.filter_map(|(spelling, stem)| Some((*spelling, *self.terms.get(stem)?))).collect();
        let mut known: Vec<(u32, u32)> = vec![(0, 0); reading.spellings];
        for (place, (spelling, _)) in (0..).zip(&found) {
            let range = &mut known[*spelling as usize];
            *range = (if range.1 == 0 { place } else { range.0 }, place + 1);
        }
        let mut hits = Vec::new();
        for (word, (at, spelling)) in (0..).zip(&reading.words) {
            let (start, end) = known[*spelling as usize];
            let terms = &found[start as usize..end as usize];
            hits.extend(terms.iter().map(|(_, term)| Hit { at: *at, term: *term, word }));
        }
        let pairs = self.pairs(&hits);
        Sight { reading, hits, pairs }
    }

    /// Where hits stand side by side whose terms do so in the query.
    fn pairs(&self, hits: &[Hit]) -> Vec<(u32, Pairs)> {
        let mut found = Vec::new();
        for (at, hit) in hits.iter().enumerate() {
            let near = hits[at + 1..].iter().take_while(|other| other.word - hit.word <= PAIR_WORDS);
            let mut pairs = 0;
            for other in near.filter(|other| other.term != hit.term) {
                for pair in [(hit.term, other.term), (other.term, hit.term)] {
                    if let Ok(place) = self.query.pairs.binary_search(&pair) {
                        pairs |= 1 << place;
                    }
                }
            }
            if pairs != 0 {
                found.push((hit.at, pairs));
            }
        }
        found
    }

    pub fn value(&self, term: usize) -> f32 {
        self.rarity[term] * self.query.terms[term].weight
    }

    /// BM25 of a passage that has each term so often.
    pub fn weigh(&self, times: &[f32], length: f32) -> Weight {
        let mut weight = Weight::default();
        for (term, times) in times.iter().enumerate().filter(|(_, times)| **times > 0.0) {
            let part = self.rarity[term] * times * 2.2 / (times + 1.2 * (0.4 + 0.6 * length / MEAN_WORDS));
            weight.all += part * self.query.terms[term].weight;
            weight.title += if self.query.terms[term].title { part } else { 0.0 };
            weight.covered += self.value(term) / self.mass;
        }
        weight
    }

    /// How much of the query's weight a passage has.
    pub fn covered(&self, hits: &[Hit]) -> f32 {
        let mut terms: Vec<u16> = hits.iter().map(|hit| hit.term).collect();
        terms.sort_unstable();
        terms.dedup();
        terms.iter().map(|term| self.value(usize::from(*term))).sum::<f32>() / self.mass
    }

    /// Of a name: which share of its parts the query has, and their weight.
    pub fn name(&self, name: &Name) -> (f32, f32) {
        let terms = name.stems.iter().filter_map(|stem| self.terms.get(stem));
        let (found, weight) = terms.fold((0.0f32, 0.0f32), |(found, weight), term| {
            (found + 1.0, weight + self.value(usize::from(*term)))
        });
        (found / (name.stems.len() as f32).max(1.0), weight)
    }
}

impl Sight {
    pub fn hits(&self, range: &Range<u32>) -> &[Hit] {
        let start = self.hits.partition_point(|hit| hit.at < range.start);
        let end = self.hits.partition_point(|hit| hit.at < range.end);
        &self.hits[start..end]
    }

    pub fn pairs(&self, range: &Range<u32>) -> Pairs {
        let start = self.pairs.partition_point(|(at, _)| *at < range.start);
        let within = self.pairs[start..].iter().take_while(|(at, _)| *at < range.end);
        within.fold(0, |all, (_, pairs)| all | pairs)
    }

    pub fn length(&self, range: &Range<u32>) -> f32 {
        let before = |at: u32| self.reading.words.partition_point(|(start, _)| *start < at);
        (before(range.end) - before(range.start)) as f32
    }

    pub fn outline(&self) -> &Outline {
        &self.reading.outline
    }
}
