//! Files that were read closely: their outline and where their words are. Readings are kept for the next query.

use std::collections::{HashMap, VecDeque};
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use wainwright_syntax::Outline;

use super::corpus::Corpus;
use super::words;

/// One text with its outline and its words.
#[derive(Debug)]
pub struct Reading {
    /// The text.
    pub text: Arc<[u8]>,
    /// What it defines, uses and imports.
    pub outline: Outline,
    /// How many distinct words it has.
    pub(crate) spellings: usize,
    /// Each word's place in the text, and which of the spellings it is.
    pub(crate) words: Vec<(u32, u32)>,
    /// The stems of the parts of each spelling, in its order; a spelling may have several.
    pub(crate) stems: Vec<(u32, Stem)>,
    /// The name of each definition of the outline.
    pub(crate) names: Vec<Name>,
    /// What each definition is a part of by its own words, as a method of Go is.
    pub(crate) owners: Vec<Option<Arc<Name>>>,
    /// The names at the references of the outline.
    pub(crate) uses: Vec<Word>,
}

/// A stem, by the hash of its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Stem(u64);

impl Stem {
    pub(crate) fn new(stem: &str) -> Self {
        Self(xxhash_rust::xxh3::xxh3_64(stem.as_bytes()))
    }
}

/// A word, by the hash of its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Word(u64);

impl Word {
    pub(crate) fn new(word: &[u8]) -> Self {
        Self(xxhash_rust::xxh3::xxh3_64(word))
    }
}

/// The name of a definition.
#[derive(Debug)]
pub(crate) struct Name {
    pub word: Word,
    pub folded: Word,
    /// The stems of its parts.
    pub stems: Box<[Stem]>,
}

impl Name {
    pub(crate) fn of(name: &str) -> Self {
        let found = words::words(name.as_bytes()).flat_map(|(_, word)| stems(word));
        let folded = Word::new(words::fold(name).as_bytes());
        Self { word: Word::new(name.as_bytes()), folded, stems: found.collect() }
    }
}

/// The stem of each part of a word.
fn stems(word: &[u8]) -> Vec<Stem> {
    let word = String::from_utf8_lossy(word);
    words::parts(&word).map(|part| Stem::new(&words::stem(part))).collect()
}

impl Reading {
    fn of(text: Arc<[u8]>, outline: Outline) -> Self {
        let mut numbers: HashMap<&[u8], u32> = HashMap::new();
        let mut all = Vec::new();
        let mut spellings: Vec<&[u8]> = Vec::new();
        for (at, word) in words::words(&text) {
            let next = u32::try_from(spellings.len()).unwrap_or(u32::MAX);
            let number = *numbers.entry(word).or_insert(next);
            if number == next {
                spellings.push(word);
            }
            all.push((u32::try_from(at).unwrap_or(u32::MAX), number));
        }
        let parts = (0..).zip(&spellings);
        let parts = parts.flat_map(|(number, word)| stems(word).into_iter().map(move |stem| (number, stem)));
        let parts: Vec<(u32, Stem)> = parts.collect();
        let names = outline.definitions.iter().map(|one| Name::of(&one.name)).collect();
        let mut known: HashMap<&str, Arc<Name>> = HashMap::new();
        let mut owner = |name| Arc::clone(known.entry(name).or_insert_with(|| Arc::new(Name::of(name))));
        let owners = outline.definitions.iter().map(|one| one.owner.as_deref().map(&mut owner)).collect();
        let spelled = |at: &Range<u32>| text.get(at.start as usize..at.end as usize).unwrap_or_default();
        let uses = outline.references.iter().map(|one| Word::new(spelled(&one.at))).collect();
        let spellings = spellings.len();
        Self { text, outline, spellings, words: all, stems: parts, names, owners, uses }
    }
}

/// Readings are kept of texts of so many bytes together; each takes a few times its text.
const BYTES_MAX: usize = 48_000_000;

/// A content, and how its path ends.
type Key = (u128, u64);

#[derive(Debug, Default)]
struct Held {
    readings: HashMap<Key, Arc<Reading>>,
    order: VecDeque<Key>,
    /// Of all texts.
    bytes: usize,
}

/// Readings by content and language; the oldest go first.
#[derive(Debug)]
pub struct Readings {
    most: usize,
    held: Mutex<Held>,
}

impl Readings {
    /// A store for so many readings.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self { most, held: Mutex::default() }
    }

    /// The reading of a file of the corpus.
    pub fn read(&self, corpus: &dyn Corpus, file: u32) -> Option<Arc<Reading>> {
        let path = corpus.path(file);
        let ending = path.rsplit('.').next().unwrap_or(path);
        let key = (corpus.key(file), xxhash_rust::xxh3::xxh3_64(ending.as_bytes()));
        if let Some(found) = self.held.lock().unwrap_or_else(PoisonError::into_inner).readings.get(&key) {
            return Some(Arc::clone(found));
        }
        let reading = Arc::new({
            let text = corpus.text(file)?;
            let outline = corpus.outline(file, &text);
            Reading::of(text, outline)
        });
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if held.readings.insert(key, Arc::clone(&reading)).is_none() {
            held.order.push_back(key);
            held.bytes += reading.text.len();
        }
        while held.order.len() > self.most || held.bytes > BYTES_MAX {
            let Some(oldest) = held.order.pop_front() else { break };
            if let Some(gone) = held.readings.remove(&oldest) {
                held.bytes -= gone.text.len();
            }
        }
        Some(reading)
    }
}
