//! A tree, its index, and what the index should say, worked out without it.

#![expect(clippy::disallowed_methods, reason = "the tests make and change their own trees")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use tempfile::TempDir;
use wainwright_indexer::{Hit, Index, Query, Snapshot, Structure, search, walk};
use wainwright_syntax::{Language, Limits};

pub fn go() -> AtomicBool {
    AtomicBool::new(false)
}

pub struct Tree {
    pub root: TempDir,
    pub cache: TempDir,
}

impl Tree {
    pub fn new(files: &[(&str, &str)]) -> Self {
        let tree = Self { root: tempfile::tempdir().unwrap(), cache: tempfile::tempdir().unwrap() };
        for (path, text) in files {
            tree.write(path, text.as_bytes());
        }
        tree
    }

    pub fn path(&self) -> &Path {
        self.root.path()
    }

    pub fn write(&self, path: &str, content: &[u8]) {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    pub fn open(&self) -> Index {
        Index::open(self.path(), self.cache.path(), &go()).unwrap()
    }

    pub fn store(&self) -> std::path::PathBuf {
        self.cache.path().join("lexical.index")
    }
}

pub fn paths(snapshot: &Snapshot) -> Vec<&str> {
    snapshot.files().map(|file| snapshot.path(file)).collect()
}

pub fn places(snapshot: &Snapshot, query: Query<'_>) -> Vec<(String, u32)> {
    let found = snapshot.search(query, &go()).unwrap();
    found.hits.into_iter().map(|Hit { path, line, .. }| (path, line)).collect()
}

pub fn word(word: &str) -> Query<'_> {
    Query { word: true, ..Query::literal(word) }
}

// What the index should say, without it.

pub fn texts(root: &Path, unsaved: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let listing = walk(root, usize::MAX).unwrap();
    let read = |path: &str| fs::read_to_string(root.join(path)).unwrap();
    let mut texts: BTreeMap<_, _> =
        listing.files.into_iter().map(|file| (file.path.clone(), read(&file.path))).collect();
    texts.extend(unsaved.clone());
    texts
}

pub fn expected(texts: &BTreeMap<String, String>, matches: impl Fn(&str) -> bool) -> Vec<(String, u32)> {
    let lines = |text: &str| text.lines().map(str::to_owned).zip(1..).collect::<Vec<_>>();
    let places =
        texts.iter().flat_map(|(path, text)| lines(text).into_iter().map(move |(line, n)| (path, line, n)));
    places.filter(|(_, line, _)| matches(line)).map(|(path, _, n)| (path.clone(), n)).collect()
}

pub fn words(text: &str) -> Vec<&str> {
    text.split(|c: char| !(c.is_alphanumeric() || c == '_')).filter(|word| !word.is_empty()).collect()
}

pub const PATHS: [&str; 7] =
    ["a.py", "b.rs", "src/a.py", "src/deep/c.go", "lib/x.txt", "skip/y.txt", "z.log"];
pub const RULES: [&str; 4] = ["", "skip/\n", "*.log\n", "src/*\n!src/deep\n"];
pub const WORDS: [&str; 9] = ["alpha", "beta", "alphaBeta", "x_beta", "é", "12ab", "ALPHA", "a", "naïve_é"];

#[derive(Debug, Clone)]
pub enum Act {
    Write(&'static str, String),
    Delete(&'static str),
    DeleteFolder(&'static str),
    Rules(&'static str),
    Overlay(&'static str, String),
    Drop(&'static str),
    Save,
    Reopen,
}

/// Does one act and tells the index of it, by path or by looking at everything.
pub fn perform(
    tree: &Tree,
    index: &mut Index,
    unsaved: &mut BTreeMap<String, String>,
    act: &Act,
    by_path: bool,
) {
    let touched = match act {
        Act::Write(path, text) => {
            tree.write(path, text.as_bytes());
            *path
        }
        Act::Delete(path) => {
            let _ = fs::remove_file(tree.path().join(path));
            path
        }
        Act::DeleteFolder(path) => {
            let _ = fs::remove_dir_all(tree.path().join(path));
            path
        }
        Act::Rules(rules) => {
            tree.write(".gitignore", rules.as_bytes());
            ".gitignore"
        }
        Act::Overlay(path, text) => {
            if index.overlay(path, text) {
                unsaved.insert((*path).to_owned(), text.clone());
            } else {
                unsaved.remove(*path);
            }
            return;
        }
        Act::Drop(path) => {
            index.drop_overlay(path);
            unsaved.remove(*path);
            return;
        }
        Act::Save => {
            index.save().unwrap();
            return;
        }
        Act::Reopen => {
            *index = tree.open();
            unsaved.retain(|path, text| index.overlay(path, text));
            return;
        }
    };
    if by_path { index.refresh_paths(&[touched], &go()) } else { index.refresh(&go()) }.unwrap();
}

pub fn check(tree: &Tree, index: &Index, unsaved: &BTreeMap<String, String>) {
    let snapshot = index.snapshot();
    let texts = texts(tree.path(), unsaved);
    assert_eq!(paths(&snapshot), texts.keys().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(snapshot.len() as usize, texts.len());
    assert_eq!(snapshot.text_words(), texts.values().map(|text| words(text).len() as u64).sum::<u64>());
    for wanted in WORDS {
        let has = |line: &str| words(line).contains(&wanted);
        assert_eq!(places(&snapshot, word(wanted)), expected(&texts, has), "word {wanted}");
        let postings = snapshot.word(wanted).into_iter();
        let mut counts: Vec<_> =
            postings.map(|p| (snapshot.path(p.file).to_owned(), p.count as usize)).collect();
        counts.sort();
        let count = |text: &str| words(text).into_iter().filter(|word| *word == wanted).count();
        let all = texts.iter().map(|(path, text)| (path.clone(), count(text)));
        assert_eq!(counts, all.filter(|(_, count)| *count > 0).collect::<Vec<_>>(), "postings of {wanted}");
    }
    for literal in ["alpha", "beta", "2a", "a.b", "é", "-"] {
        let found = places(&snapshot, Query::literal(literal));
        assert_eq!(found, expected(&texts, |line| line.contains(literal)), "literal {literal}");
        if unsaved.is_empty() {
            let read = search(tree.path(), Query::literal(literal)).unwrap();
            assert_eq!(snapshot.search(Query::literal(literal), &go()).unwrap().hits, read.hits);
        }
        let found = places(&snapshot, Query { ignore_case: true, ..Query::literal(literal) });
        let lower = |line: &str| line.to_lowercase().contains(literal);
        assert_eq!(found, expected(&texts, lower), "literal {literal} in any case");
    }
    let regex = Query { regex: true, ..Query::literal(r"^(alpha|x_)\w*beta$|12ab\(") };
    let line = |line: &str| {
        let whole =
            line.strip_prefix("alpha").or(line.strip_prefix("x_")).and_then(|rest| rest.strip_suffix("beta"));
        whole.is_some_and(|rest| rest.chars().all(|c| c.is_alphanumeric() || c == '_'))
            || line.contains("12ab(")
    };
    assert_eq!(places(&snapshot, regex), expected(&texts, line));
    for (path, text) in &texts {
        let file = snapshot.find(path).unwrap();
        assert_eq!(snapshot.text(file).unwrap(), text.as_bytes());
    }
}

/// What two indexes of the same tree must have in common.
pub fn same(one: &Snapshot, other: &Snapshot) {
    assert_eq!(paths(one), paths(other));
    for path in paths(one) {
        let (left, right) = (one.find(path).unwrap(), other.find(path).unwrap());
        assert_eq!(one.definitions(left), other.definitions(right));
        assert_eq!(one.imports(left), other.imports(right));
        let info = |snapshot: &Snapshot, file| {
            (snapshot.info(file).hash, snapshot.info(file).lines, snapshot.info(file).traits)
        };
        assert_eq!(info(one, left), info(other, right));
        let names = |snapshot: &Snapshot, files: Vec<u32>| {
            let mut names: Vec<_> = files.into_iter().map(|file| snapshot.path(file).to_owned()).collect();
            names.sort();
            names
        };
        assert_eq!(names(one, one.imported(left)), names(other, other.imported(right)));
        assert_eq!(names(one, one.importers(left)), names(other, other.importers(right)));
    }
    for part in ["alpha", "beta", "x"] {
        let of = |snapshot: &Snapshot| {
            let mut found: Vec<_> = snapshot
                .subword(part)
                .into_iter()
                .map(|p| (snapshot.path(p.file).to_owned(), p.count, p.defines))
                .collect();
            found.sort();
            found
        };
        assert_eq!(of(one), of(other), "part {part}");
        // A segment keeps words that are nowhere any more, so only those that are somewhere count.
        let words = |snapshot: &Snapshot| {
            let words = snapshot.words_with_subword(part).into_iter().map(str::to_owned);
            words.filter(|word| !snapshot.word(word).is_empty()).collect::<Vec<_>>()
        };
        assert_eq!(words(one), words(other));
    }
}

/// What is kept of the files' structure is what reading each of them says.
pub fn outlines_are_fresh(snapshot: &Snapshot, structure: &Structure) {
    for file in snapshot.files() {
        let Some((outline, text)) = structure.outline(snapshot, file) else { continue };
        let language = Language::of(snapshot.path(file), &text[..text.len().min(1 << 14)]);
        let fresh = language.map(|language| wainwright_syntax::outline(language, &text, &Limits::default()));
        let fresh = fresh.unwrap_or_default();
        assert_eq!((outline.definitions, outline.imports), (fresh.definitions, fresh.imports));
        let at = |references: Vec<wainwright_syntax::Reference>| {
            references.into_iter().map(|reference| (reference.at, reference.line)).collect::<Vec<_>>()
        };
        assert_eq!(at(outline.references), at(fresh.references));
    }
}
