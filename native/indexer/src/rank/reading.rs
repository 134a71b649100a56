//! Files that were read closely: their outline and where their words are. Readings are kept for the next query.

use std::collections::{HashMap, VecDeque};
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
    /// The distinct words.
    pub(crate) spellings: Vec<Box<[u8]>>,
    /// Each word's place in the text, and which of the spellings it is.
    pub(crate) words: Vec<(u32, u32)>,
}

impl Reading {
    fn of(text: Arc<[u8]>, outline: Outline) -> Self {
        let mut numbers: HashMap<&[u8], u32> = HashMap::new();
        let mut all = Vec::new();
        let mut spellings: Vec<Box<[u8]>> = Vec::new();
        for (at, word) in words::words(&text) {
            let next = u32::try_from(spellings.len()).unwrap_or(u32::MAX);
            let number = *numbers.entry(word).or_insert(next);
            if number == next {
                spellings.push(word.into());
            }
            all.push((u32::try_from(at).unwrap_or(u32::MAX), number));
        }
        drop(numbers);
        Self { text, outline, spellings, words: all }
    }
}

/// A content, and how its path ends.
type Key = (u128, u64);

#[derive(Debug, Default)]
struct Held {
    readings: HashMap<Key, Arc<Reading>>,
    order: VecDeque<Key>,
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
        }
        while held.order.len() > self.most {
            if let Some(oldest) = held.order.pop_front() {
                held.readings.remove(&oldest);
            }
        }
        Some(reading)
    }
}
