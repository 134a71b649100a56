//! What ranking asks of the texts of a tree, and texts that are held in memory.

use std::collections::HashMap;
use std::sync::Arc;

use wainwright_syntax::{Language, Limits, Outline, outline};

use super::words;
use crate::files::read::PADDING;
use crate::files::stamp::Stamp;
use crate::files::traits::Traits;
use crate::lexer::lexicon::Seed;
use crate::lexer::occurrences::{COUNT_MAX, DEFINES};
use crate::lexer::source::Source;

/// Digests are thrown away with the lexicon they were counted in.
const SEED: Seed = Seed([0x9E37_79B9_7F4A_7C15, 0xC2B2_AE3D_27D4_EB4F]);

/// A file that has a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// The file's number in its corpus.
    pub file: u32,
    /// How often it has the word, at least 1.
    pub count: u32,
    /// Whether it defines something of that name.
    pub defined: bool,
}

/// The texts of one tree. Files have numbers below [`Corpus::bound`]; a number without a file has an empty path.
pub trait Corpus: Sync {
    /// One above the greatest number.
    fn bound(&self) -> u32;
    /// The path from the root, with `/` between components.
    fn path(&self, file: u32) -> &str;
    /// How many words the text has.
    fn length(&self, file: u32) -> u32;
    /// How many definitions the text seems to have.
    fn definitions(&self, file: u32) -> u32;
    /// The files with a word of which a part has this stem (see [`words::stem`]), in order.
    fn stem(&self, stem: &str) -> Vec<Held>;
    /// The files with a word that folds to this (see [`words::fold`]), in order.
    fn word(&self, folded: &str) -> Vec<Held>;
    /// The same for the same text, and for no other.
    fn key(&self, file: u32) -> u128;
    /// The text.
    fn text(&self, file: u32) -> Option<Arc<[u8]>>;
    /// What the text defines, uses and imports.
    fn outline(&self, file: u32, text: &[u8]) -> Outline {
        parsed(self.path(file), text)
    }
}

/// The outline of a text, parsed now.
pub(crate) fn parsed(path: &str, text: &[u8]) -> Outline {
    let read = |language| outline(language, text, &Limits::default());
    Language::of(path, &text[..text.len().min(256)]).map(read).unwrap_or_default()
}

/// The number of a folded word and those of the stems of its parts.
type Taken = (u32, Box<[u32]>);

/// Numbers for stems and folded words, so that each is spelled once.
#[derive(Debug, Default)]
pub struct Vocabulary {
    stems: HashMap<Box<str>, u32>,
    words: HashMap<Box<str>, u32>,
    /// By the spelling, what was seen before.
    seen: HashMap<Box<[u8]>, Taken>,
}

/// So many spellings are remembered before they are forgotten together.
const SEEN_MAX: usize = 2_000_000;

fn number(known: &mut HashMap<Box<str>, u32>, text: &str) -> u32 {
    if let Some(number) = known.get(text) {
        return *number;
    }
    let number = u32::try_from(known.len()).unwrap_or(u32::MAX);
    known.insert(text.into(), number);
    number
}

impl Vocabulary {
    /// The number of a word when folded, and those of the stems of its parts.
    pub(crate) fn take(&mut self, word: &[u8]) -> (u32, &[u32]) {
        if !self.seen.contains_key(word) {
            if self.seen.len() >= SEEN_MAX {
                self.seen.clear();
            }
            let text = String::from_utf8_lossy(word);
            let folded = number(&mut self.words, &words::fold(&text));
            let stems = words::parts(&text).map(|part| number(&mut self.stems, &words::stem(part))).collect();
            self.seen.insert(word.into(), (folded, stems));
        }
        let (folded, stems) = &self.seen[word];
        (*folded, stems)
    }

    /// The number of a folded word of its own, whatever its parts.
    pub(crate) fn name(&mut self, folded: &str) -> u32 {
        number(&mut self.words, folded)
    }

    /// The number of a stem, if it was ever met.
    #[must_use]
    pub fn stem(&self, stem: &str) -> Option<u32> {
        self.stems.get(stem).copied()
    }

    /// The number of a folded word, if it was ever met.
    #[must_use]
    pub fn word(&self, folded: &str) -> Option<u32> {
        self.words.get(folded).copied()
    }
}

#[derive(Clone, Copy, Debug)]
struct Counted {
    id: u32,
    count: u32,
    defined: bool,
}

/// The words of one text, counted.
#[derive(Debug)]
pub struct Digest {
    key: u128,
    text: Arc<[u8]>,
    length: u32,
    definitions: u32,
    stems: Box<[Counted]>,
    words: Box<[Counted]>,
}

fn summed(mut all: Vec<Counted>) -> Box<[Counted]> {
    all.sort_unstable_by_key(|counted| counted.id);
    all.dedup_by(|next, kept| {
        let same = next.id == kept.id;
        if same {
            kept.count += next.count;
            kept.defined |= next.defined;
        }
        same
    });
    all.into()
}

impl Digest {
    /// Counts the words of a text with the index's own lexer; `None` for what is no text.
    #[must_use]
    pub fn of(path: &str, text: Vec<u8>, vocabulary: &mut Vocabulary) -> Option<Self> {
        let length = text.len();
        let mut padded = text;
        padded.resize(length + PADDING, 0);
        let mut source = Source::new(SEED, 0);
        source.add(path, Stamp::default(), false, &padded, length);
        let doc = source.docs.first()?;
        if doc.facts.traits.has(Traits::BINARY) {
            return None;
        }
        padded.truncate(length);
        let (mut stems, mut whole) = (Vec::new(), Vec::new());
        for at in doc.words.clone() {
            let byte = source.counts[at];
            let (count, defined) = (u32::from(byte & COUNT_MAX), byte & DEFINES != 0);
            let (folded, parts) = vocabulary.take(source.lexicon.word(source.ids[at]));
            whole.push(Counted { id: folded, count, defined });
            stems.extend(parts.iter().map(|stem| Counted { id: *stem, count, defined }));
        }
        Some(Self {
            key: doc.facts.hash,
            text: padded.into(),
            length: doc.facts.words,
            definitions: u32::try_from(doc.definitions.len()).unwrap_or(u32::MAX),
            stems: summed(stems),
            words: summed(whole),
        })
    }
}

/// Texts in memory.
#[derive(Debug)]
pub struct Contents<'v> {
    vocabulary: &'v Vocabulary,
    files: Vec<(String, Arc<Digest>)>,
}

impl<'v> Contents<'v> {
    /// The files of a tree, whose digests were made with this vocabulary.
    #[must_use]
    pub fn new(vocabulary: &'v Vocabulary, files: Vec<(String, Arc<Digest>)>) -> Self {
        Self { vocabulary, files }
    }

    fn held(&self, id: Option<u32>, of: impl Fn(&Digest) -> &[Counted]) -> Vec<Held> {
        let Some(id) = id else { return Vec::new() };
        let look = |(file, (_, digest)): (u32, &(String, Arc<Digest>))| {
            let list = of(digest);
            let at = list.binary_search_by_key(&id, |counted| counted.id).ok()?;
            Some(Held { file, count: list[at].count, defined: list[at].defined })
        };
        (0..).zip(&self.files).filter_map(look).collect()
    }

    fn digest(&self, file: u32) -> Option<&Digest> {
        self.files.get(file as usize).map(|(_, digest)| &**digest)
    }
}

impl Corpus for Contents<'_> {
    fn bound(&self) -> u32 {
        u32::try_from(self.files.len()).unwrap_or(u32::MAX)
    }
    fn path(&self, file: u32) -> &str {
        self.files.get(file as usize).map_or("", |(path, _)| path)
    }
    fn length(&self, file: u32) -> u32 {
        self.digest(file).map_or(0, |digest| digest.length)
    }
    fn definitions(&self, file: u32) -> u32 {
        self.digest(file).map_or(0, |digest| digest.definitions)
    }
    fn stem(&self, stem: &str) -> Vec<Held> {
        self.held(self.vocabulary.stem(stem), |digest| &digest.stems)
    }
    fn word(&self, folded: &str) -> Vec<Held> {
        self.held(self.vocabulary.word(folded), |digest| &digest.words)
    }
    fn key(&self, file: u32) -> u128 {
        self.digest(file).map_or(0, |digest| digest.key)
    }
    fn text(&self, file: u32) -> Option<Arc<[u8]>> {
        self.digest(file).map(|digest| Arc::clone(&digest.text))
    }
}
