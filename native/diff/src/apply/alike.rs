//! When two lines are alike, and which tolerances that needs.

use std::borrow::Cow;

use super::text::indent_of;
use super::tolerances::{Tolerance, Tolerances};

/// The plain character that a typographic one stands for; `None` for one that nobody sees.
fn plain(c: char) -> Option<char> {
    Some(match c {
        '\u{2018}'..='\u{201b}' | '\u{2032}' | '\u{00b4}' => '\'',
        '\u{201c}'..='\u{201f}' | '\u{2033}' => '"',
        '\u{2010}'..='\u{2015}' | '\u{2212}' => '-',
        '\u{00a0}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}' => ' ',
        '\u{200b}' | '\u{2060}' | '\u{feff}' => return None,
        other => other,
    })
}

/// Whether a text has characters that [`plain`] changes.
fn has_typography(text: &str) -> bool {
    !text.is_ascii() && text.chars().any(|c| plain(c) != Some(c))
}

/// The text with plain characters for typographic ones.
pub fn plainly(text: &str) -> Cow<'_, str> {
    if has_typography(text) {
        Cow::Owned(text.chars().filter_map(plain).collect())
    } else {
        Cow::Borrowed(text)
    }
}

/// Kinds of typographic characters: quotes, dashes, blanks, and those that nobody sees.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Typography(u8);

impl Typography {
    fn kind(c: char) -> Self {
        Self(match plain(c) {
            _ if c.is_ascii() => 0,
            Some('\'' | '"') => 1,
            Some('-') => 2,
            Some(' ') => 4,
            None => 8,
            Some(_) => 0,
        })
    }

    /// The kinds that a text has.
    pub fn of(text: &str) -> Self {
        if text.is_ascii() {
            return Self(0);
        }
        text.chars().fold(Self(0), |all, c| all.union(Self::kind(c)))
    }

    pub fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    pub fn is_none(self) -> bool {
        self.0 == 0
    }

    /// The text with plain characters for those of these kinds.
    pub fn plainly(self, text: &str) -> Cow<'_, str> {
        let of_these = |c: char| Self::kind(c).0 & self.0 != 0;
        if self.is_none() || text.is_ascii() || !text.chars().any(of_these) {
            return Cow::Borrowed(text);
        }
        Cow::Owned(text.chars().filter_map(|c| if of_these(c) { plain(c) } else { Some(c) }).collect())
    }
}

/// The indentation of a line, typographic blanks as plain ones.
pub fn plain_indent(line: &str) -> Cow<'_, str> {
    if line.is_ascii() {
        return Cow::Borrowed(indent_of(line));
    }
    match plainly(line) {
        Cow::Borrowed(line) => Cow::Borrowed(indent_of(line)),
        Cow::Owned(line) => Cow::Owned(indent_of(&line).to_owned()),
    }
}

/// A number that is equal for all lines that are alike in the loosest sense: without white space around, each
/// white space within as one blank, typography as plain characters. Zero for blank lines only.
pub fn key(line: &str) -> u64 {
    let line = plainly(line);
    let mut hash = Hash::default();
    let mut words = line.split_ascii_whitespace();
    if let Some(first) = words.next() {
        hash.add(first.as_bytes());
        for word in words {
            hash.add(b" ");
            hash.add(word.as_bytes());
        }
        return hash.0 | 1;
    }
    0
}

/// A fast hash of short byte strings that depends on where they are cut only by their content.
#[derive(Default)]
struct Hash(u64);

impl Hash {
    fn add(&mut self, bytes: &[u8]) {
        const FACTOR: u64 = 0xf135_7aea_2e62_a9c5;
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            let mixed = (self.0 ^ u64::from_le_bytes(word)).wrapping_mul(FACTOR);
            self.0 = mixed ^ (mixed >> 29);
        }
        self.0 = self.0.wrapping_add(bytes.len() as u64);
    }
}

/// What makes the two lines alike apart from their indentation; `None` if they are not.
pub fn alike(file: &str, edit: &str) -> Option<Tolerances> {
    if file == edit {
        return Some(Tolerances::NOTHING);
    }
    let mut tolerances = Tolerances::NOTHING;
    if trailing(file) != trailing(edit) {
        tolerances = tolerances.with(Tolerance::TrailingBlanks);
    }
    let (file, edit) = (file.trim_matches([' ', '\t']), edit.trim_matches([' ', '\t']));
    if file == edit {
        return Some(tolerances);
    }
    let (file, edit) = if has_typography(file) || has_typography(edit) {
        tolerances = tolerances.with(Tolerance::LookAlikes);
        (plainly(file), plainly(edit))
    } else {
        (Cow::Borrowed(file), Cow::Borrowed(edit))
    };
    let (file, edit) = (file.trim(), edit.trim());
    if file == edit {
        return Some(tolerances);
    }
    file.split_ascii_whitespace()
        .eq(edit.split_ascii_whitespace())
        .then(|| tolerances.with(Tolerance::InnerBlanks))
}

fn trailing(line: &str) -> &str {
    &line[line.trim_end_matches([' ', '\t']).len()..]
}

/// How much of two lines is the same, from 0 to 100: what they share at their beginning and end, and in words.
pub fn similarity(a: &str, b: &str) -> usize {
    let (a, b) = (a.trim(), b.trim());
    if a == b {
        return 100;
    }
    if a.is_empty() || b.is_empty() {
        return 0;
    }
    let (x, y) = (a.as_bytes(), b.as_bytes());
    let prefix = x.iter().zip(y).take_while(|(x, y)| x == y).count();
    let suffix = x[prefix..].iter().rev().zip(y[prefix..].iter().rev()).take_while(|(x, y)| x == y).count();
    let ends = 200 * (prefix + suffix) / (x.len() + y.len());
    ends.max(shared_words(a, b))
}

fn shared_words(a: &str, b: &str) -> usize {
    let words = |text: &str| -> Vec<String> {
        let split = text.split(|c: char| !c.is_alphanumeric());
        let mut words: Vec<_> = split.filter(|word| !word.is_empty()).map(str::to_owned).collect();
        words.sort_unstable();
        words
    };
    let (a, b) = (words(a), words(b));
    let (mut i, mut j, mut shared) = (0, 0, 0);
    while i < a.len() && j < b.len() {
        match a[i].cmp(&b[j]) {
            std::cmp::Ordering::Less => i += 1,
            std::cmp::Ordering::Greater => j += 1,
            std::cmp::Ordering::Equal => {
                shared += 1;
                i += 1;
                j += 1;
            }
        }
    }
    if a.is_empty() || b.is_empty() { 0 } else { 200 * shared / (a.len() + b.len()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_ignore_what_can_be_forgiven() {
        assert_eq!(key("a  = 'b' "), key("\ta = \u{2018}b\u{2019}"));
        assert_eq!(key("\u{a0}a\u{a0}b"), key("a b"));
        assert_eq!(key(" \t"), 0);
        assert_ne!(key("ab"), key("a b"));
        assert_ne!(key("a"), key("A"));
        assert_ne!(key("abcdefgh ij"), key("abcdefghi j"));
    }

    #[test]
    fn alike_says_what_was_forgiven() {
        let names = |file, edit| alike(file, edit).map(|f| f.iter().map(Tolerance::name).collect::<Vec<_>>());
        assert_eq!(names("a", "a"), Some(vec![]));
        assert_eq!(names("a ", "a"), Some(vec!["trailing_blanks"]));
        assert_eq!(names("  a", "a"), Some(vec![]));
        assert_eq!(names("a  b", "a b"), Some(vec!["inner_blanks"]));
        assert_eq!(names("\u{201c}a\u{201d}", "\"a\""), Some(vec!["look_alikes"]));
        assert_eq!(names("ab", "a b"), None);
    }

    #[test]
    fn similar_lines() {
        assert!(similarity("router.LoadFiles(\"x\")", "router.old_LoadFiles(\"x\")") > 80);
        assert!(similarity("return a", "import os") < 40);
    }
}
