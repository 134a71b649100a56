//! What a file must have for a pattern to match in it, as far as words can tell.

use regex_syntax::hir::{Hir, HirKind};

use crate::files::text::{first_char, is_word};
use crate::index::snapshot::Snapshot;
use crate::lexer::lexicon::{WORD_BYTES_MAX, known_part};

/// A condition on the words of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Need {
    /// Words cannot tell.
    Nothing,
    /// A word that has this text in it, at its beginning or end if so said.
    Word {
        text: String,
        begins: bool,
        ends: bool,
    },
    All(Vec<Need>),
    Any(Vec<Need>),
}

/// A shorter piece of a word is in most files.
const PIECE_BYTES_MIN: usize = 3;

/// What a regular expression needs.
pub(crate) fn of_regex(pattern: &str) -> Need {
    let parsed = regex_syntax::ParserBuilder::new().utf8(false).multi_line(true).build().parse(pattern);
    parsed.map_or(Need::Nothing, |hir| of_hir(&hir))
}

/// What a text needs, which is to be found as a whole word or anywhere.
pub(crate) fn of_text(text: &str, whole_word: bool) -> Need {
    of_literal(text.as_bytes(), whole_word)
}

fn of_hir(hir: &Hir) -> Need {
    match hir.kind() {
        HirKind::Literal(literal) => of_literal(&literal.0, false),
        HirKind::Capture(capture) => of_hir(&capture.sub),
        HirKind::Repetition(repetition) if repetition.min > 0 => of_hir(&repetition.sub),
        HirKind::Concat(parts) => all(parts.iter().map(of_hir)),
        HirKind::Alternation(parts) => {
            let parts: Vec<Need> = parts.iter().map(of_hir).collect();
            if parts.contains(&Need::Nothing) { Need::Nothing } else { Need::Any(parts) }
        }
        _ => Need::Nothing,
    }
}

fn all(needs: impl Iterator<Item = Need>) -> Need {
    let mut needs: Vec<Need> = needs.filter(|need| *need != Need::Nothing).collect();
    match needs.len() {
        0 => Need::Nothing,
        1 => needs.remove(0),
        _ => Need::All(needs),
    }
}

/// The runs of word characters in a literal. What borders on something else within it is the end of a word.
fn of_literal(literal: &[u8], whole_word: bool) -> Need {
    let mut needs = Vec::new();
    let mut at = 0;
    while at < literal.len() {
        let start = at;
        let mut after = literal.len();
        while at < literal.len() {
            match first_char(&literal[at..]) {
                Some((character, bytes)) if is_word(character) => at += bytes,
                Some((_, bytes)) => {
                    after = at + bytes;
                    break;
                }
                // Bytes may join what is beside the literal to another character.
                None => return Need::Nothing,
            }
        }
        if at > start {
            let text = std::str::from_utf8(&literal[start..at]).unwrap_or_default().to_owned();
            let begins = start > 0 || whole_word;
            let ends = at < literal.len() || whole_word;
            if (begins && ends) || text.len() >= PIECE_BYTES_MIN {
                needs.push(Need::Word { text, begins, ends });
            }
        }
        at = after;
    }
    all(needs.into_iter())
}

/// The numbers of the files that fulfil a need, in order; `None` if that may be all.
pub(crate) fn files(need: &Need, snapshot: &Snapshot, ignore_case: bool) -> Option<Vec<u32>> {
    match need {
        Need::Nothing => None,
        Need::Word { text, begins: true, ends: true } if !ignore_case => {
            Some(snapshot.word(text).into_iter().map(|posting| posting.file).collect())
        }
        Need::Word { text, begins, ends } => {
            let piece = Piece::new(text, *begins, *ends, ignore_case);
            Some(snapshot.files_with(|word| piece.may_be_in(word)))
        }
        Need::All(needs) => {
            let found = needs.iter().filter_map(|need| files(need, snapshot, ignore_case));
            found
                .reduce(|all, more| all.into_iter().filter(|file| more.binary_search(file).is_ok()).collect())
        }
        Need::Any(needs) => {
            let mut all = Vec::new();
            for need in needs {
                all.extend(files(need, snapshot, ignore_case)?);
            }
            all.sort_unstable();
            all.dedup();
            Some(all)
        }
    }
}

/// A piece of a word to look for among all words.
struct Piece {
    text: Vec<u8>,
    begins: bool,
    ends: bool,
    ignore_case: bool,
    finder: memchr::memmem::Finder<'static>,
}

impl Piece {
    fn new(text: &str, begins: bool, ends: bool, ignore_case: bool) -> Self {
        let text = if ignore_case { text.to_ascii_lowercase() } else { text.to_owned() }.into_bytes();
        let finder = memchr::memmem::Finder::new(&text).into_owned();
        Self { text, begins, ends, ignore_case, finder }
    }

    /// True if the word, or one that is known by it, may have the piece.
    fn may_be_in(&self, word: &[u8]) -> bool {
        if self.ignore_case {
            // Letters of other alphabets may be the same but for case as some of ASCII.
            let plain = word.is_ascii() && self.text.is_ascii();
            return !plain || self.is_in(&word.to_ascii_lowercase());
        }
        self.is_in(word)
    }

    fn is_in(&self, word: &[u8]) -> bool {
        // Four bytes less than the bound: a word is cut between characters.
        if word.len() > WORD_BYTES_MAX - 4 {
            return !self.begins || word.starts_with(known_bytes(&self.text)) || self.text.starts_with(word);
        }
        match (self.begins, self.ends) {
            (true, true) => word == self.text,
            (true, false) => word.starts_with(&self.text),
            (false, true) => word.ends_with(&self.text),
            (false, false) => self.finder.find(word).is_some(),
        }
    }
}

fn known_bytes(text: &[u8]) -> &[u8] {
    std::str::from_utf8(text).map_or(text, |text| known_part(text).as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(text: &str, begins: bool, ends: bool) -> Need {
        Need::Word { text: text.to_owned(), begins, ends }
    }

    #[test]
    fn literals_need_words_and_pieces_of_words() {
        assert_eq!(of_text("name", true), word("name", true, true));
        assert_eq!(of_text("name", false), word("name", false, false));
        assert_eq!(of_text("(name)", false), word("name", true, true));
        assert_eq!(of_text("->", false), Need::Nothing);
        assert_eq!(of_text("i", false), Need::Nothing);
        let both = Need::All(vec![word("self", false, true), word("name", true, false)]);
        assert_eq!(of_text("self.name", false), both);
    }

    #[test]
    fn expressions_need_what_cannot_be_left_out() {
        assert_eq!(
            of_regex(r"def\s+(\w+)_handler\("),
            Need::All(vec![word("def", false, false), word("_handler", false, true)])
        );
        assert_eq!(
            of_regex("left|right"),
            Need::Any(vec![word("left", false, false), word("right", false, false)])
        );
        assert_eq!(of_regex("left|.*"), Need::Nothing);
        assert_eq!(of_regex("(name)?x*"), Need::Nothing);
        assert_eq!(of_regex("(name)+"), word("name", false, false));
        assert_eq!(of_regex("(?i)name"), Need::Nothing);
        assert_eq!(of_regex("("), Need::Nothing);
    }
}
