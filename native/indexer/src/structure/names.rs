//! The names of all definitions in a store, to look symbols up by.

use std::collections::HashMap;
use std::ops::Range;

use wainwright_syntax::Kind;

use super::record::Strings as _;
use super::store::Store;

/// Where a name is defined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Spot {
    pub record: u32,
    pub definition: u32,
    pub kind: Kind,
    /// The number of the next spot of the same name.
    next: Option<u32>,
}

/// How a name is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum How {
    /// The name, with its case.
    #[default]
    Exact,
    /// The name begins with it; the case of ASCII letters does not matter.
    Prefix,
    /// Its letters stand in the name in this order; the case of ASCII letters does not matter.
    Fuzzy,
}

#[derive(Debug)]
struct Name {
    /// Where it stands among the texts of all names.
    text: Range<u32>,
    /// Which letters it has.
    letters: u64,
    first: u32,
}

/// See the module. Records are taken in by their numbers, so that a store that has grown only costs what is new.
#[derive(Debug, Default)]
pub(crate) struct Names {
    texts: String,
    list: Vec<Name>,
    /// Numbers of names by their hash, or the next free number above it.
    by_hash: HashMap<u64, u32>,
    spots: Vec<Spot>,
    /// How many records were taken in.
    records: u32,
}

impl Names {
    /// Takes in the records that are new.
    pub fn catch_up(&mut self, store: &Store) {
        for record in self.records..store.len() {
            let Some((bytes, strings)) = store.get(record) else { continue };
            for (definition, head) in (0..).zip(bytes.heads()) {
                if let Some(name) = strings.get(head.name) {
                    self.add(name, Spot { record, definition, kind: head.kind, next: None });
                }
            }
        }
        self.records = store.len();
    }

    fn add(&mut self, name: &str, mut spot: Spot) {
        let number = |length: usize| u32::try_from(length).ok();
        let Some(new) = number(self.spots.len()) else { return };
        match self.look_up(name) {
            Ok(known) => {
                let known = &mut self.list[known as usize];
                spot.next = Some(known.first);
                known.first = new;
            }
            Err(hash) => {
                let start = number(self.texts.len());
                let (Some(start), Some(end)) = (start, number(self.texts.len() + name.len())) else { return };
                self.texts.push_str(name);
                self.by_hash.insert(hash, u32::try_from(self.list.len()).unwrap_or(u32::MAX));
                self.list.push(Name { text: start..end, letters: letters(name), first: new });
            }
        }
        self.spots.push(spot);
    }

    /// The number of a name, or the hash that is free for it.
    fn look_up(&self, name: &str) -> Result<u32, u64> {
        let mut hash = xxhash_rust::xxh3::xxh3_64(name.as_bytes());
        while let Some(known) = self.by_hash.get(&hash) {
            if self.text(*known) == name {
                return Ok(*known);
            }
            hash = hash.wrapping_add(1);
        }
        Err(hash)
    }

    fn text(&self, name: u32) -> &str {
        let text = self.list.get(name as usize).map_or(0..0, |name| name.text.clone());
        self.texts.get(text.start as usize..text.end as usize).unwrap_or_default()
    }

    /// The names that fit, best first: a score of 1 to 1000, and the number.
    pub fn find(&self, query: &str, how: How) -> Vec<(u32, u32)> {
        if how == How::Exact {
            return self.look_up(query).ok().map(|name| (1000, name)).into_iter().collect();
        }
        let least = if how == How::Prefix { PREFIX } else { 1 };
        let wanted = letters(query);
        let fitting = (0_u32..).zip(&self.list).filter(|(_, name)| name.letters & wanted == wanted);
        let mut found: Vec<(u32, u32)> = fitting
            .filter_map(|(number, _)| Some((fit(query.as_bytes(), self.text(number).as_bytes())?, number)))
            .filter(|(score, _)| *score >= least)
            .collect();
        found.sort_unstable_by(|one, other| {
            other.0.cmp(&one.0).then_with(|| self.text(one.1).cmp(self.text(other.1)))
        });
        found
    }

    /// Where a name is defined.
    pub fn spots(&self, name: u32) -> impl Iterator<Item = Spot> + '_ {
        let mut next = self.list.get(name as usize).map(|name| name.first);
        std::iter::from_fn(move || {
            let spot = *self.spots.get(next? as usize)?;
            next = spot.next;
            Some(spot)
        })
    }
}

/// A bit for each letter and digit; the case of a letter does not matter.
fn letters(text: &str) -> u64 {
    text.bytes().fold(0, |bits, byte| {
        bits | match byte.to_ascii_lowercase() {
            letter @ b'a'..=b'z' => 1 << (letter - b'a'),
            digit @ b'0'..=b'9' => 1 << (26 + digit - b'0'),
            b'_' => 1 << 36,
            _ => 1 << 37,
        }
    })
}

/// From this score on, a name begins with what was asked for.
const PREFIX: u32 = 700;

/// How well a name fits a query: 1000 for the name itself, from [`PREFIX`] if it begins with it, less if the letters are spread
/// over it. `None` if they are not in it.
fn fit(query: &[u8], name: &[u8]) -> Option<u32> {
    let longer = u32::try_from(name.len().checked_sub(query.len())?).unwrap_or(u32::MAX).min(250);
    let starts_with =
        |rest: &[u8]| rest.get(..query.len()).is_some_and(|head| head.eq_ignore_ascii_case(query));
    let begins_word = |at: usize| {
        let before = at.checked_sub(1).map_or(b'_', |at| name[at]);
        !before.is_ascii_alphanumeric() || (before.is_ascii_lowercase() && name[at].is_ascii_uppercase())
    };
    if starts_with(name) {
        return Some(if longer == 0 { 1000 } else { PREFIX + 250 - longer });
    }
    // In one piece, at best where a word begins.
    let pieces = (1..=name.len() - query.len()).filter(|at| starts_with(&name[*at..]));
    if let Some(at) = pieces.max_by_key(|at| begins_word(*at)) {
        return Some(if begins_word(at) { 600 } else { 450 } - longer / 3);
    }
    let (mut runs, mut starts, mut at) = (0, 0, 0);
    let mut last = None;
    for letter in query {
        at += name[at..].iter().position(|other| other.eq_ignore_ascii_case(letter))?;
        if last.is_none_or(|last: usize| last + 1 != at) {
            runs += 1;
            starts += u32::from(begins_word(at));
        }
        last = Some(at);
        at += 1;
    }
    let runs: u32 = runs;
    Some(if starts == runs { 400 - runs.min(20) * 5 } else { 280 - runs.min(20) * 8 } - longer / 3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn better_fits_have_higher_scores() {
        let order = [
            ("find", "Find"),
            ("find", "finder"),
            ("find", "find_something_else"),
            ("find", "quickFind"),
            ("find", "quickfind"),
            ("find", "f_in_d"),
            ("find", "fxixnxd"),
        ];
        let scores: Vec<_> =
            order.iter().map(|(query, name)| fit(query.as_bytes(), name.as_bytes())).collect();
        assert!(scores.windows(2).all(|pair| pair[0] > pair[1]), "{scores:?}");
        assert_eq!(fit(b"find", b"fin"), None);
        assert_eq!(fit(b"find", b"fnid"), None);
        assert!(fit(b"", b"anything").is_some());
        let long = "x".repeat(10_000);
        assert!(fit(b"xy", (long.clone() + "y").as_bytes()).is_some_and(|score| score > 0));
    }
}
