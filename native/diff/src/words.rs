//! Which words of two texts differ: for the lines of one hunk, to show what changed in them.

use std::ops::Range;

use imara_diff::{Algorithm, Diff, InternedInput};

/// Bytes of an old text that become bytes of a new one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WordHunk {
    /// Bytes of the old text; empty for an insertion.
    pub old: Range<usize>,
    /// Bytes of the new text; empty for a deletion.
    pub new: Range<usize>,
}

/// Returns the differing words in order. A word is a run of letters, digits and `_`, or a run of white space, or
/// one other character.
///
/// ```
/// use wainwright_diff::word_hunks;
///
/// let hunks = word_hunks("let a = one(b);", "let a = two(b);");
/// assert_eq!((hunks.len(), &hunks[0].old, &hunks[0].new), (1, &(8..11), &(8..11)));
/// ```
#[must_use]
pub fn word_hunks(old: &str, new: &str) -> Vec<WordHunk> {
    let (before, after) = (words(old), words(new));
    let mut input = InternedInput::default();
    input.update_before(before.iter().map(|range| &old[range.clone()]));
    input.update_after(after.iter().map(|range| &new[range.clone()]));
    let mut diff = Diff::compute(Algorithm::Myers, &input);
    diff.postprocess_no_heuristic(&input);
    let bytes = |words: &[Range<usize>], range: Range<u32>, length: usize| {
        let start = words.get(range.start as usize).map_or(length, |word| word.start);
        let end = if range.is_empty() { start } else { words[range.end as usize - 1].end };
        start..end
    };
    diff.hunks()
        .map(|hunk| WordHunk {
            old: bytes(&before, hunk.before, old.len()),
            new: bytes(&after, hunk.after, new.len()),
        })
        .collect()
}

fn words(text: &str) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    let mut last = Class::Other;
    for (at, c) in text.char_indices() {
        let class = Class::of(c);
        let end = at + c.len_utf8();
        match found.last_mut() {
            Some(word) if class == last && class != Class::Other => word.end = end,
            _ => found.push(at..end),
        }
        last = class;
    }
    found
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Word,
    Blank,
    Other,
}

impl Class {
    fn of(c: char) -> Self {
        match c {
            c if c.is_alphanumeric() || c == '_' => Self::Word,
            c if c.is_whitespace() => Self::Blank,
            _ => Self::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn words_put_in_give_the_new_text(old in "[ab_ (é\n]{0,20}", new in "[ab_ (é\n]{0,20}") {
            let mut text = old.clone();
            for hunk in word_hunks(&old, &new).into_iter().rev() {
                text.replace_range(hunk.old, &new[hunk.new]);
            }
            prop_assert_eq!(text, new);
        }
    }
}
