//! Files as the lexer sees them: words with their counts, definitions, imports.

use std::collections::HashMap;
use std::ops::Range;

use crate::files::facts::Facts;
use crate::files::read::PADDING;
use crate::files::stamp::Stamp;
use crate::files::text::{first_char, is_word, text};
use crate::files::traits::Traits;
use crate::lexer::define;
use crate::lexer::family::Family;
use crate::lexer::keywords::{KEYWORDS, Keywords, Kind, is_keyword};
use crate::lexer::lexicon::{Lexicon, Seed, WORD_BYTES_MAX};
use crate::lexer::occurrences::{COUNT_MAX, DEFINES, LINED, push_lines};
use crate::lexer::statement::Finding;

/// A definition as the lexer guesses it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Found {
    /// Number of the name in the lexicon.
    pub word: u32,
    /// From 1.
    pub line: u32,
    pub kind: Kind,
}

/// One file of a [`Source`].
#[derive(Debug, Clone)]
pub(crate) struct Doc {
    pub path: Box<str>,
    pub facts: Facts,
    pub words: Range<usize>,
    /// The lines of these words, in [`Source::lines`].
    pub lines: Range<usize>,
    pub definitions: Range<usize>,
    pub imports: Range<usize>,
}

/// Strings by number.
#[derive(Debug, Clone, Default)]
pub(crate) struct Names {
    numbers: HashMap<Box<str>, u32>,
    pub list: Vec<Box<str>>,
}

impl Names {
    #[expect(clippy::cast_possible_truncation, reason = "there are fewer names than bytes of source")]
    pub fn intern(&mut self, name: &str) -> u32 {
        if let Some(id) = self.numbers.get(name) {
            return *id;
        }
        let id = self.list.len() as u32;
        self.numbers.insert(name.into(), id);
        self.list.push(name.into());
        id
    }
}

/// Files that share a lexicon.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    pub lexicon: Lexicon,
    pub docs: Vec<Doc>,
    /// Distinct words of the documents, one document after the other.
    pub ids: Vec<u32>,
    /// Beside each word: its count, and [`DEFINES`].
    pub counts: Vec<u8>,
    /// For each word, in the same order: how many bytes follow, and in these the steps from line to line. Nothing
    /// follows for a keyword and for a word that too many files have.
    pub lines: Vec<u8>,
    pub definitions: Vec<Found>,
    pub imports: Vec<u32>,
    pub import_names: Names,
    marks: Marks,
}

impl Source {
    /// A source for about so many distinct words.
    pub fn new(seed: Seed, room: usize) -> Self {
        let mut lexicon = Lexicon::new(seed, room.next_power_of_two().max(1024));
        // The first numbers belong to the keywords, so that one comparison tells them.
        for word in KEYWORDS {
            let hash = seed.hash_alone(word.as_bytes());
            lexicon.intern(word.as_bytes(), hash);
        }
        Self {
            lexicon,
            docs: Vec::new(),
            ids: Vec::new(),
            counts: Vec::new(),
            lines: Vec::new(),
            marks: Marks::default(),
            definitions: Vec::new(),
            imports: Vec::new(),
            import_names: Names::default(),
        }
    }

    /// A source that knows some words, but has no documents yet, and the numbers of these words.
    pub fn of_words<'w>(seed: Seed, words: impl ExactSizeIterator<Item = &'w [u8]>) -> (Self, Vec<u32>) {
        let mut source = Self::new(seed, words.len() * 2);
        let intern = |word: &[u8]| source.lexicon.intern(word, seed.hash_alone(word));
        let numbers = words.map(intern).collect();
        (source, numbers)
    }

    /// Adds a file that is known by its stamp alone.
    pub fn add_unread(&mut self, path: &str, facts: Facts) {
        let (words, definitions, imports) = (self.ids.len(), self.definitions.len(), self.imports.len());
        self.docs.push(Doc {
            path: path.into(),
            facts,
            words: words..words,
            lines: self.lines.len()..self.lines.len(),
            definitions: definitions..definitions,
            imports: imports..imports,
        });
    }

    /// Adds a file whose content is `padded[..length]`, followed by at least [`PADDING`] zeros.
    pub fn add(&mut self, path: &str, stamp: Stamp, settled: bool, padded: &[u8], length: usize) {
        let content = &padded[..length];
        let hash = xxhash_rust::xxh3::xxh3_128(content);
        let traits = Traits::of_path(path);
        let facts = Facts { stamp, settled, hash, words: 0, lines: 0, traits };
        let Some(clean) = text(content) else {
            self.add_unread(path, Facts { traits: traits | Traits::BINARY, ..facts });
            return;
        };
        match clean {
            std::borrow::Cow::Borrowed(clean) => {
                let start = clean.as_ptr() as usize - padded.as_ptr() as usize;
                self.add_text(path, facts, &padded[start..], clean.len());
            }
            std::borrow::Cow::Owned(mut clean) => {
                let length = clean.len();
                clean.resize(length + PADDING, 0);
                self.add_text(path, facts, &clean, length);
            }
        }
    }

    fn add_text(&mut self, path: &str, mut facts: Facts, padded: &[u8], length: usize) {
        let (words, definitions, imports) = (self.ids.len(), self.definitions.len(), self.imports.len());
        let lines = self.lines.len();
        facts.words = self.lex(Family::of(path), padded, length);
        let content = &padded[..length];
        facts.lines = count_lines(content);
        facts.traits = facts.traits | Traits::of_text(path, content, facts.lines);
        for definition in &self.definitions[definitions..] {
            if let Some(place) = self.lexicon.place(definition.word) {
                self.counts[place as usize] |= DEFINES;
            }
        }
        let new = &mut self.imports[imports..];
        new.sort_unstable();
        let kept = dedup(new);
        self.imports.truncate(imports + kept);
        self.docs.push(Doc {
            path: path.into(),
            facts,
            words: words..self.ids.len(),
            lines: lines..self.lines.len(),
            definitions: definitions..self.definitions.len(),
            imports: imports..self.imports.len(),
        });
    }

    /// Counts the words of a text and finds what it defines and imports. `padded[length]` is no part of a word.
    #[expect(clippy::cast_possible_truncation, reason = "a source is compacted before it has 2^32 counts")]
    fn lex(&mut self, family: Family, padded: &[u8], length: usize) -> u32 {
        self.lexicon.begin_document();
        let seed = self.lexicon.seed();
        let keywords = Keywords::of(family);
        let mut lines = LineCounter::default();
        let first = self.ids.len() as u32;
        let mut words = 0;
        let mut at = 0;
        let mut line_here = 1;
        while at < length {
            if CLASSES[padded[at] as usize] == OTHER {
                line_here += u32::from(padded[at] == b'\n');
                at += 1;
                continue;
            }
            let start = at;
            let (end, next) = word_end(padded, at, length);
            at = next;
            if end == start {
                continue;
            }
            words += 1;
            let known = if end - start > WORD_BYTES_MAX { cut(padded, start) } else { end };
            let hash = seed.hash(padded, start, known);
            let id = self.lexicon.intern(&padded[start..known], hash);
            let fresh = self.ids.len() as u32;
            let place = self.lexicon.count(id, fresh);
            if place == fresh {
                self.ids.push(id);
                self.counts.push(1);
            } else {
                let count = &mut self.counts[place as usize];
                *count += u8::from(*count < COUNT_MAX);
            }
            if self.lexicon.documents(id) <= *LINED.end() && !is_keyword(id) {
                self.marks.all.push((place - first, line_here));
            }
            if is_keyword(id) && keywords.matters(id) {
                self.keyword(keywords, id, &padded[..length], start..end, &mut lines);
            }
        }
        if family.defines_by_shape() {
            self.shapes(family, &padded[..length]);
        }
        self.marks.write(self.ids.len() - first as usize, &mut self.lines);
        words
    }

    fn keyword(
        &mut self,
        keywords: &Keywords,
        id: u32,
        text: &[u8],
        at: Range<usize>,
        lines: &mut LineCounter,
    ) {
        let start = at.start;
        define::keyword(keywords, id, text, at, &mut |finding| match finding {
            Finding::Definition(name, kind) => {
                let line = lines.line(text, start);
                self.define(text, name, line, kind);
            }
            Finding::Import(name) => {
                let id = self.import_names.intern(name);
                self.imports.push(id);
            }
            Finding::Name(module, name) => {
                let id = self.import_names.intern(&format!("{module}:{name}"));
                self.imports.push(id);
            }
        });
    }

    fn shapes(&mut self, family: Family, text: &[u8]) {
        let mut line = 0;
        let mut start = 0;
        while start < text.len() {
            line += 1;
            let end = memchr::memchr(b'\n', &text[start..]).map_or(text.len(), |end| start + end);
            if let Some(name) = define::by_shape(family, &text[start..end]) {
                self.define(text, start + name.start..start + name.end, line, Kind::Function);
            }
            start = end + 1;
        }
    }

    fn define(&mut self, text: &[u8], name: Range<usize>, line: u32, kind: Kind) {
        if name.len() <= WORD_BYTES_MAX {
            let name = &text[name];
            let hash = self.lexicon.seed().hash_alone(name);
            let word = self.lexicon.intern(name, hash);
            self.definitions.push(Found { word, line, kind });
        }
    }

    /// The words of a source's only document, each with its count and [`DEFINES`].
    pub fn words(&self) -> impl Iterator<Item = (&[u8], u8)> + '_ {
        self.ids.iter().zip(&self.counts).map(|(id, count)| (self.lexicon.word(*id), *count))
    }

    /// The same for one word, which is known to the lexicon.
    pub fn count_of(&self, id: u32) -> Option<u8> {
        self.lexicon.place(id).map(|place| self.counts[place as usize])
    }

    /// About how many bytes of memory this takes.
    pub fn memory(&self) -> usize {
        self.lexicon.memory() + self.ids.len() * 5 + self.lines.len() + self.definitions.len() * 12
    }
}

/// The lines of one document's words, as they come.
#[derive(Debug, Clone, Default)]
struct Marks {
    /// The place of a word among the document's words, and a line, which is not before the one above.
    all: Vec<(u32, u32)>,
    /// For each of the document's words where its lines end among the sorted ones.
    ends: Vec<u32>,
    /// The lines, word by word.
    sorted: Vec<u32>,
}

impl Marks {
    /// Appends the lines of so many words; see [`Source::lines`].
    fn write(&mut self, words: usize, bytes: &mut Vec<u8>) {
        self.ends.clear();
        self.ends.resize(words + 1, 0);
        for (word, _) in &self.all {
            self.ends[*word as usize + 1] += 1;
        }
        let mut start = 0;
        for end in &mut self.ends {
            start += *end;
            *end = start;
        }
        self.sorted.resize(self.all.len(), 0);
        for (word, line) in &self.all {
            let next = &mut self.ends[*word as usize];
            self.sorted[*next as usize] = *line;
            *next += 1;
        }
        let mut start = 0;
        for end in &self.ends[..words] {
            push_lines(&self.sorted[start as usize..*end as usize], bytes);
            start = *end;
        }
        self.all.clear();
    }
}

/// Moves distinct values of a sorted slice to its front and returns how many there are.
fn dedup(sorted: &mut [u32]) -> usize {
    let mut kept = 0;
    for at in 0..sorted.len() {
        if kept == 0 || sorted[kept - 1] != sorted[at] {
            sorted[kept] = sorted[at];
            kept += 1;
        }
    }
    kept
}

const OTHER: u8 = 0;
const LETTER: u8 = 1;
const HIGH: u8 = 2;

static CLASSES: [u8; 256] = {
    let mut classes = [OTHER; 256];
    let mut byte = 0_u8;
    loop {
        classes[byte as usize] = match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'_' | b'0'..=b'9' => LETTER,
            0x80.. => HIGH,
            _ => OTHER,
        };
        if byte == u8::MAX {
            break;
        }
        byte += 1;
    }
    classes
};

/// The end of the word at `at`, and where to go on.
#[inline]
fn word_end(padded: &[u8], mut at: usize, length: usize) -> (usize, usize) {
    loop {
        while CLASSES[padded[at] as usize] == LETTER {
            at += 1;
        }
        if padded[at] < 0x80 || at >= length {
            return (at, at);
        }
        match first_char(&padded[at..length]) {
            Some((character, bytes)) if is_word(character) => at += bytes,
            Some((_, bytes)) => return (at, at + bytes),
            None => return (at, at + 1),
        }
    }
}

/// The end of the part by which a long word at `start` is known.
#[cold]
fn cut(padded: &[u8], start: usize) -> usize {
    let mut end = start + WORD_BYTES_MAX;
    while padded[end] & 0xC0 == 0x80 {
        end -= 1;
    }
    end
}

fn count_lines(text: &[u8]) -> u32 {
    let ends = memchr::memchr_iter(b'\n', text).count();
    let unended = usize::from(text.last().is_some_and(|last| *last != b'\n'));
    u32::try_from(ends + unended).unwrap_or(u32::MAX)
}

/// Tells the lines of places that come in order.
#[derive(Default)]
struct LineCounter {
    at: usize,
    ends: u32,
}

impl LineCounter {
    fn line(&mut self, text: &[u8], place: usize) -> u32 {
        if place > self.at {
            let between = memchr::memchr_iter(b'\n', &text[self.at..place]).count();
            self.ends += u32::try_from(between).unwrap_or(u32::MAX);
            self.at = place;
        }
        self.ends + 1
    }
}
