//! Where two texts differ.

use imara_diff::{Algorithm, Diff, InternedInput};

use crate::lines::split_lines;

/// Lines `old_start .. old_start + old_len` of the old text become lines `new_start .. new_start + new_len`
/// of the new one. The first line is 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hunk {
    /// First line in the old text; an insertion stands before this line.
    pub old_start: u32,
    /// How many lines of the old text go.
    pub old_len: u32,
    /// First line in the new text.
    pub new_start: u32,
    /// How many lines of the new text come.
    pub new_len: u32,
}

/// Returns the differing lines in order; hunks neither overlap nor touch. A line includes its end, so a
/// changed line end is a changed line.
///
/// ```
/// use wainwright_diff::{Hunk, line_hunks};
///
/// let inserted = Hunk { old_start: 1, old_len: 0, new_start: 1, new_len: 1 };
/// assert_eq!(line_hunks("a\nc\n", "a\nb\nc\n"), [inserted]);
/// ```
#[must_use]
pub fn line_hunks(old: &str, new: &str) -> Vec<Hunk> {
    hunks_of(&split_lines(old), &split_lines(new))
}

pub fn hunks_of(old: &[&str], new: &[&str]) -> Vec<Hunk> {
    compare(old, new, Algorithm::Histogram, true)
}

/// Compares lines; with `readable` a hunk that could stand in several places stands where a person would put it.
pub fn compare(old: &[&str], new: &[&str], algorithm: Algorithm, readable: bool) -> Vec<Hunk> {
    let mut input = InternedInput::default();
    input.update_before(old.iter().copied());
    input.update_after(new.iter().copied());
    let mut diff = Diff::compute(algorithm, &input);
    if readable {
        diff.postprocess_lines(&input);
    } else {
        diff.postprocess_no_heuristic(&input);
    }
    diff.hunks()
        .map(|hunk| Hunk {
            old_start: hunk.before.start,
            old_len: hunk.before.end - hunk.before.start,
            new_start: hunk.after.start,
            new_len: hunk.after.end - hunk.after.start,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(old: &str, new: &str, expected: &[(u32, u32, u32, u32)]) {
        let hunks: Vec<_> = line_hunks(old, new)
            .into_iter()
            .map(|h| (h.old_start, h.old_len, h.new_start, h.new_len))
            .collect();
        assert_eq!(hunks, expected, "{old:?} -> {new:?}");
    }

    #[test]
    fn hunks() {
        check("", "", &[]);
        check("a\nb\n", "a\nb\n", &[]);
        check("", "a\nb", &[(0, 0, 0, 2)]);
        check("a\nb", "", &[(0, 2, 0, 0)]);
        check("a\nb\nc\n", "a\nx\nc\n", &[(1, 1, 1, 1)]);
        check("a\nc\n", "a\nb\nc\n", &[(1, 0, 1, 1)]);
        check("a\rb\rc", "a\rx\rc", &[(1, 1, 1, 1)]);
        check("a\n", "a\r\n", &[(0, 1, 0, 1)]);
        check("a", "a\n", &[(0, 1, 0, 1)]);
        check("a\u{2028}b\u{c}c", "a\u{2028}b\u{c}d", &[(0, 1, 0, 1)]);
        check("a\nb\nc\nd\n", "x\na\nb\nc\ny\n", &[(0, 0, 0, 1), (3, 1, 4, 1)]);
    }

    proptest! {
        #[test]
        fn hunks_put_in_give_the_new_text(old in "[ab\u{e9}\n\r]{0,24}", new in "[ab\u{e9}\n\r]{0,24}") {
            let hunks = line_hunks(&old, &new);
            let (mut lines, come) = (split_lines(&old), split_lines(&new));
            for hunk in hunks.iter().rev() {
                let gone = hunk.old_start as usize..(hunk.old_start + hunk.old_len) as usize;
                let here = hunk.new_start as usize..(hunk.new_start + hunk.new_len) as usize;
                lines.splice(gone, come[here].iter().copied());
            }
            prop_assert_eq!(lines.concat(), new);
            prop_assert!(hunks.windows(2).all(|pair| pair[0].old_start + pair[0].old_len < pair[1].old_start));
        }
    }
}
