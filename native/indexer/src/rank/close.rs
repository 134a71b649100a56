//! What a close look at one file says: of each of its functions, and of the whole.

use std::ops::Range;

use wainwright_syntax::{Definition, Kind};

use super::files::over;
use super::lens::{Lens, Pairs, Sight, Weight};
use super::past::rarity;

/// A window of so many words is about a screen.
const WINDOW: u32 = 150;

/// A function in a file that was read closely.
pub(super) struct Function {
    pub file: u32,
    pub definition: usize,
    pub whole: Weight,
    /// Without the functions that lie in it.
    pub own: Weight,
    pub length: f32,
    pub pairs: Pairs,
}

fn is_candidate(definition: &Definition) -> bool {
    definition.kind.is_function() || definition.kind == Kind::Declaration
}

/// The definition with its comment.
fn with_doc(definition: &Definition) -> Range<u32> {
    let start =
        definition.doc.as_ref().map_or(definition.whole.start, |doc| doc.start.min(definition.whole.start));
    start..definition.whole.end
}

pub(super) fn functions_of(file: u32, sight: &Sight, lens: &Lens<'_>) -> Vec<Function> {
    let definitions = &sight.outline().definitions;
    let mut inner: Vec<Vec<usize>> = vec![Vec::new(); definitions.len()];
    for (number, definition) in definitions.iter().enumerate().filter(|(_, one)| one.kind.is_function()) {
        let mut above = definition.parent;
        while let Some(at) = above.map(|at| at as usize) {
            if definitions[at].kind.is_function() {
                inner[at].push(number);
                break;
            }
            above = definitions[at].parent;
        }
    }
    let mut times = vec![0.0f32; lens.query.terms.len()];
    let mut all = Vec::new();
    for (number, definition) in definitions.iter().enumerate().filter(|(_, one)| is_candidate(one)) {
        let range = with_doc(definition);
        let length = sight.length(&range);
        times.fill(0.0);
        for hit in sight.hits(&range) {
            times[usize::from(hit.term)] += 1.0;
        }
        let whole = lens.weigh(&times, length);
        let mut own = whole;
        if !inner[number].is_empty() {
            let mut left = length;
            for child in &inner[number] {
                let range = &definitions[*child].whole;
                left -= sight.length(range);
                for hit in sight.hits(range) {
                    times[usize::from(hit.term)] -= 1.0;
                }
            }
            own = lens.weigh(&times, left.max(1.0));
        }
        let pairs = sight.pairs(&range);
        all.push(Function { file, definition: number, whole, own, length, pairs });
    }
    all
}

/// The features that the second look adds to a file's.
#[derive(Clone, Debug, Default)]
pub(super) struct Close {
    pub best: f32,
    pub top3: f32,
    pub covered: f32,
    pub own: f32,
    pub title: f32,
    /// In the whole text.
    pub pairs: Pairs,
    /// Of each function that has any.
    pub pairs_within: Vec<Pairs>,
    pub name_best: f32,
    pub name_exact: f32,
    pub name_count: f32,
    pub signature: f32,
    pub window: f32,
    pub window_covered: f32,
    pub window_title: f32,
    pub imports_top: f32,
    pub imports_sum: f32,
    pub imported_by_sum: f32,
    pub importers: f32,
    pub ref_in: f32,
    pub ref_out: f32,
    pub ref_test: f32,
    pub named: Option<String>,
}

pub(super) fn close_of(sight: &Sight, functions: &[Function], lens: &Lens<'_>) -> Close {
    let mut close = Close::default();
    let mut best: Vec<f32> = functions.iter().map(|one| one.whole.all).collect();
    best.sort_by(|left, right| right.total_cmp(left));
    close.best = best.first().copied().unwrap_or(0.0);
    close.top3 = best.iter().take(3).sum();
    close.covered = functions.iter().map(|one| one.whole.covered).fold(0.0, f32::max);
    close.own = functions.iter().map(|one| one.own.all).fold(0.0, f32::max);
    close.title = functions.iter().map(|one| one.whole.title).fold(0.0, f32::max);
    close.pairs = sight.pairs(&(0..u32::MAX));
    close.pairs_within = functions.iter().map(|one| one.pairs).filter(|pairs| *pairs != 0).collect();
    for (definition, name) in sight.outline().definitions.iter().zip(&sight.reading.names) {
        let counts =
            is_candidate(definition) || definition.kind.is_type() || definition.kind == Kind::Constant;
        if !counts {
            continue;
        }
        let (share, weight) = lens.name(name);
        close.name_count += share * share;
        close.name_best = close.name_best.max(weight * share);
        if let Some((code, joined)) = lens.names.get(&name.folded) {
            let exact = if *code { 1.0 } else { 0.5 + 0.3 * f32::from(*joined) };
            if exact > close.name_exact {
                close.name_exact = exact;
                close.named = Some(definition.name.clone());
            }
        }
        close.signature = close.signature.max(lens.covered(sight.hits(&definition.signature)));
    }
    close.name_count = (1.0 + close.name_count).ln();
    let mut times = vec![0.0f32; lens.query.terms.len()];
    let mut start = 0;
    for (number, hit) in sight.hits.iter().enumerate() {
        times[usize::from(hit.term)] += 1.0;
        while hit.word - sight.hits[start].word > WINDOW {
            times[usize::from(sight.hits[start].term)] -= 1.0;
            start += 1;
        }
        if sight.hits.get(number + 1).is_some_and(|next| next.word == hit.word) {
            continue;
        }
        let weight = lens.weigh(&times, WINDOW as f32);
        close.window = close.window.max(weight.all);
        close.window_title = close.window_title.max(weight.title);
        close.window_covered = close.window_covered.max(weight.covered);
    }
    close
}

/// What each pair of the query is worth.
pub(super) struct PairWeights {
    /// By its terms, and by how few of the files that were read closely have it; of the sum of all.
    pub said: Vec<f32>,
    pub rare: Vec<f32>,
}

impl PairWeights {
    pub fn of<'c>(lens: &Lens<'_>, close: impl Iterator<Item = &'c Close>) -> Self {
        let pairs = &lens.query.pairs;
        let mut having = vec![0usize; pairs.len()];
        let mut read = 0;
        for close in close {
            read += 1;
            for (place, having) in having.iter_mut().enumerate() {
                *having += usize::from(close.pairs & 1 << place != 0);
            }
        }
        let terms =
            |(left, right): &(u16, u16)| lens.value(usize::from(*left)) + lens.value(usize::from(*right));
        let shares = |weights: Vec<f32>| {
            let all = weights.iter().sum::<f32>();
            weights.into_iter().map(|weight| over(weight, all)).collect()
        };
        let rare = having.iter().map(|having| if *having == 0 { 0.0 } else { rarity(read, *having) });
        Self { said: shares(pairs.iter().map(terms).collect()), rare: shares(rare.collect()) }
    }

    /// How much of all pairs these are.
    pub fn sum(weights: &[f32], pairs: Pairs) -> f32 {
        let has = |place: &usize| pairs & 1 << place != 0;
        if pairs == 0 { 0.0 } else { (0..weights.len()).filter(has).map(|place| weights[place]).sum() }
    }
}
