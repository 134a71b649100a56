//! Three-way merge of texts, with conflicts as data.

use std::ops::Range;

use imara_diff::Algorithm;

use crate::hunks::{Hunk, compare};
use crate::lines::split_lines;

/// Lines of the three texts that belong together; the first line is 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Lines of the text that both sides started from.
    pub base: Range<u32>,
    /// What one side made of them.
    pub ours: Range<u32>,
    /// What the other side made of them.
    pub theirs: Range<u32>,
    /// Whose lines count.
    pub side: Side,
}

/// Whose lines count in a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// All three have the same lines, or both sides made the same of them.
    Both,
    /// Only this side changed them.
    Ours,
    /// Only the other side changed them.
    Theirs,
    /// Both changed them, each in its way.
    Conflict,
}

/// A merge of two changed texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merge {
    /// All lines of the three texts, in order.
    pub parts: Vec<Part>,
    text: Option<String>,
}

impl Merge {
    /// Both changes together; `None` if there is a conflict.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        self.text.as_deref()
    }

    /// The parts that somebody has to decide about.
    pub fn conflicts(&self) -> impl Iterator<Item = &Part> {
        self.parts.iter().filter(|part| part.side == Side::Conflict)
    }
}

/// Merges what two sides made of a text. Changes that overlap or touch are a conflict, unless they are the same.
///
/// ```
/// let merge = wainwright_diff::merge("a\nb\nc\n", "A\nb\nc\n", "a\nb\nC\n");
/// assert_eq!(merge.text(), Some("A\nb\nC\n"));
/// ```
#[must_use]
pub fn merge(base: &str, ours: &str, theirs: &str) -> Merge {
    let (base, ours, theirs) = (split_lines(base), split_lines(ours), split_lines(theirs));
    let mine = compare(&base, &ours, Algorithm::Myers, false);
    let other = compare(&base, &theirs, Algorithm::Myers, false);
    let mut parts = Vec::new();
    let mut at = Cursor::default();
    let (mut i, mut j) = (0, 0);
    while i < mine.len() || j < other.len() {
        let start = starts(&mine, i).min(starts(&other, j));
        at.same_until(start, &mut parts);
        // All changes that touch one another, from either side.
        let mut end = start;
        let (first_i, first_j) = (i, j);
        loop {
            if i < mine.len() && mine[i].old_start <= end {
                end = end.max(mine[i].old_start + mine[i].old_len);
                i += 1;
            } else if j < other.len() && other[j].old_start <= end {
                end = end.max(other[j].old_start + other[j].old_len);
                j += 1;
            } else {
                break;
            }
        }
        let grown =
            |hunks: &[Hunk]| hunks.iter().map(|h| i64::from(h.new_len) - i64::from(h.old_len)).sum::<i64>();
        let after = |start: u32, grown: i64| {
            u32::try_from(i64::from(start) + i64::from(end - at.base) + grown).unwrap_or(u32::MAX)
        };
        let ours_end = after(at.ours, grown(&mine[first_i..i]));
        let theirs_end = after(at.theirs, grown(&other[first_j..j]));
        let part =
            |side| Part { base: at.base..end, ours: at.ours..ours_end, theirs: at.theirs..theirs_end, side };
        let same = lines(&ours, &(at.ours..ours_end)) == lines(&theirs, &(at.theirs..theirs_end));
        parts.push(part(match (i > first_i, j > first_j) {
            (true, true) if same => Side::Both,
            (true, true) => Side::Conflict,
            (true, false) => Side::Ours,
            _ => Side::Theirs,
        }));
        at = Cursor { base: end, ours: ours_end, theirs: theirs_end };
    }
    at.same_until(u32::try_from(base.len()).unwrap_or(u32::MAX), &mut parts);
    let clean = parts.iter().all(|part| part.side != Side::Conflict);
    let text = clean.then(|| {
        parts
            .iter()
            .flat_map(|part| match part.side {
                Side::Theirs => lines(&theirs, &part.theirs),
                _ => lines(&ours, &part.ours),
            })
            .copied()
            .collect()
    });
    Merge { parts, text }
}

fn starts(hunks: &[Hunk], at: usize) -> u32 {
    hunks.get(at).map_or(u32::MAX, |hunk| hunk.old_start)
}

fn lines<'a, 'b>(all: &'a [&'b str], range: &Range<u32>) -> &'a [&'b str] {
    all.get(range.start as usize..range.end as usize).unwrap_or_default()
}

/// The next line of each text.
#[derive(Debug, Clone, Copy, Default)]
struct Cursor {
    base: u32,
    ours: u32,
    theirs: u32,
}

impl Cursor {
    fn same_until(&mut self, base: u32, parts: &mut Vec<Part>) {
        let count = base - self.base;
        if count > 0 {
            parts.push(Part {
                base: self.base..base,
                ours: self.ours..self.ours + count,
                theirs: self.theirs..self.theirs + count,
                side: Side::Both,
            });
            *self = Self { base, ours: self.ours + count, theirs: self.theirs + count };
        }
    }
}

/// Brings changes of a text to what other changes made of it: `hunks` and `over` both start from the same text.
///
/// # Errors
/// The index of the first hunk that overlaps or touches one of the others.
pub fn rebase(hunks: &[Hunk], over: &[Hunk]) -> Result<Vec<Hunk>, usize> {
    let mut moved = Vec::with_capacity(hunks.len());
    let mut grown = 0_i64;
    for (index, hunk) in hunks.iter().enumerate() {
        let mut shift = 0_i64;
        for other in over {
            if other.old_start + other.old_len < hunk.old_start {
                shift += i64::from(other.new_len) - i64::from(other.old_len);
            } else if hunk.old_start + hunk.old_len >= other.old_start {
                return Err(index);
            }
        }
        let old_start = i64::from(hunk.old_start) + shift;
        let line = |at: i64| u32::try_from(at).map_err(|_| index);
        moved.push(Hunk { old_start: line(old_start)?, new_start: line(old_start + grown)?, ..*hunk });
        grown += i64::from(hunk.new_len) - i64::from(hunk.old_len);
    }
    Ok(moved)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::hunks::line_hunks;

    fn sides(base: &str, ours: &str, theirs: &str) -> Vec<Side> {
        merge(base, ours, theirs).parts.into_iter().map(|part| part.side).collect()
    }

    #[test]
    fn changes_of_both_sides() {
        assert_eq!(merge("a\nb\nc\n", "x\na\nb\nc\n", "a\nb\n").text(), Some("x\na\nb\n"));
        assert_eq!(merge("a\n", "a\nb\n", "a\nb\n").text(), Some("a\nb\n"));
        assert_eq!(merge("", "", "").text(), Some(""));
        assert_eq!(sides("a\nb\nc\n", "a\nx\nc\n", "a\ny\nc\n"), [Side::Both, Side::Conflict, Side::Both]);
        // Lines that touch are one place.
        assert_eq!(sides("a\nb\n", "x\nb\n", "a\ny\n"), [Side::Conflict]);
    }

    #[test]
    fn conflicts_name_the_lines_of_all_three() {
        let merge = merge("a\nb\nc\n", "a\nx\nx\nc\n", "a\nc\n");
        let conflict = merge.conflicts().next().unwrap();
        assert_eq!((&conflict.base, &conflict.ours, &conflict.theirs), (&(1..2), &(1..3), &(1..1)));
    }

    fn text() -> impl Strategy<Value = String> {
        let line = prop_oneof![Just("a\n"), Just("b\n"), Just("c\n"), Just("d\n"), Just("e\r\n"), Just("\n")];
        prop::collection::vec(line, 0..14).prop_map(|lines| lines.concat())
    }

    proptest! {
        #[test]
        fn a_side_that_changed_nothing_yields(base in text(), ours in text()) {
            let one = merge(&base, &ours, &base);
            prop_assert_eq!(one.text(), Some(ours.as_str()));
            let other = merge(&base, &base, &ours);
            prop_assert_eq!(other.text(), Some(ours.as_str()));
            let same = merge(&base, &ours, &ours);
            prop_assert_eq!(same.text(), Some(ours.as_str()));
        }

        #[test]
        fn all_lines_are_in_the_parts(base in text(), ours in text(), theirs in text()) {
            let merge = merge(&base, &ours, &theirs);
            let mut ends = (0, 0, 0);
            for part in &merge.parts {
                prop_assert_eq!((part.base.start, part.ours.start, part.theirs.start), ends);
                ends = (part.base.end, part.ours.end, part.theirs.end);
            }
            let count = |text: &str| u32::try_from(split_lines(text).len()).unwrap();
            prop_assert_eq!(ends, (count(&base), count(&ours), count(&theirs)));
        }

        #[test]
        fn rebased_hunks_make_of_the_other_text_what_the_merge_is(base in text(), ours in text(), theirs in text()) {
            let (mine, other) = (line_hunks(&base, &ours), line_hunks(&base, &theirs));
            if let Ok(moved) = rebase(&mine, &other) {
                let (new, mut lines) = (split_lines(&ours), split_lines(&theirs));
                for (hunk, was) in moved.iter().zip(&mine).rev() {
                    let (start, end) = (hunk.old_start as usize, (hunk.old_start + hunk.old_len) as usize);
                    let come = was.new_start as usize..(was.new_start + was.new_len) as usize;
                    lines.splice(start..end, new[come].iter().copied());
                }
                let back = rebase(&other, &mine).map(|hunks| hunks.len());
                prop_assert_eq!(back, Ok(other.len()));
                prop_assert_eq!(lines.len() + split_lines(&base).len(), new.len() + split_lines(&theirs).len());
            }
        }
    }
}
