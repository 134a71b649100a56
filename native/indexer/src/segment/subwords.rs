//! The parts of compound words: `parseHTTPHeader2` and `parse_http_header` are both made of parse, http, header.

use std::collections::HashMap;

use super::format::{Section, ascending, push_ascending};
use super::hash_table::{find, slots};
use crate::bytes::{Lists, list};
use crate::lexer::lexicon::{Seed, WORD_BYTES_MAX};

/// Lower-case parts, and the words that have them.
#[derive(Debug)]
pub(crate) struct Subwords {
    /// Bytes and places, as [`Lists::finish`] gives them.
    pub text: (Vec<u8>, Vec<u8>),
    pub words: (Vec<u8>, Vec<u8>),
    pub slots: Vec<u8>,
}

impl Subwords {
    /// As the sections of a store have them; `None` if they have none.
    pub fn stored<'s>(section: impl Fn(Section) -> &'s [u8]) -> Option<Self> {
        if section(Section::SubwordEnds).is_empty() {
            return None;
        }
        let both = |bytes: Section, ends: Section| (section(bytes).to_vec(), section(ends).to_vec());
        Some(Self {
            text: both(Section::SubwordText, Section::SubwordEnds),
            words: both(Section::SubwordWords, Section::SubwordWordEnds),
            slots: section(Section::SubwordSlots).to_vec(),
        })
    }

    /// The parts of some words, which have numbers.
    pub fn made<'w>(seed: Seed, all: impl Iterator<Item = (u32, &'w [u8])>) -> Self {
        let mut numbers: HashMap<Box<str>, u32> = HashMap::new();
        let mut names: Vec<Box<str>> = Vec::new();
        let mut words: Vec<Vec<u32>> = Vec::new();
        for (word, text) in all {
            let Ok(text) = std::str::from_utf8(text) else { continue };
            each_subword(text, |part| {
                let next = u32::try_from(names.len()).unwrap_or(u32::MAX);
                let number = *numbers.entry(part.into()).or_insert(next);
                if number == next {
                    names.push(part.into());
                    words.push(Vec::new());
                }
                let list = &mut words[number as usize];
                if list.last() != Some(&word) {
                    list.push(word);
                }
            });
        }
        let mut lists = Lists::default();
        for list in words {
            push_ascending(&mut lists.bytes, list.into_iter());
            lists.end();
        }
        let hashes = names.iter().map(|name| seed.hash_alone(name.as_bytes()));
        let slots = slots(hashes, names.len());
        let text = Lists::of_texts(names.iter().map(|name| name.as_bytes()));
        Self { text: text.finish(), words: lists.finish(), slots }
    }

    /// The words that have a part, which is lower-case.
    pub fn words(&self, seed: Seed, part: &str) -> impl Iterator<Item = u32> + '_ {
        let text = |id: u32| list(&self.text.0, &self.text.1, id as usize);
        let fits = (1..=WORD_BYTES_MAX).contains(&part.len());
        let hash = fits.then(|| seed.hash_alone(part.as_bytes()));
        let found = hash.and_then(|hash| find(&self.slots, hash, |id| text(id) == part.as_bytes()));
        ascending(found.map_or(&[], |id| list(&self.words.0, &self.words.1, id as usize)))
    }
}

/// Reports the parts of a word, in lower case: letters up to a change from lower to upper case, or the last of
/// several capitals before a lower-case letter; digits do not count.
pub fn each_subword(word: &str, mut report: impl FnMut(&str)) {
    let mut part = String::new();
    let mut characters = word.chars().peekable();
    let mut before = ' ';
    while let Some(character) = characters.next() {
        let letter = character.is_alphabetic();
        let next_lower = characters.peek().is_some_and(|next| next.is_lowercase());
        let hump =
            character.is_uppercase() && (before.is_lowercase() || (before.is_uppercase() && next_lower));
        if (!letter || hump) && !part.is_empty() {
            finish(&mut part, &mut report);
        }
        if letter {
            part.extend(character.to_lowercase());
        }
        before = character;
    }
    finish(&mut part, &mut report);
}

fn finish(part: &mut String, report: &mut impl FnMut(&str)) {
    // A single letter says nothing.
    if part.chars().nth(1).is_some() && part.len() <= WORD_BYTES_MAX {
        report(part);
    }
    part.clear();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(word: &str) -> Vec<String> {
        let mut parts = Vec::new();
        each_subword(word, |part| parts.push(part.to_owned()));
        parts
    }

    #[test]
    fn humps_and_underscores_part_words() {
        assert_eq!(parts("parseHTTPHeader2"), ["parse", "http", "header"]);
        assert_eq!(parts("parse_http_header"), ["parse", "http", "header"]);
        assert_eq!(parts("__init__"), ["init"]);
        assert_eq!(parts("XMLHttpRequest"), ["xml", "http", "request"]);
        assert_eq!(parts("i"), Vec::<String>::new());
        assert_eq!(parts("Größe_x"), ["größe"]);
        assert_eq!(parts("plain"), ["plain"]);
    }

    proptest::proptest! {
        #[test]
        fn parts_are_lower_case_pieces_in_order(word in "[a-zA-ZéÖßİ0-9_]{0,24}") {
            let whole = word.to_lowercase();
            let mut from = 0;
            for part in parts(&word) {
                let at = whole[from..].find(&part);
                proptest::prop_assert!(at.is_some(), "{} in {}", part, whole);
                from += at.unwrap_or(0) + part.len();
            }
        }
    }
}
