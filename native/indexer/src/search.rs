//! Search for a text or a regular expression, line by line.

use std::borrow::Cow;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use globset::{GlobBuilder, GlobMatcher};
use ignore::{DirEntry, WalkState};
use regex::bytes::{Regex, RegexBuilder};

use crate::{IndexError, relative_file, tree};

/// Longer lines are cut to this many characters in a [`Hit`].
pub const LINE_CHARS_MAX: usize = 400;

/// Larger files are not searched.
pub const SEARCHED_BYTES_MAX: u64 = 2_000_000;

/// What to look for, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Query<'a> {
    /// A text or a regular expression. A match lies within one line; `^` and `$` are the ends of the line.
    pub pattern: &'a str,
    /// True if `pattern` is a regular expression, false if it is a plain text.
    pub regex: bool,
    /// True if upper and lower case are the same.
    pub ignore_case: bool,
    /// Keeps only files whose path matches. `*` and `?` stay within one component, `**` does not; a glob
    /// without `/` is matched against the file name, in any folder.
    pub glob: Option<&'a str>,
    /// How many hits to return.
    pub max_hits: usize,
}

/// One matching line. The order of hits is the order of (path, line).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hit {
    /// Path relative to the root.
    pub path: String,
    /// Line number, the first is 1. A line ends at `\n`, `\r\n` or `\r`.
    pub line: u32,
    /// The line without its end, cut to [`LINE_CHARS_MAX`]; what is not UTF-8 is shown as U+FFFD.
    pub text: String,
}

/// The first hits of a search.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Sorted by path, then line.
    pub hits: Vec<Hit>,
    /// True if there are more hits than were asked for.
    pub truncated: bool,
}

/// Returns the first `query.max_hits` matching lines beneath `root`, in the order of path and line.
///
/// Files are read in parallel, yet the answer depends on the tree alone. A file that holds a NUL byte, or is
/// larger than [`SEARCHED_BYTES_MAX`], is skipped.
///
/// # Errors
/// [`IndexError::Root`] if `root` is not an absolute path to a directory; [`IndexError::Pattern`] or
/// [`IndexError::Glob`] if the query does not parse.
pub fn search(root: &Path, query: Query<'_>) -> Result<Found, IndexError> {
    let pattern = compile(query)?;
    let glob = query.glob.map(compile_glob).transpose()?;
    let first = FirstHits::new(query.max_hits);
    tree(root)?.max_filesize(Some(SEARCHED_BYTES_MAX)).build_parallel().run(|| {
        Box::new(|entry| {
            if let Ok(entry) = entry {
                search_file(root, &entry, &pattern, glob.as_ref(), &first);
            }
            WalkState::Continue
        })
    });
    Ok(first.into_found())
}

fn compile(query: Query<'_>) -> Result<Regex, IndexError> {
    let pattern =
        if query.regex { Cow::Borrowed(query.pattern) } else { Cow::Owned(regex::escape(query.pattern)) };
    Ok(RegexBuilder::new(&pattern).case_insensitive(query.ignore_case).build()?)
}

fn compile_glob(glob: &str) -> Result<GlobMatcher, IndexError> {
    let anywhere = if glob.contains('/') { "" } else { "**/" };
    let glob = format!("{anywhere}{}", glob.trim_start_matches('/'));
    Ok(GlobBuilder::new(&glob).literal_separator(true).build()?.compile_matcher())
}

fn search_file(
    root: &Path,
    entry: &DirEntry,
    pattern: &Regex,
    glob: Option<&GlobMatcher>,
    first: &FirstHits,
) {
    let Some(path) = relative_file(root, entry) else {
        return;
    };
    if glob.is_some_and(|glob| !glob.is_match(&path)) || !first.wants(&path) {
        return;
    }
    let Some(content) = read_text(entry.path()) else {
        return;
    };
    let matching = lines(&content).zip(1..).filter(|(text, _)| pattern.is_match(text));
    // One more than the bound is enough to know that there are more.
    for (text, line) in matching.take(first.max_hits.saturating_add(1)) {
        first.offer(Hit {
            path: path.clone(),
            line,
            text: String::from_utf8_lossy(text).chars().take(LINE_CHARS_MAX).collect(),
        });
    }
}

/// The bytes of a file, unless it is binary, too large or unreadable.
fn read_text(path: &Path) -> Option<Vec<u8>> {
    let mut content = Vec::new();
    // The file may have grown since the walk looked at it.
    let mut file = File::open(path).ok()?.take(SEARCHED_BYTES_MAX + 1);
    let length = file.read_to_end(&mut content).ok()?;
    let too_large = u64::try_from(length).ok()? > SEARCHED_BYTES_MAX;
    (!too_large && !content.contains(&0)).then_some(content)
}

/// The lines of a text without their ends. The end of the text ends a line only if something stands on it.
fn lines(mut rest: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let Some(end) = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')) else {
            return Some(std::mem::take(&mut rest));
        };
        let (line, tail) = rest.split_at(end);
        rest = &tail[if tail.starts_with(b"\r\n") { 2 } else { 1 }..];
        Some(line)
    })
}

/// Keeps the smallest hits of all that are offered, so that the answer does not depend on which thread was
/// faster.
struct FirstHits {
    max_hits: usize,
    /// The largest kept hit is on top. Holds one more than the bound if there are more.
    kept: Mutex<BinaryHeap<Hit>>,
}

impl FirstHits {
    fn new(max_hits: usize) -> Self {
        let kept = Mutex::default();
        Self { max_hits, kept }
    }

    /// False if no hit in this file could be among the first.
    fn wants(&self, path: &str) -> bool {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.len() <= self.max_hits || kept.peek().is_some_and(|last| path <= last.path.as_str())
    }

    fn offer(&self, hit: Hit) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.push(hit);
        if kept.len() > self.max_hits.saturating_add(1) {
            kept.pop();
        }
    }

    fn into_found(self) -> Found {
        let kept = self.kept.into_inner().unwrap_or_else(PoisonError::into_inner);
        let truncated = kept.len() > self.max_hits;
        let mut hits = kept.into_sorted_vec();
        hits.truncate(self.max_hits);
        Found { hits, truncated }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::make_tree;

    const ANY: Query<'_> =
        Query { pattern: "needle", regex: false, ignore_case: false, glob: None, max_hits: 100 };

    fn places(root: &Path, query: Query<'_>) -> Vec<(String, u32)> {
        let found = search(root, query).unwrap();
        found.hits.into_iter().map(|h| (h.path, h.line)).collect()
    }

    #[test]
    fn hits_come_in_order_of_path_and_line() {
        let root =
            make_tree(&[("b.txt", "needle\n\nneedle"), ("a/z.txt", "hay\r\nneedle\r\n"), ("c.txt", "hay")]);
        let expected = [("a/z.txt", 2), ("b.txt", 1), ("b.txt", 3)];
        assert_eq!(places(root.path(), ANY), expected.map(|(p, l)| (p.to_owned(), l)));
    }

    #[test]
    fn a_literal_is_no_regular_expression() {
        let root = make_tree(&[("a", "f(x)\nfx\n")]);
        let literal = Query { pattern: "f(x)", ..ANY };
        assert_eq!(places(root.path(), literal), [("a".to_owned(), 1)]);
        let regex = Query { regex: true, ..literal };
        assert_eq!(places(root.path(), regex), [("a".to_owned(), 2)]);
    }

    #[test]
    fn anchors_are_the_ends_of_a_line() {
        let root = make_tree(&[("a", "one\r\ntwo\rone two\none")]);
        let query = Query { pattern: "^one$", regex: true, ..ANY };
        let expected = [1, 4].map(|line| ("a".to_owned(), line));
        assert_eq!(places(root.path(), query), expected);
    }

    #[test]
    fn case_and_globs() {
        let root = make_tree(&[("a.py", "Needle"), ("src/b.py", "needle"), ("c.rs", "needle")]);
        let count = |ignore_case, glob| {
            let query = Query { ignore_case, glob, ..ANY };
            places(root.path(), query).len()
        };
        assert_eq!(count(false, None), 2);
        assert_eq!(count(true, None), 3);
        assert_eq!(count(true, Some("*.py")), 2);
        assert_eq!(count(true, Some("src/*.py")), 1);
        assert_eq!(count(true, Some("/*.py")), 1);
        assert_eq!(count(true, Some("**/*.{py,rs}")), 3);
    }

    #[test]
    fn the_first_hits_are_the_same_in_every_run() {
        let files: Vec<_> = (0..200).map(|n| format!("f{n:03}")).collect();
        let tree: Vec<_> = files.iter().map(|f| (f.as_str(), "needle\nneedle\n")).collect();
        let root = make_tree(&tree);
        let query = Query { max_hits: 3, ..ANY };
        for _ in 0..20 {
            let found = search(root.path(), query).unwrap();
            assert!(found.truncated);
            let got: Vec<_> = found.hits.iter().map(|h| (h.path.as_str(), h.line)).collect();
            assert_eq!(got, [("f000", 1), ("f000", 2), ("f001", 1)]);
        }
    }

    #[test]
    fn exactly_as_many_hits_as_asked_for_is_not_truncated() {
        let root = make_tree(&[("a", "needle\nneedle")]);
        assert!(!search(root.path(), Query { max_hits: 2, ..ANY }).unwrap().truncated);
        assert!(search(root.path(), Query { max_hits: 1, ..ANY }).unwrap().truncated);
        let none = search(root.path(), Query { max_hits: 0, ..ANY }).unwrap();
        assert!(none.truncated && none.hits.is_empty());
    }

    #[test]
    fn binary_and_large_files_are_skipped_and_long_lines_cut() {
        let large = "needle\n".repeat(300_000);
        let long = format!("needle{}", "é".repeat(1000));
        let root = make_tree(&[("binary", "needle\0"), ("large", &large), ("long", &long)]);
        let hits = search(root.path(), ANY).unwrap().hits;
        assert_eq!(hits.len(), 1);
        assert_eq!(hits[0].path, "long");
        assert_eq!(hits[0].text.chars().count(), LINE_CHARS_MAX);
    }

    #[test]
    fn what_is_not_utf8_is_still_searched() {
        let root = make_tree(&[]);
        #[expect(clippy::disallowed_methods, reason = "the test makes its own tree")]
        std::fs::write(root.path().join("latin1"), b"caf\xe9 needle\n").unwrap();
        assert_eq!(search(root.path(), ANY).unwrap().hits[0].text, "caf\u{fffd} needle");
    }

    #[test]
    fn a_query_that_does_not_parse_is_refused() {
        let root = make_tree(&[]);
        let pattern = Query { pattern: "(", regex: true, ..ANY };
        assert!(matches!(search(root.path(), pattern), Err(IndexError::Pattern(_))));
        let glob = Query { glob: Some("{"), ..ANY };
        assert!(matches!(search(root.path(), glob), Err(IndexError::Glob(_))));
    }
}
