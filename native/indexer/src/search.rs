//! Search for a text, a word or a regular expression, line by line, as ripgrep has it.

use std::io::{self, Read};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use globset::{GlobBuilder, GlobMatcher};
use grep_matcher::LineTerminator;
use grep_regex::{RegexMatcher, RegexMatcherBuilder};
use grep_searcher::{BinaryDetection, Searcher, SearcherBuilder, Sink, SinkMatch};
use memchr::memmem::Finder;

use crate::files::text::{first_char, is_word, last_char, text};
use crate::files::{read, walk};
use crate::index::snapshot::Snapshot;
use crate::prefilter::{self, Need};
use crate::{IndexError, work};

/// Longer lines are cut to this many characters in a [`Hit`].
pub const LINE_CHARS_MAX: usize = 400;

/// Larger files are not searched.
pub const SEARCHED_BYTES_MAX: u64 = 256_000_000;

/// A file that is too large to be indexed is read piece by piece; a longer line ends the search of it.
const LINE_BYTES_MAX: usize = 16_000_000;

/// So many files are searched by one thread before others are started.
const ALONE_MAX: usize = 24;

/// What to look for, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Query<'a> {
    /// A text or a regular expression. A match lies within one line; `^` and `$` are the ends of the line.
    pub pattern: &'a str,
    /// True if `pattern` is a regular expression, false if it is a plain text.
    pub regex: bool,
    /// True if a match must not begin or end within a word.
    pub word: bool,
    /// True if upper and lower case are the same.
    pub ignore_case: bool,
    /// Keeps only files whose path matches. `*` and `?` stay within one component, `**` does not; a glob
    /// without `/` is matched against the file name, in any folder.
    pub glob: Option<&'a str>,
    /// How many hits to return.
    pub max_hits: usize,
}

impl<'a> Query<'a> {
    /// A plain text anywhere, with upper and lower case as it is, and all hits.
    #[must_use]
    pub fn literal(pattern: &'a str) -> Self {
        Self { pattern, regex: false, word: false, ignore_case: false, glob: None, max_hits: usize::MAX }
    }
}

/// One matching line. The order of hits is the order of (path, line).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hit {
    /// Path relative to the root.
    pub path: String,
    /// Line number, the first is 1. A line ends at `\n`.
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

/// Returns the first `query.max_hits` matching lines beneath `root`, in the order of path and line, without an
/// index.
///
/// Files are read in parallel, yet the answer depends on the tree alone. A file with a NUL byte near its beginning,
/// or larger than [`SEARCHED_BYTES_MAX`], is skipped.
///
/// # Errors
/// [`IndexError::Root`] if `root` is not an absolute path to a directory; [`IndexError::Pattern`] or
/// [`IndexError::Glob`] if the query does not parse.
pub fn search(root: &Path, query: Query<'_>) -> Result<Found, IndexError> {
    let search = Search::new(query)?;
    let listing = walk::walk(root, usize::MAX)?;
    let paths = listing.files.iter().map(|file| file.path.as_str());
    let paths: Vec<&str> = paths.filter(|path| search.wants(path)).collect();
    search.run(&paths, ALONE_MAX, &AtomicBool::new(false), |reader, path, room| {
        search.on_disk(reader, root, path, room)
    })
}

impl Snapshot {
    /// The same by the index: only files that may have a match are read, and of those that have a word only so many as
    /// have enough lines of it. The answer is that of their texts as they are now, unsaved ones included.
    ///
    /// # Errors
    /// [`IndexError::Pattern`] or [`IndexError::Glob`] if the query does not parse, [`IndexError::Cancelled`] if
    /// `cancel` became true.
    pub fn search(&self, query: Query<'_>, cancel: &AtomicBool) -> Result<Found, IndexError> {
        let search = Search::new(query)?;
        let found = prefilter::files(&search.need, self, query.ignore_case);
        let mut files: Vec<u32> = match found {
            Some(mut files) => {
                files.extend(self.unindexed());
                files.sort_unstable();
                files.dedup();
                files
            }
            None => self.files().filter(|file| !self.is_binary(*file)).collect(),
        };
        files.retain(|file| search.wants(self.path(*file)));
        if self.has_fresh() {
            files.sort_by(|a, b| self.path(*a).cmp(self.path(*b)));
        }
        let first = search.first(self, &files);
        search.run(&files, first, cancel, |reader, file, room| search.in_file(self, reader, *file, room))
    }

    /// Every line in which a word stands alone, as (path, lines from 1), in the order of the paths. Of most words the
    /// index knows the lines: their files are not read, and the answer is that of the last look at the tree.
    ///
    /// # Errors
    /// [`IndexError::Pattern`] if the word is too long or has a line end in it, [`IndexError::Cancelled`] if `cancel`
    /// became true.
    pub fn places(&self, word: &str, cancel: &AtomicBool) -> Result<Vec<(&str, Vec<u32>)>, IndexError> {
        let search = Search::new(Query { word: true, ..Query::literal(word) })?;
        let known = match search.lines {
            Lines::Word(..) => self.known_lines(word),
            Lines::Pattern(_) => None,
        };
        let mut files: Vec<u32> = match (&known, prefilter::files(&search.need, self, false)) {
            (Some(_), _) => self
                .word(word)
                .iter()
                .map(|posting| posting.file)
                .filter(|file| self.is_fresh(*file))
                .collect(),
            (None, Some(files)) => files,
            (None, None) => self.files().filter(|file| !self.is_binary(*file)).collect(),
        };
        files.extend(self.unindexed());
        let pieces: Vec<&[u32]> = files.chunks(ALONE_MAX).collect();
        let read = work::each(&pieces, |files| {
            let mut reader = Reader::default();
            let going = files.iter().take_while(|_| !cancel.load(Ordering::Relaxed));
            let lines = |file: &u32| {
                let hits = search.in_file(self, &mut reader, *file, usize::MAX);
                (self.path(*file), hits.into_iter().map(|hit| hit.line).collect::<Vec<u32>>())
            };
            going.map(lines).filter(|(_, lines)| !lines.is_empty()).collect::<Vec<_>>()
        });
        if cancel.load(Ordering::Relaxed) {
            return Err(IndexError::Cancelled);
        }
        let known = known.into_iter().flatten();
        let mut found: Vec<_> = known.map(|(file, lines)| (self.path(file), lines)).collect();
        if !files.is_empty() {
            found.extend(read.into_iter().flatten());
            found.sort_unstable();
            found.dedup();
        }
        Ok(found)
    }
}

/// Finds the lines of one query.
struct Search<'a> {
    max_hits: usize,
    glob: Option<GlobMatcher>,
    need: Need,
    lines: Lines<'a>,
}

enum Lines<'a> {
    /// A plain word: looked for without the machinery of regular expressions.
    Word(&'a str, Box<Finder<'a>>),
    Pattern(Box<RegexMatcher>),
}

impl<'a> Search<'a> {
    fn new(query: Query<'a>) -> Result<Self, IndexError> {
        let Query { pattern, regex, word, ignore_case, glob, max_hits } = query;
        let plain_word =
            word && !regex && !ignore_case && !pattern.is_empty() && pattern.chars().all(is_word);
        let lines = if plain_word {
            Lines::Word(pattern, Box::new(Finder::new(pattern)))
        } else {
            Lines::Pattern(Box::new(compile(query)?))
        };
        let need = if regex { prefilter::of_regex(pattern) } else { prefilter::of_text(pattern, plain_word) };
        Ok(Self { max_hits, glob: glob.map(compile_glob).transpose()?, need, lines })
    }

    fn wants(&self, path: &str) -> bool {
        self.glob.as_ref().is_none_or(|glob| glob.is_match(path))
    }

    /// How many of the files to search first. Of a word the index knows where enough lines are, unless a file has
    /// changed since; of one that had changed already, that it has a line at least.
    fn first(&self, snapshot: &Snapshot, files: &[u32]) -> usize {
        let Lines::Word(word, _) = self.lines else { return ALONE_MAX };
        let mut missing = self.max_hits.saturating_add(1);
        let mut known = snapshot.line_counts(word).peekable();
        for (at, file) in files.iter().enumerate() {
            let lines = if snapshot.is_fresh(*file) {
                1
            } else {
                while known.next_if(|(here, _)| here < file).is_some() {}
                known.next_if(|(here, _)| here == file).map_or(0, |(_, lines)| lines)
            };
            missing = missing.saturating_sub(lines);
            if missing == 0 {
                return at + 1;
            }
        }
        files.len()
    }

    /// Searches files in their order until there are enough hits: `size` of them first, each time more.
    fn run<F: Sync>(
        &self,
        files: &[F],
        mut size: usize,
        cancel: &AtomicBool,
        search: impl Fn(&mut Reader, &F, usize) -> Vec<Hit> + Sync,
    ) -> Result<Found, IndexError> {
        let room = self.max_hits.saturating_add(1);
        let mut hits: Vec<Hit> = Vec::new();
        let mut rest = files;
        while !rest.is_empty() && hits.len() < room {
            let (some, later) = rest.split_at(size.min(rest.len()));
            (rest, size) = (later, size.saturating_mul(4));
            let chunk = some.len().div_ceil(work::threads() * 4).max(ALONE_MAX);
            let jobs: Vec<(usize, &[F])> = some.chunks(chunk).enumerate().rev().collect();
            let workers =
                (0..work::threads().min(jobs.len())).map(|_| (Reader::default(), Vec::new())).collect();
            let found = work::drain(jobs, workers, |(reader, found), (at, files), _| {
                let mut hits: Vec<Hit> = Vec::new();
                for file in files {
                    if hits.len() >= room || cancel.load(Ordering::Relaxed) {
                        break;
                    }
                    hits.extend(search(reader, file, room - hits.len()));
                }
                found.push((at, hits));
            });
            let mut found: Vec<_> = found.into_iter().flat_map(|(_, found)| found).collect();
            found.sort_unstable_by_key(|(at, _)| *at);
            hits.extend(found.into_iter().flat_map(|(_, hits)| hits));
        }
        if cancel.load(Ordering::Relaxed) {
            return Err(IndexError::Cancelled);
        }
        let truncated = hits.len() > self.max_hits;
        hits.truncate(self.max_hits);
        Ok(Found { hits, truncated })
    }

    /// Searches a file as it is now, its unsaved text if it has one.
    fn in_file(&self, snapshot: &Snapshot, reader: &mut Reader, file: u32, room: usize) -> Vec<Hit> {
        let path = snapshot.path(file);
        let Some(unsaved) = snapshot.unsaved(file) else {
            return self.on_disk(reader, snapshot.root(), path, room);
        };
        let mut hits = Hits { path, room, found: Vec::new() };
        if let Some(text) = text(unsaved) {
            self.in_text(&mut reader.searcher, &text, &mut hits);
        }
        hits.found
    }

    fn on_disk(&self, reader: &mut Reader, within: &Path, path: &str, room: usize) -> Vec<Hit> {
        let mut hits = Hits { path, room, found: Vec::new() };
        let Some(read) = read::read_into(within, path, &mut reader.buffer) else {
            return hits.found;
        };
        let Some(text) = text(&reader.buffer[..read.length]) else {
            return hits.found;
        };
        if read.huge {
            self.in_pieces(within, path, &mut hits);
        } else {
            self.in_text(&mut reader.searcher, &text, &mut hits);
        }
        hits.found
    }

    fn in_text(&self, searcher: &mut Option<Searcher>, text: &[u8], hits: &mut Hits<'_>) {
        match &self.lines {
            Lines::Word(word, finder) => in_words(word, finder, text, hits),
            Lines::Pattern(pattern) => {
                let searcher = searcher.get_or_insert_with(searcher_of_lines);
                // The sink raises no error, and a slice is not read.
                let _ = searcher.search_slice(&**pattern, text, hits);
            }
        }
    }

    /// Searches a file that does not fit into memory.
    fn in_pieces(&self, within: &Path, path: &str, hits: &mut Hits<'_>) {
        let Some(file) = read::open(within, path) else { return };
        let file = file.take(SEARCHED_BYTES_MAX);
        // Where reading fails, or a line is too long, the hits before count.
        let _ = match &self.lines {
            Lines::Pattern(pattern) => searcher_of_lines().search_reader(&**pattern, file, hits),
            Lines::Word(word, _) => {
                let query = Query { word: true, ..Query::literal(word) };
                compile(query)
                    .map_or(Ok(()), |pattern| searcher_of_lines().search_reader(pattern, file, hits))
            }
        };
    }
}

/// What a thread needs to search files one after the other.
#[derive(Default)]
struct Reader {
    buffer: Vec<u8>,
    searcher: Option<Searcher>,
}

fn searcher_of_lines() -> Searcher {
    SearcherBuilder::new()
        .line_terminator(LineTerminator::crlf())
        .binary_detection(BinaryDetection::quit(0))
        .heap_limit(Some(LINE_BYTES_MAX))
        .line_number(true)
        .build()
}

fn compile(query: Query<'_>) -> Result<RegexMatcher, grep_regex::Error> {
    let mut builder = RegexMatcherBuilder::new();
    builder.case_insensitive(query.ignore_case).word(query.word).fixed_strings(!query.regex);
    builder.multi_line(true).crlf(true).build(query.pattern)
}

fn compile_glob(glob: &str) -> Result<GlobMatcher, IndexError> {
    let anywhere = if glob.contains('/') { "" } else { "**/" };
    let glob = format!("{anywhere}{}", glob.trim_start_matches('/'));
    Ok(GlobBuilder::new(&glob).literal_separator(true).build()?.compile_matcher())
}

/// The hits in one file.
struct Hits<'f> {
    path: &'f str,
    /// One more than was asked for is enough to know that there are more.
    room: usize,
    found: Vec<Hit>,
}

impl Hits<'_> {
    /// Returns false if there are enough.
    fn add(&mut self, line: u32, bytes: &[u8]) -> bool {
        let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
        let bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
        // Four bytes a character at most: a line of megabytes is not decoded whole.
        let bytes = &bytes[..bytes.len().min(LINE_CHARS_MAX * 4)];
        let text = String::from_utf8_lossy(bytes).chars().take(LINE_CHARS_MAX).collect();
        self.found.push(Hit { path: self.path.to_owned(), line, text });
        self.found.len() < self.room
    }
}

impl Sink for &mut Hits<'_> {
    type Error = io::Error;

    fn matched(&mut self, _: &Searcher, found: &SinkMatch<'_>) -> io::Result<bool> {
        let line = found.line_number().unwrap_or(0);
        Ok(self.add(u32::try_from(line).unwrap_or(u32::MAX), found.bytes()))
    }
}

/// Reports the lines in which a word stands alone.
fn in_words(word: &str, finder: &Finder<'_>, text: &[u8], hits: &mut Hits<'_>) {
    let mut line = 1;
    let mut counted = 0;
    let mut at = 0;
    while let Some(found) = finder.find(&text[at..]) {
        let start = at + found;
        let end = start + word.len();
        let joined = last_char(&text[..start]).is_some_and(is_word)
            || first_char(&text[end..]).is_some_and(|(next, _)| is_word(next));
        if joined {
            // Not behind the match: the word may be part of itself.
            at = start + word.chars().next().map_or(1, char::len_utf8);
            continue;
        }
        line += u32::try_from(memchr::memchr_iter(b'\n', &text[counted..start]).count()).unwrap_or(u32::MAX);
        let from = memchr::memrchr(b'\n', &text[..start]).map_or(0, |before| before + 1);
        let to = memchr::memchr(b'\n', &text[end..]).map_or(text.len(), |after| end + after);
        if !hits.add(line, &text[from..to]) || to == text.len() {
            return;
        }
        line += 1;
        counted = to + 1;
        at = to + 1;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Index;
    use crate::tests::make_tree;

    const ANY: Query<'_> =
        Query { pattern: "needle", regex: false, word: false, ignore_case: false, glob: None, max_hits: 100 };

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
        let root = make_tree(&[("a", "one\r\ntwo\r\none two\none")]);
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
    fn binary_files_are_skipped_and_long_lines_cut() {
        let long = format!("needle{}", "é".repeat(1000));
        let root = make_tree(&[("binary", "needle\0"), ("long", &long)]);
        let hits = search(root.path(), ANY).unwrap().hits;
        assert_eq!(hits.len(), 1);
        assert_eq!(hits[0].path, "long");
        assert_eq!(hits[0].text.chars().count(), LINE_CHARS_MAX);
    }

    #[test]
    fn files_too_large_to_be_indexed_are_read_piece_by_piece() {
        let hay = "hay\n".repeat(3_000_000);
        let root = make_tree(&[("large", &format!("{hay}needle\nneedles\n"))]);
        let index =
            Index::open(root.path(), &root.path().join(".wainwright"), &AtomicBool::new(false)).unwrap();
        for (word, expected) in [(true, 1), (false, 2)] {
            let query = Query { word, ..ANY };
            assert_eq!(places(root.path(), query).len(), expected);
            let found = index.snapshot().search(query, &AtomicBool::new(false)).unwrap();
            assert_eq!(found.hits.len(), expected);
            assert_eq!(found.hits[0].line, 3_000_001);
        }
    }

    #[test]
    fn whole_words() {
        let root =
            make_tree(&[("a", "needle\nneedles\nx_needle\n(needle)\néneedle needle needle\nneedleneedle\n")]);
        let word = Query { word: true, ..ANY };
        let lines = |query| places(root.path(), query).into_iter().map(|(_, line)| line).collect::<Vec<_>>();
        assert_eq!(lines(word), [1, 4, 5]);
        assert_eq!(lines(Query { regex: true, ..word }), [1, 4, 5]);
    }

    const PIECES: [&[u8]; 14] = [
        b"needle",
        b"hay",
        b"n_2",
        "n\u{e9}".as_bytes(),
        b"\xe9",
        b" ",
        b".",
        b"\n",
        b"\r\n",
        b"\n\n\n",
        b"_",
        b"7",
        b"\n needle ",
        b"\nhay ",
    ];

    fn content() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop::sample::select(PIECES.to_vec());
        prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
    }

    fn check(index: &Index, root: &Path) -> usize {
        let snapshot = index.snapshot();
        let mut known = 0;
        for word in ["needle", "hay", "n_2", "n\u{e9}", "absent", "7", "a b"] {
            known += usize::from(snapshot.known_lines(word).is_some());
            let found = snapshot.places(word, &AtomicBool::new(false)).unwrap();
            let found =
                found.iter().flat_map(|(path, lines)| lines.iter().map(|line| ((*path).to_owned(), *line)));
            let query = Query { word: true, ..Query::literal(word) };
            assert_eq!(found.collect::<Vec<_>>(), places(root, query), "{word}");
        }
        known
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        #[expect(clippy::disallowed_methods, reason = "the test makes its own tree")]
        fn places_are_the_lines_that_a_search_finds(files in prop::collection::vec(content(), 1..60), changed in content()) {
            let root = make_tree(&[]);
            let cache = make_tree(&[]);
            let path = |file: usize| root.path().join(format!("{file}.txt"));
            for (file, content) in files.iter().enumerate() {
                std::fs::write(path(file), content).unwrap();
            }
            let go = AtomicBool::new(false);
            let index = Index::open(root.path(), cache.path(), &go).unwrap();
            let known = check(&index, root.path());
            index.save().unwrap();
            let index = Index::open(root.path(), cache.path(), &go).unwrap();
            assert_eq!(check(&index, root.path()), known);
            // Some files change; then all is put into one segment again.
            for file in [0, files.len() / 2, files.len()] {
                std::fs::write(path(file), &changed).unwrap();
            }
            index.refresh(&go).unwrap();
            check(&index, root.path());
            index.save().unwrap();
            check(&index, root.path());
        }
    }

    #[test]
    fn the_lines_of_a_word_of_many_files_are_known() {
        let files: Vec<(String, String)> = (1..=40)
            .map(|file| (format!("{file:02}"), format!("{}needle\nneedles needle", "\n".repeat(file))))
            .collect();
        let files: Vec<(&str, &str)> =
            files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        let (root, cache) = (make_tree(&files), make_tree(&[]));
        let index = Index::open(root.path(), cache.path(), &AtomicBool::new(false)).unwrap();
        let snapshot = index.snapshot();
        assert_eq!(snapshot.known_lines("needle").map(Iterator::count), Some(40));
        assert_eq!(snapshot.known_lines("needles").and_then(Iterator::last), Some((39, vec![42])));
        // What is unsaved counts, and what is on disk of that file does not.
        assert!(index.overlay("07", "\nneedle"));
        let snapshot = index.snapshot();
        let found = snapshot.places("needle", &AtomicBool::new(false)).unwrap();
        assert_eq!((found[6].clone(), found[7].clone()), (("07", vec![2]), ("08", vec![9, 10])));
        assert_eq!(found.len(), 40);
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
