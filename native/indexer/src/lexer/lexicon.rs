//! Words by number: every distinct word is kept once.

use std::hash::{BuildHasher, Hasher, RandomState};

use crate::files::read::PADDING;

/// Longer words are known by so many first bytes (a whole number of characters).
pub(crate) const WORD_BYTES_MAX: usize = 64;

/// What makes the hashes of one index unlike those of another, so that no file can be made to collide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seed(pub [u64; 2]);

impl Seed {
    pub fn random() -> Self {
        let part = || RandomState::new().build_hasher().finish() | 1;
        Self([part(), part()])
    }

    /// The hash of `bytes[start..end]`, a word of 1 to [`WORD_BYTES_MAX`] bytes. `bytes` goes on for at least
    /// [`PADDING`] bytes after `end`.
    #[inline]
    pub fn hash(self, bytes: &[u8], start: usize, end: usize) -> u64 {
        let length = end - start;
        let eight = |at: usize| {
            let mut window = [0; 8];
            window.copy_from_slice(&bytes[at..at + 8]);
            u64::from_le_bytes(window)
        };
        let [first, second] = self.0;
        if length <= 8 {
            let word = eight(start) & (u64::MAX >> (64 - 8 * length));
            return fold(word ^ first, second ^ length as u64);
        }
        let mut state = second ^ length as u64;
        let mut at = start;
        while at + 16 < end {
            state = fold(eight(at) ^ first, eight(at + 8) ^ state);
            at += 16;
        }
        // The last 16 bytes of the word, or all of it if it is shorter.
        let (low, high) = if length >= 16 { (end - 16, end - 8) } else { (start, end - 8) };
        fold(eight(low) ^ first, eight(high) ^ state)
    }

    /// The hash of a word that has no padding.
    pub fn hash_alone(self, word: &[u8]) -> u64 {
        let mut padded = [0; WORD_BYTES_MAX + PADDING];
        padded[..word.len()].copy_from_slice(word);
        self.hash(&padded, 0, word.len())
    }
}

#[inline]
#[expect(clippy::cast_possible_truncation, reason = "both halves of the product are used")]
fn fold(left: u64, right: u64) -> u64 {
    let product = u128::from(left) * u128::from(right);
    (product >> 64) as u64 ^ product as u64
}

/// The part of a word by which it is known.
pub(crate) fn known_part(word: &str) -> &str {
    if word.len() <= WORD_BYTES_MAX {
        return word;
    }
    let end = (0..=WORD_BYTES_MAX).rev().find(|end| word.is_char_boundary(*end)).unwrap_or(0);
    &word[..end]
}

#[derive(Debug, Clone, Copy)]
struct Word {
    hash: u64,
    /// Where it begins in the text.
    start: u32,
    length: u32,
    /// In how many documents it is.
    documents: u32,
    /// The document it was last met in, and where it is counted there.
    seen_in: u32,
    place: u32,
}

/// Distinct words, numbered from 0 in the order of their coming.
#[derive(Debug, Clone)]
pub(crate) struct Lexicon {
    seed: Seed,
    /// Open addressing; upper half: that of the hash, lower half: number + 1. 0 is free.
    slots: Vec<u64>,
    words: Vec<Word>,
    text: Vec<u8>,
    /// Counts from 1.
    document: u32,
}

impl Lexicon {
    /// No words, but room for some (a power of two).
    pub fn new(seed: Seed, room: usize) -> Self {
        let words = Vec::with_capacity(room / 2);
        let text = Vec::with_capacity(room * 4);
        Self { seed, slots: vec![0; room], words, text, document: 0 }
    }

    pub fn seed(&self) -> Seed {
        self.seed
    }

    pub fn len(&self) -> usize {
        self.words.len()
    }

    pub fn word(&self, id: u32) -> &[u8] {
        let word = &self.words[id as usize];
        &self.text[word.start as usize..(word.start + word.length) as usize]
    }

    pub fn hash(&self, id: u32) -> u64 {
        self.words[id as usize].hash
    }

    /// In how many documents the word was counted.
    pub fn documents(&self, id: u32) -> u32 {
        self.words[id as usize].documents
    }

    /// The number of a word that is known.
    pub fn find(&self, word: &[u8]) -> Option<u32> {
        let hash = self.seed.hash_alone(word);
        let mask = self.slots.len() - 1;
        let mut at = index(hash) & mask;
        loop {
            let slot = self.slots[at];
            if slot == 0 {
                return None;
            }
            if slot >> 32 == hash >> 32 && self.word(number(slot)) == word {
                return Some(number(slot));
            }
            at = (at + 1) & mask;
        }
    }

    /// The number of a word, which is added if it is new.
    #[inline]
    pub fn intern(&mut self, word: &[u8], hash: u64) -> u32 {
        let mask = self.slots.len() - 1;
        let mut at = index(hash) & mask;
        loop {
            let slot = self.slots[at];
            if slot == 0 {
                return self.add(word, hash, at);
            }
            // Words are told apart by 64 bits that depend on a secret seed: that two of half a million are the
            // same has a chance of one in a hundred million, and looking at their letters costs a tenth of all.
            if slot >> 32 == hash >> 32 && self.words[number(slot) as usize].hash == hash {
                return number(slot);
            }
            at = (at + 1) & mask;
        }
    }

    #[cold]
    #[expect(clippy::cast_possible_truncation, reason = "the text of all words stays below MEMORY_MAX")]
    fn add(&mut self, word: &[u8], hash: u64, at: usize) -> u32 {
        let id = self.words.len() as u32;
        let start = self.text.len() as u32;
        self.text.extend_from_slice(word);
        let length = word.len() as u32;
        self.words.push(Word { hash, start, length, documents: 0, seen_in: 0, place: 0 });
        self.slots[at] = slot_of(hash, id);
        if self.words.len() * 3 > self.slots.len() * 2 {
            self.grow();
        }
        id
    }

    fn grow(&mut self) {
        self.slots = slots(self.slots.len() * 2, self.words.iter().map(|word| word.hash));
    }

    /// Begins to count a new document.
    pub fn begin_document(&mut self) {
        self.document += 1;
    }

    /// Counts a word of the document: `place` is where a word is counted that is met for the first time. Returns
    /// where it is counted.
    #[inline]
    pub fn count(&mut self, id: u32, place: u32) -> u32 {
        let word = &mut self.words[id as usize];
        if word.seen_in != self.document {
            word.seen_in = self.document;
            word.place = place;
            word.documents += 1;
        }
        word.place
    }

    /// Says in how many documents the word is.
    pub fn set_documents(&mut self, id: u32, documents: u32) {
        self.words[id as usize].documents = documents;
    }

    /// Where a word is counted, if the document has it.
    pub fn place(&self, id: u32) -> Option<u32> {
        let word = &self.words[id as usize];
        (word.seen_in == self.document).then_some(word.place)
    }

    /// About how many bytes of memory the words take.
    pub fn memory(&self) -> usize {
        self.text.len() + self.words.len() * size_of::<Word>() + self.slots.len() * 8
    }

    /// Gives back memory that is not needed while no words are added.
    pub fn shrink(&mut self) {
        self.words.shrink_to_fit();
        self.text.shrink_to_fit();
    }
}

/// A table of hashes: `room` is a power of two above their number.
pub(crate) fn slots(room: usize, hashes: impl Iterator<Item = u64>) -> Vec<u64> {
    let mut slots = vec![0; room];
    for (id, hash) in (0..).zip(hashes) {
        let mut at = index(hash) & (room - 1);
        while slots[at] != 0 {
            at = (at + 1) & (room - 1);
        }
        slots[at] = slot_of(hash, id);
    }
    slots
}

fn slot_of(hash: u64, id: u32) -> u64 {
    (hash & !0xFFFF_FFFF) | u64::from(id + 1)
}

#[expect(clippy::cast_possible_truncation, reason = "the lower half")]
fn number(slot: u64) -> u32 {
    slot as u32 - 1
}

/// Where to begin to look for a hash in a table of any size.
#[expect(clippy::cast_possible_truncation, reason = "the place is below the size")]
pub(crate) fn slot_for(hash: u64, room: usize) -> usize {
    ((u128::from(hash) * room as u128) >> 64) as usize
}

/// Where to begin to look for a hash, before it is cut to the table's size.
#[expect(clippy::cast_possible_truncation, reason = "only the lower bits are used")]
fn index(hash: u64) -> usize {
    hash as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_has_one_number() {
        let mut lexicon = Lexicon::new(Seed::random(), 16);
        let words: Vec<String> = (0..1000).map(|n| format!("{}w{n}", "long".repeat(n % 13))).collect();
        for round in 0..2 {
            for (n, word) in (0..).zip(&words) {
                let hash = lexicon.seed().hash_alone(word.as_bytes());
                assert_eq!(lexicon.intern(word.as_bytes(), hash), n, "round {round}");
                assert_eq!(lexicon.word(n), word.as_bytes());
                assert_eq!(lexicon.find(word.as_bytes()), Some(n));
            }
        }
        assert_eq!(lexicon.find(b"absent"), None);
    }

    #[test]
    fn the_hash_depends_on_the_word_alone() {
        let seed = Seed([3, 5]);
        let text = b"some_words_of_many_lengths_in_one_long_text_that_goes_on_and_on_and_on_0123456789";
        for start in 0..10 {
            for length in 1..=WORD_BYTES_MAX - 10 {
                let end = start + length;
                assert_eq!(seed.hash(text, start, end), seed.hash_alone(&text[start..end]), "{length}");
            }
        }
    }

    #[test]
    fn long_words_are_cut_between_characters() {
        assert_eq!(known_part("short"), "short");
        assert_eq!(known_part(&"é".repeat(40)), "é".repeat(32));
        assert_eq!(known_part(&format!("a{}", "é".repeat(40))).len(), 63);
    }
}
