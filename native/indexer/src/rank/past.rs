//! The history of the files of one tree, and what of it speaks of a query.

use std::collections::HashMap;

use super::corpus::Vocabulary;
use super::history::History;
use super::query::Query;
use super::tree::Tree;

/// So many changes are looked back.
const COMMITS_MAX: usize = 20_000;
/// A change of more files says nothing about any of them.
const COMMIT_FILES_MAX: usize = 40;
/// After so many changes a change counts half.
const HALF_LIFE: f32 = 1500.0;
/// So many of the changes most like the query vote for their files.
const SIMILAR_MAX: usize = 60;

/// The history of the files of one tree. Places count changes from the newest.
#[derive(Debug, Default)]
pub struct Past {
    /// For each change of the history its place.
    places: Vec<Option<u32>>,
    /// For each place the files.
    files: Vec<Vec<u32>>,
    /// For each place how much the message says.
    said: Vec<f32>,
    /// For each file the places that touched it.
    pub(crate) touched: Vec<Vec<u32>>,
    /// For each file how much was said of it.
    lengths: Vec<f32>,
    pub(crate) churn: Vec<f32>,
    pub(crate) recent: Vec<f32>,
    pub(crate) last: Vec<f32>,
}

/// How much of the history of each file speaks of a query.
#[derive(Debug)]
pub(crate) struct Spoken {
    pub doc: Vec<f32>,
    pub title: Vec<f32>,
    pub like: Vec<f32>,
    pub most: Vec<f32>,
    pub words: Vec<f32>,
    /// Of the changes whose messages begin with the query's prefix which share touched the file.
    pub scoped: Vec<f32>,
}

fn fading(place: u32) -> f32 {
    0.3 + 0.7 * (-(place as f32) / HALF_LIFE * std::f32::consts::LN_2).exp()
}

fn damped(files: usize) -> f32 {
    1.0 + (files.max(1) as f32).ln()
}

pub(crate) fn rarity(all: usize, having: usize) -> f32 {
    let (all, having) = (all as f32, having as f32);
    (1.0 + (all - having + 0.5).max(0.0) / (having + 0.5)).ln()
}

impl Past {
    /// The history of a tree's files up to the change `tip`.
    #[must_use]
    pub fn new(history: &History, tip: Option<u32>, tree: &Tree) -> Self {
        let commits = tip.map(|tip| history.upto(tip, COMMITS_MAX)).unwrap_or_default();
        let bound = tree.facts.len();
        let mut past = Self {
            places: vec![None; history.commits.len()],
            touched: vec![Vec::new(); bound],
            lengths: vec![0.0; bound],
            churn: vec![0.0; bound],
            recent: vec![0.0; bound],
            last: vec![(commits.len() as f32 + 100.0).ln(); bound],
            ..Self::default()
        };
        // Going back, a file bears the names it had before it was renamed.
        let mut now: Vec<Option<u32>> =
            history.paths.iter().map(|path| tree.by_path.get(path).copied()).collect();
        for (place, number) in (0u32..).zip(&commits) {
            let commit = &history.commits[*number as usize];
            past.places[*number as usize] = Some(place);
            let mut files: Vec<u32> = commit.paths.iter().filter_map(|path| now[*path as usize]).collect();
            files.sort_unstable();
            files.dedup();
            for (from, to) in &commit.renames {
                if now[*from as usize].is_none() {
                    now[*from as usize] = now[*to as usize];
                }
            }
            if files.len() > COMMIT_FILES_MAX {
                files.clear();
            }
            past.note(place, &files, commit.length);
            past.said.push(commit.length);
            past.files.push(files);
        }
        for (file, places) in past.touched.iter().enumerate() {
            past.churn[file] = (1.0 + past.churn[file]).ln();
            past.recent[file] = (1.0 + past.recent[file]).ln();
            if let Some(first) = places.first() {
                past.last[file] = (1.0 + *first as f32).ln();
            }
        }
        past
    }

    fn note(&mut self, place: u32, files: &[u32], length: f32) {
        let share = fading(place) / damped(files.len());
        for file in files {
            let file = *file as usize;
            self.touched[file].push(place);
            self.lengths[file] += length * share;
            self.churn[file] += share;
            self.recent[file] += f32::from(place < 300);
        }
    }

    /// How much of each file's history speaks of the query.
    pub(crate) fn spoken(&self, query: &Query, history: &History, vocabulary: &Vocabulary) -> Spoken {
        let bound = self.touched.len();
        let mut spoken = Spoken {
            doc: vec![0.0; bound],
            title: vec![0.0; bound],
            like: vec![0.0; bound],
            most: vec![0.0; bound],
            words: vec![0.0; bound],
            scoped: self.scoped(query, history, vocabulary),
        };
        let mean_said = (self.said.iter().sum::<f32>() / self.said.len().max(1) as f32).max(1e-6);
        let with: Vec<f32> = self.lengths.iter().copied().filter(|length| *length > 0.0).collect();
        let mean_length = (with.iter().sum::<f32>() / with.len().max(1) as f32).max(1e-6);
        let mut likeness = vec![0.0f32; self.files.len()];
        let mut mass = 1e-6;
        let mut amounts = vec![0.0f32; bound];
        for term in &query.terms {
            let said = vocabulary.stem(&term.stem).and_then(|stem| history.stems.get(&stem));
            let said: Vec<(u32, f32)> = said
                .into_iter()
                .flatten()
                .filter_map(|(number, loud)| Some((self.places[*number as usize]?, *loud)))
                .collect();
            if said.is_empty() {
                continue;
            }
            let weight = rarity(self.files.len(), said.len());
            mass += weight * term.weight;
            let mut met: Vec<u32> = Vec::new();
            for (place, loud) in said {
                let files = &self.files[place as usize];
                if files.is_empty() {
                    continue;
                }
                let relative = self.said[place as usize] / mean_said;
                likeness[place as usize] +=
                    weight * term.weight * loud * 2.2 / (loud + 1.2 * (0.25 + 0.75 * relative));
                let share = loud.min(1.0) / damped(files.len()) * fading(place);
                for file in files {
                    if amounts[*file as usize] == 0.0 {
                        met.push(*file);
                    }
                    amounts[*file as usize] += share;
                }
            }
            for file in met {
                let file = file as usize;
                let amount = std::mem::take(&mut amounts[file]);
                let part =
                    weight * amount * 2.2 / (amount + 0.6 * (0.4 + 0.6 * self.lengths[file] / mean_length));
                spoken.doc[file] += part * term.weight;
                if term.title {
                    spoken.title[file] += part;
                }
            }
        }
        self.votes(&likeness, mass, &mut spoken);
        self.named(query, history, vocabulary, &mut spoken);
        spoken
    }

    /// The changes most like the query vote for their files.
    fn votes(&self, likeness: &[f32], mass: f32, spoken: &mut Spoken) {
        let mut like: Vec<u32> =
            (0..).zip(likeness).filter(|(_, like)| **like > 0.0).map(|(place, _)| place).collect();
        let order = |left: &u32, right: &u32| {
            likeness[*right as usize].total_cmp(&likeness[*left as usize]).then(left.cmp(right))
        };
        if like.len() > SIMILAR_MAX {
            like.select_nth_unstable_by(SIMILAR_MAX, order);
            like.truncate(SIMILAR_MAX);
        }
        like.sort_unstable_by(order);
        for place in like {
            let value = likeness[place as usize] / mass;
            let files = &self.files[place as usize];
            for file in files {
                let file = *file as usize;
                spoken.like[file] += value * value / (files.len() as f32).sqrt() * fading(place);
                spoken.most[file] = spoken.most[file].max(value / (1.0 + 0.3 * (files.len() as f32).ln()));
            }
        }
    }

    /// Of the changes whose messages begin with the query's prefix which share touched each file.
    fn scoped(&self, query: &Query, history: &History, vocabulary: &Vocabulary) -> Vec<f32> {
        let mut scoped = vec![0.0f32; self.touched.len()];
        let mut own = vec![0.0f32; self.touched.len()];
        for word in &query.scope_words {
            let begin = vocabulary.word(word).and_then(|word| history.scopes.get(&word));
            let places = begin.into_iter().flatten().filter_map(|number| self.places[*number as usize]);
            let mut met: Vec<u32> = Vec::new();
            let mut all = 2.0;
            for place in places {
                let files = &self.files[place as usize];
                all += fading(place);
                for file in files {
                    own[*file as usize] += fading(place) / damped(files.len());
                    met.push(*file);
                }
            }
            for file in met {
                let share = std::mem::take(&mut own[file as usize]) / all;
                scoped[file as usize] = scoped[file as usize].max(share);
            }
        }
        scoped
    }

    /// Changes that say a word of the query that looks like code.
    fn named(&self, query: &Query, history: &History, vocabulary: &Vocabulary, spoken: &mut Spoken) {
        for name in query.names.iter().filter(|name| name.code) {
            let said = vocabulary.word(&name.folded).and_then(|word| history.words.get(&word));
            let places: Vec<u32> =
                said.into_iter().flatten().filter_map(|number| self.places[*number as usize]).collect();
            let weight = rarity(self.files.len(), places.len()) / 8.0;
            for place in places {
                let files = &self.files[place as usize];
                for file in files {
                    spoken.words[*file as usize] += weight / (files.len() as f32).sqrt();
                }
            }
        }
        for value in &mut spoken.words {
            *value = (1.0 + *value).ln();
        }
    }

    /// How often each file changed with the given ones, of the times that those did.
    pub(crate) fn together(&self, with: &[u32], score: &[f32]) -> Vec<f32> {
        let mut all = vec![0.0f32; self.touched.len()];
        let mut mass = 1e-6;
        for one in with {
            let weight = score[*one as usize] * score[*one as usize];
            mass += weight;
            let mut own: HashMap<u32, f32> = HashMap::new();
            let mut times = 0.0;
            for place in self.touched[*one as usize].iter().take(400) {
                let files = &self.files[*place as usize];
                let share = 1.0 / (files.len() as f32).sqrt();
                times += share;
                for file in files.iter().filter(|file| *file != one) {
                    *own.entry(*file).or_default() += share;
                }
            }
            for (file, share) in own {
                all[file as usize] += weight * share / (times + 1.0);
            }
        }
        for value in &mut all {
            *value /= mass;
        }
        all
    }

    /// How many earlier changes of a file say a stem.
    pub(crate) fn times(&self, file: u32, stem: u32, history: &History) -> usize {
        let Some(said) = history.stems.get(&stem) else { return 0 };
        let touched = &self.touched[file as usize];
        let places = said.iter().filter_map(|(number, _)| self.places[*number as usize]);
        places.filter(|place| touched.binary_search(place).is_ok()).count()
    }
}
