//! The names of all definitions in a store, to look symbols up by.

use std::collections::HashMap;

use wainwright_syntax::Kind;

use super::record::Strings as _;
use super::store::Store;

/// Where a name is defined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Spot {
    pub record: u32,
    pub definition: u32,
    pub kind: Kind,
}

/// How a name is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum How {
    /// The name, with its case.
    #[default]
    Exact,
    /// The name begins with it, in any case.
    Prefix,
    /// Its letters stand in the name in this order, in any case.
    Fuzzy,
}

/// See the module. Records are taken in by their numbers, so that a store that has grown only costs what is new.
#[derive(Debug, Default)]
pub(crate) struct Names {
    spots: HashMap<Box<str>, Vec<Spot>>,
    /// How many records were taken in.
    records: u32,
}

impl Names {
    /// Takes in the records that are new.
    pub fn catch_up(&mut self, store: &Store) {
        for record in self.records..store.len() {
            let Some((bytes, strings)) = store.get(record) else { continue };
            for (definition, head) in (0..).zip(bytes.heads()) {
                let Some(name) = strings.get(head.name) else { continue };
                let spot = Spot { record, definition, kind: head.kind };
                match self.spots.get_mut(name) {
                    Some(spots) => spots.push(spot),
                    None => {
                        self.spots.insert(name.into(), vec![spot]);
                    }
                }
            }
        }
        self.records = store.len();
    }

    /// The names that fit, best first, each with a score of 1 to 1000 and its spots.
    pub fn find(&self, query: &str, how: How) -> Vec<(u32, &str, &[Spot])> {
        let mut found: Vec<(u32, &str, &[Spot])> = match how {
            How::Exact => {
                let exact = self.spots.get_key_value(query);
                exact.map(|(name, spots)| (1000, &**name, &**spots)).into_iter().collect()
            }
            How::Prefix | How::Fuzzy => {
                let query: Vec<char> = query.chars().flat_map(char::to_lowercase).collect();
                let all = self.spots.iter();
                all.filter_map(|(name, spots)| {
                    let score = fit(&query, name)?;
                    (how == How::Fuzzy || score >= PREFIX).then_some((score, &**name, &**spots))
                })
                .collect()
            }
        };
        found.sort_unstable_by(|one, other| other.0.cmp(&one.0).then_with(|| one.1.cmp(other.1)));
        found
    }
}

/// From this score on, a name begins with what was asked for.
const PREFIX: u32 = 700;

/// How well a name fits a query, whose letters are lower-case: 1000 for the name itself, from [`PREFIX`] if it begins with it,
/// less if the letters are spread over it. `None` if they are not in it.
fn fit(query: &[char], name: &str) -> Option<u32> {
    let long = u32::try_from(name.len().saturating_sub(query.len())).unwrap_or(u32::MAX).min(250);
    let mut wanted = query.iter();
    let Some(mut next) = wanted.next() else { return Some(PREFIX + 250 - long) };
    let (mut runs, mut starts, mut first) = (0, 0, None);
    let mut last_hit = false;
    let mut before = '_';
    let mut complete = false;
    for (at, letter) in name.chars().enumerate() {
        let begins = !before.is_alphanumeric() || (before.is_lowercase() && letter.is_uppercase());
        before = letter;
        if complete {
            break;
        }
        let hit = letter.to_lowercase().eq(std::iter::once(*next));
        if hit {
            first.get_or_insert(at);
            runs += u32::from(!last_hit);
            starts += u32::from(begins);
            match wanted.next() {
                Some(after) => next = after,
                None => complete = true,
            }
        }
        last_hit = hit;
    }
    if !complete {
        return None;
    }
    let exact = name.chars().flat_map(char::to_lowercase).eq(query.iter().copied());
    Some(match (exact, first, runs) {
        (true, ..) => 1000,
        (_, Some(0), 1) => PREFIX + 250 - long,
        // One run that starts a word, one run, runs that start words, any other.
        (_, _, 1) if starts > 0 => 600 - long / 3,
        (_, _, 1) => 450 - long / 3,
        _ if starts >= runs => 400 - runs.min(20) * 5 - long / 3,
        _ => 280 - runs.min(20) * 8 - long / 3,
    })
}
