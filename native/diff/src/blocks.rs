//! Edits as a model writes them: a text to find and the text to put there.

use std::borrow::Cow;
use std::ops::Range;

use crate::lines::{split_end, split_lines};
use crate::nearest::{PLACE_LINES_MAX, nearest};

/// How many places are named when a search text is found more than once.
pub const PLACES_MAX: usize = 5;

/// One edit: `search` is to be found exactly once and becomes `replace`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Block<'a> {
    /// The text that is there. Empty stands for the whole of an empty file.
    pub search: &'a str,
    /// The text that shall be there.
    pub replace: &'a str,
}

/// Why a block was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// The search text is not there.
    Missing,
    /// The search text is there more than once.
    Ambiguous,
    /// The search text is empty, but the file is not.
    Empty,
}

/// Some lines of the given text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Number of the first line; the first line of a text is 1.
    pub line: u32,
    /// The lines, at most [`PLACE_LINES_MAX`], with their ends.
    pub text: String,
}

/// A block that could not be applied, with what is needed to write a better one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Index of the block, from 0.
    pub block: usize,
    /// Why.
    pub reason: Reason,
    /// In the text as it was given: for a missing text the most similar lines, if any are similar; for an
    /// ambiguous one the first [`PLACES_MAX`] places where it stands.
    pub places: Vec<Place>,
}

/// Applies all blocks, each to the outcome of those before it, or none of them.
///
/// A search text is looked for byte by byte first, anywhere. Only if it is nowhere, whole lines are compared
/// and these differences forgiven: white space at the end of a line, the kind of line end (and its absence at
/// the end of the file), and, if that is not enough, one indentation that all lines have in addition or all
/// lines lack; the replacement is then indented likewise. The replacement takes over the line ends of the
/// file, except where a search text that holds line ends was found byte by byte.
///
/// ```
/// use wainwright_diff::{Block, Reason, apply_blocks};
///
/// let text = "if ready:\r\n    start()\r\n";
/// let block = Block { search: "start()\n", replace: "log()\nstart()\n" };
/// assert_eq!(apply_blocks(text, &[block]).unwrap(), "if ready:\r\n    log()\r\n    start()\r\n");
///
/// let refusal = apply_blocks(text, &[Block { search: "stop()", replace: "" }]).unwrap_err();
/// assert_eq!(refusal.reason, Reason::Missing);
/// ```
///
/// # Errors
/// The first block that was refused.
pub fn apply_blocks(text: &str, blocks: &[Block<'_>]) -> Result<String, Refusal> {
    let mut edited = text.to_owned();
    for (index, block) in blocks.iter().enumerate() {
        let (range, replacement) = locate(&edited, block).map_err(|reason| Refusal {
            block: index,
            reason,
            places: places(text, block.search, reason),
        })?;
        edited.replace_range(range, &replacement);
    }
    Ok(edited)
}

/// Where the block belongs, and the text to put there.
fn locate<'a>(text: &str, block: &Block<'a>) -> Result<(Range<usize>, Cow<'a, str>), Reason> {
    if block.search.is_empty() {
        return if text.is_empty() { Ok((0..0, Cow::Borrowed(block.replace))) } else { Err(Reason::Empty) };
    }
    match matches(text, block.search).as_slice() {
        [] => Err(Reason::Missing),
        [only] => match only.replacement(text, block) {
            Some(replacement) => Ok((only.range.clone(), replacement)),
            None => Err(Reason::Missing),
        },
        _ => Err(Reason::Ambiguous),
    }
}

/// A place where the search text stands.
#[derive(Debug)]
struct Match<'a> {
    range: Range<usize>,
    how: How<'a>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How<'a> {
    /// Byte by byte.
    Exact,
    /// Line by line.
    Lines {
        shift: Shift<'a>,
        /// The last line ends where the file ends, though the search text has a line end there.
        cut_short: bool,
    },
}

/// How the indentation of the file differs from that of the search text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shift<'a> {
    None,
    /// Each line of the file has this in addition.
    Deeper(&'a str),
    /// Each line of the file lacks this.
    Shallower(&'a str),
}

/// The first places of the search text; at most [`PLACES_MAX`].
fn matches<'a>(text: &'a str, search: &'a str) -> Vec<Match<'a>> {
    let exact = exact_matches(text, search);
    if exact.is_empty() { line_matches(text, search) } else { exact }
}

fn exact_matches<'a>(text: &str, search: &str) -> Vec<Match<'a>> {
    let mut found = Vec::new();
    let mut from = 0;
    // Overlapping places count too: each of them could be meant.
    let step = search.chars().next().map_or(1, char::len_utf8);
    while found.len() < PLACES_MAX {
        let Some(at) = text.get(from..).and_then(|rest| rest.find(search)) else {
            break;
        };
        let start = from + at;
        found.push(Match { range: start..start + search.len(), how: How::Exact });
        from = start + step;
    }
    found
}

/// Places in the same indentation; if there are none, places in another.
fn line_matches<'a>(text: &'a str, search: &'a str) -> Vec<Match<'a>> {
    let lines = split_lines(text);
    let bodies: Vec<_> = lines.iter().copied().map(body).collect();
    let wanted_lines = split_lines(search);
    let wanted: Vec<_> = wanted_lines.iter().copied().map(body).collect();
    if wanted.iter().all(|body| body.is_empty()) {
        return Vec::new();
    }
    let wants_end = wanted_lines.last().is_some_and(|line| !split_end(line).1.is_empty());
    let mut same = Vec::new();
    let mut shifted = Vec::new();
    let mut start = 0;
    for (window, bodies) in lines.windows(wanted.len()).zip(bodies.windows(wanted.len())) {
        if let Some(shift) = shift_between(bodies, &wanted) {
            let found = if shift == Shift::None { &mut same } else { &mut shifted };
            if found.len() < PLACES_MAX {
                found.push(window_match(window, start, shift, wants_end));
            }
        }
        start += window[0].len();
    }
    if same.is_empty() { shifted } else { same }
}

fn window_match<'a>(window: &[&str], start: usize, shift: Shift<'a>, wants_end: bool) -> Match<'a> {
    let last_end = window.last().map_or("", |line| split_end(line).1);
    let whole: usize = window.iter().map(|line| line.len()).sum();
    let length = if wants_end { whole } else { whole - last_end.len() };
    Match {
        range: start..start + length,
        how: How::Lines { shift, cut_short: wants_end && last_end.is_empty() },
    }
}

/// A line without its end and without white space before it.
fn body(line: &str) -> &str {
    split_end(line).0.trim_end_matches(is_indent)
}

fn is_indent(c: char) -> bool {
    matches!(c, ' ' | '\t')
}

/// The one shift that makes all lines equal, if there is one. Blank lines fit any shift.
fn shift_between<'a>(file: &[&'a str], search: &[&'a str]) -> Option<Shift<'a>> {
    let mut common = None;
    for (file, search) in file.iter().zip(search) {
        if file.is_empty() && search.is_empty() {
            continue;
        }
        let shift = line_shift(file, search)?;
        if *common.get_or_insert(shift) != shift {
            return None;
        }
    }
    common
}

fn line_shift<'a>(file: &'a str, search: &'a str) -> Option<Shift<'a>> {
    if file == search {
        return Some(Shift::None);
    }
    let (long, short, shift): (_, _, fn(&'a str) -> Shift<'a>) = if file.len() > search.len() {
        (file, search, Shift::Deeper)
    } else {
        (search, file, Shift::Shallower)
    };
    let prefix = long.strip_suffix(short)?;
    prefix.chars().all(is_indent).then(|| shift(prefix))
}

impl Match<'_> {
    /// The text to put here; `None` if a line of it cannot be indented like the place.
    fn replacement<'a>(&self, text: &str, block: &Block<'a>) -> Option<Cow<'a, str>> {
        match self.how {
            How::Exact if block.search.contains(['\n', '\r']) => Some(Cow::Borrowed(block.replace)),
            How::Exact => Some(match only_end(text) {
                Some(end) => Cow::Owned(rewrite(block.replace, Shift::None, end)?),
                None => Cow::Borrowed(block.replace),
            }),
            How::Lines { shift, cut_short } => {
                let end = first_end(&text[self.range.start..]).or_else(|| first_end(text)).unwrap_or("\n");
                let mut replacement = rewrite(block.replace, shift, end)?;
                if cut_short && replacement.ends_with(end) {
                    replacement.truncate(replacement.len() - end.len());
                }
                Some(Cow::Owned(replacement))
            }
        }
    }
}

/// The replacement in the indentation and with the line ends of the place.
fn rewrite(replace: &str, shift: Shift<'_>, new_end: &str) -> Option<String> {
    let mut out = String::with_capacity(replace.len());
    for line in split_lines(replace) {
        let (text, end) = split_end(line);
        match shift {
            Shift::None => out.push_str(text),
            _ if body(text).is_empty() => {}
            Shift::Deeper(prefix) => out.extend([prefix, text]),
            Shift::Shallower(prefix) => out.push_str(text.strip_prefix(prefix)?),
        }
        if !end.is_empty() {
            out.push_str(new_end);
        }
    }
    Some(out)
}

/// The first line end of a text.
fn first_end(text: &str) -> Option<&str> {
    let at = text.find(['\n', '\r'])?;
    let length = if text[at..].starts_with("\r\n") { 2 } else { 1 };
    Some(&text[at..at + length])
}

/// The line end that all lines of a text have.
fn only_end(text: &str) -> Option<&str> {
    let first = first_end(text)?;
    split_lines(text)
        .into_iter()
        .map(|line| split_end(line).1)
        .all(|end| end == first || end.is_empty())
        .then_some(first)
}

fn places(text: &str, search: &str, reason: Reason) -> Vec<Place> {
    let found = match reason {
        Reason::Empty => return Vec::new(),
        Reason::Missing => Vec::new(),
        Reason::Ambiguous => matches(text, search),
    };
    let lines = split_lines(text);
    if found.is_empty() {
        // Also for a text that stands twice only in what earlier blocks made: the caller knows the text as it
        // was given.
        return nearest(&lines, &split_lines(search)).map(|range| place(&lines, range)).into_iter().collect();
    }
    let mut ends = Vec::with_capacity(lines.len());
    for line in &lines {
        ends.push(ends.last().copied().unwrap_or(0) + line.len());
    }
    found
        .into_iter()
        .map(|found| {
            let first = ends.partition_point(|end| *end <= found.range.start);
            let last = ends.partition_point(|end| *end < found.range.end);
            place(&lines, first..last + 1)
        })
        .collect()
}

fn place(lines: &[&str], range: Range<usize>) -> Place {
    let first = range.start;
    let shown = lines.iter().take(range.end).skip(first);
    Place {
        line: u32::try_from(first + 1).unwrap_or(u32::MAX),
        text: shown.take(PLACE_LINES_MAX).copied().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn apply(text: &str, blocks: &[(&str, &str)]) -> Result<String, Refusal> {
        let blocks: Vec<_> = blocks.iter().map(|&(search, replace)| Block { search, replace }).collect();
        apply_blocks(text, &blocks)
    }

    #[track_caller]
    fn check(text: &str, search: &str, replace: &str, expected: &str) {
        assert_eq!(apply(text, &[(search, replace)]).as_deref(), Ok(expected));
    }

    /// The reason and the line numbers of the one refusal.
    #[track_caller]
    fn refused(text: &str, search: &str, replace: &str) -> (Reason, Vec<u32>) {
        let refusal = apply(text, &[(search, replace)]).unwrap_err();
        assert_eq!(refusal.block, 0);
        (refusal.reason, refusal.places.iter().map(|place| place.line).collect())
    }

    #[test]
    fn an_exact_text_is_replaced_anywhere() {
        check("a = 1\nb = 2\n", "= 2", "= 3", "a = 1\nb = 3\n");
        check("a\nb\nc", "a\nb\n", "", "c");
        check("é\né!\n", "é!", "è", "é\nè\n");
    }

    #[test]
    fn each_block_sees_the_outcome_of_those_before_it() {
        let blocks = [("a\nb\n", "x\nb\n"), ("b\nc\n", "b\ny\n"), ("y", "z")];
        assert_eq!(apply("a\nb\nc\n", &blocks).unwrap(), "x\nb\nz\n");
    }

    #[test]
    fn the_first_refusal_names_places_of_the_given_text() {
        let place = |line, text: &str| Place { line, text: text.to_owned() };
        let text = "one\ntwo\nthree\nthree\n";
        let refusal = apply(text, &[("one\n", ""), ("thre", "3"), ("tvo", "2")]).unwrap_err();
        let places = vec![place(3, "three\n"), place(4, "three\n")];
        assert_eq!(refusal, Refusal { block: 1, reason: Reason::Ambiguous, places });
        let refusal = apply(text, &[("one\n", ""), ("tvo", "2")]).unwrap_err();
        assert_eq!(refusal.places, [place(2, "two\n")]);
        // Twice only because of the first block.
        let refusal = apply(text, &[("one", "two"), ("two", "2")]).unwrap_err();
        assert_eq!(refusal.reason, Reason::Ambiguous);
        assert_eq!(refusal.places, [place(2, "two\n")]);
    }

    #[test]
    fn overlapping_places_are_ambiguous() {
        assert_eq!(refused("aaa", "aa", ""), (Reason::Ambiguous, vec![1, 1]));
        let many = "x\n".repeat(20);
        assert_eq!(refused(&many, "x\n", "").1, [1, 2, 3, 4, 5]);
    }

    #[test]
    fn white_space_at_line_ends_is_forgiven() {
        check("a  \nb\t\nc\n", "a\nb\n", "x\n", "x\nc\n");
        check("a\nb\nc\n", "a  \nb\t", "x", "x\nc\n");
    }

    #[test]
    fn the_replacement_takes_over_the_line_ends() {
        check("a\r\nb\r\nc\r\n", "a\nb\n", "x\ny\nz\n", "x\r\ny\r\nz\r\nc\r\n");
        check("a\nb\n", "a\r\nb\r\n", "x\r\ny\r\n", "x\ny\n");
        check("a\rb\rc", "a\nb\n", "x\ny\n", "x\ry\rc");
        check("a\r\nbc\r\n", "bc", "x\ny", "a\r\nx\r\ny\r\n");
        // A block that knows the line ends may change them.
        check("a\r\nb\r\n", "a\r\n", "x\n", "x\nb\r\n");
        // In a mixed file there is no rule to follow.
        check("a\r\nb\nc", "c", "x\ny", "a\r\nb\nx\ny");
    }

    #[test]
    fn the_end_of_the_file_needs_no_line_end() {
        check("a\nb", "b\n", "x\ny\n", "a\nx\ny");
        check("a\nb", "b\n", "", "a\n");
    }

    #[test]
    fn the_indentation_of_a_whole_block_is_forgiven() {
        let text = "class A:\n    def f(self):\n        return 1\n";
        let search = "def f(self):\n    return 1\n";
        let replace = "def f(self):\n\n    return 2\n";
        let expected = "class A:\n    def f(self):\n\n        return 2\n";
        check(text, search, replace, expected);
        check("a:\n\tb\n", "    a:\n    \tb\n", "    a:\n    \tc\n", "a:\n\tc\n");
    }

    #[test]
    fn other_differences_are_not_forgiven() {
        // Not the same for all lines.
        assert_eq!(refused("  a\n    b\n", "a\nb\n", "").0, Reason::Missing);
        // Other characters.
        assert_eq!(refused("\ta\n\tb\n", "    a\n    b\n", "").0, Reason::Missing);
        // Inside a line.
        assert_eq!(refused("a  b\n", "a b\n", "").0, Reason::Missing);
        // A replacement that cannot follow the shift.
        assert_eq!(refused("a\nb\n", "  a\n  b\n", "  x\ny\n"), (Reason::Missing, vec![1]));
        // Blank lines alone say nothing about the place.
        assert_eq!(refused("a\n\nb\n", " \n", "x\n").0, Reason::Missing);
    }

    #[test]
    fn the_same_indentation_goes_before_another() {
        check("  a\n  b\na \nb\n", "a\nb\n", "x\n", "  a\n  b\nx\n");
        assert_eq!(refused("  a\n  b\n\ta\n\tb\n", "a\nb\n", "x\n"), (Reason::Ambiguous, vec![1, 3]));
    }

    #[test]
    fn an_empty_search_fills_an_empty_file_only() {
        check("", "", "a\n", "a\n");
        assert_eq!(refused("a\n", "", "b\n"), (Reason::Empty, vec![]));
    }

    #[test]
    fn form_feeds_and_separators_are_text() {
        check("a\u{2028}b\u{c}\r\nc\r\n", "a\u{2028}b\u{c}\nc\n", "x\n", "x\r\n");
    }
}
