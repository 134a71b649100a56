//! The index against the plainest way to answer: read every file, look at every line.

#![expect(clippy::disallowed_methods, reason = "the tests make and change their own trees")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use proptest::prelude::*;
use tempfile::TempDir;
use wainwright_indexer::{Hit, Index, IndexError, Kind, Query, Snapshot, Traits, walk};

fn go() -> AtomicBool {
    AtomicBool::new(false)
}

struct Tree {
    root: TempDir,
    cache: TempDir,
}

impl Tree {
    fn new(files: &[(&str, &str)]) -> Self {
        let tree = Self { root: tempfile::tempdir().unwrap(), cache: tempfile::tempdir().unwrap() };
        for (path, text) in files {
            tree.write(path, text.as_bytes());
        }
        tree
    }

    fn path(&self) -> &Path {
        self.root.path()
    }

    fn write(&self, path: &str, content: &[u8]) {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    fn open(&self) -> Index {
        Index::open(self.path(), self.cache.path(), &go()).unwrap()
    }

    fn store(&self) -> std::path::PathBuf {
        self.cache.path().join("lexical.index")
    }
}

fn paths(snapshot: &Snapshot) -> Vec<&str> {
    snapshot.files().map(|file| snapshot.path(file)).collect()
}

fn places(snapshot: &Snapshot, query: Query<'_>) -> Vec<(String, u32)> {
    let found = snapshot.search(query, &go()).unwrap();
    found.hits.into_iter().map(|Hit { path, line, .. }| (path, line)).collect()
}

fn word(word: &str) -> Query<'_> {
    Query { word: true, ..Query::literal(word) }
}

// What the index should say, without it.

fn texts(root: &Path, unsaved: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let listing = walk(root, usize::MAX).unwrap();
    let read = |path: &str| fs::read_to_string(root.join(path)).unwrap();
    let mut texts: BTreeMap<_, _> =
        listing.files.into_iter().map(|file| (file.path.clone(), read(&file.path))).collect();
    texts.extend(unsaved.clone());
    texts
}

fn expected(texts: &BTreeMap<String, String>, matches: impl Fn(&str) -> bool) -> Vec<(String, u32)> {
    let lines = |text: &str| text.lines().map(str::to_owned).zip(1..).collect::<Vec<_>>();
    let places =
        texts.iter().flat_map(|(path, text)| lines(text).into_iter().map(move |(line, n)| (path, line, n)));
    places.filter(|(_, line, _)| matches(line)).map(|(path, _, n)| (path.clone(), n)).collect()
}

fn words(text: &str) -> Vec<&str> {
    text.split(|c: char| !(c.is_alphanumeric() || c == '_')).filter(|word| !word.is_empty()).collect()
}

const PATHS: [&str; 7] = ["a.py", "b.rs", "src/a.py", "src/deep/c.go", "lib/x.txt", "skip/y.txt", "z.log"];
const RULES: [&str; 4] = ["", "skip/\n", "*.log\n", "src/*\n!src/deep\n"];
const WORDS: [&str; 9] = ["alpha", "beta", "alphaBeta", "x_beta", "é", "12ab", "ALPHA", "a", "naïve_é"];

#[derive(Debug, Clone)]
enum Act {
    Write(&'static str, String),
    Delete(&'static str),
    DeleteFolder(&'static str),
    Rules(&'static str),
    Overlay(&'static str, String),
    Drop(&'static str),
    Save,
    Reopen,
}

fn act() -> impl Strategy<Value = Act> {
    let path = || prop::sample::select(PATHS.to_vec());
    let piece =
        prop::sample::select([WORDS.as_slice(), &[" ", "\n", ".", "(", "\ndef ", "\r\n", "-"]].concat());
    let text = || prop::collection::vec(piece.clone(), 0..25).prop_map(|pieces| pieces.concat());
    prop_oneof![
        6 => (path(), text()).prop_map(|(path, text)| Act::Write(path, text)),
        2 => path().prop_map(Act::Delete),
        1 => prop::sample::select(vec!["src", "src/deep", "lib"]).prop_map(Act::DeleteFolder),
        1 => prop::sample::select(RULES.to_vec()).prop_map(Act::Rules),
        3 => (path(), text()).prop_map(|(path, text)| Act::Overlay(path, text)),
        2 => path().prop_map(Act::Drop),
        1 => Just(Act::Save),
        1 => Just(Act::Reopen),
    ]
}

/// Does one act and tells the index of it, by path or by looking at everything.
fn perform(tree: &Tree, index: &mut Index, unsaved: &mut BTreeMap<String, String>, act: &Act, by_path: bool) {
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
        Act::Save => return index.save().unwrap(),
        Act::Reopen => {
            *index = tree.open();
            unsaved.retain(|path, text| index.overlay(path, text));
            return;
        }
    };
    if by_path { index.refresh_paths(&[touched], &go()) } else { index.refresh(&go()) }.unwrap();
}

fn check(tree: &Tree, index: &Index, unsaved: &BTreeMap<String, String>) {
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
fn same(one: &Snapshot, other: &Snapshot) {
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
                .part(part)
                .into_iter()
                .map(|p| (snapshot.path(p.file).to_owned(), p.count, p.defines))
                .collect();
            found.sort();
            found
        };
        assert_eq!(of(one), of(other), "part {part}");
        // A segment keeps words that are nowhere any more, so only those that are somewhere count.
        let words = |snapshot: &Snapshot| {
            let words = snapshot.words_with_part(part).into_iter().map(str::to_owned);
            words.filter(|word| !snapshot.word(word).is_empty()).collect::<Vec<_>>()
        };
        assert_eq!(words(one), words(other));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn answers_are_those_of_reading_everything(acts in prop::collection::vec((act(), any::<bool>()), 1..14)) {
        let tree = Tree::new(&[("a.py", "alpha beta\n"), ("src/deep/c.go", "x_beta alpha\n")]);
        let mut index = tree.open();
        let mut unsaved = BTreeMap::new();
        check(&tree, &index, &unsaved);
        for (act, by_path) in acts {
            perform(&tree, &mut index, &mut unsaved, &act, by_path);
            check(&tree, &index, &unsaved);
        }
        for path in unsaved.keys() {
            index.drop_overlay(path);
        }
        index.save().unwrap();
        let fresh = Tree { root: tree.root, cache: tempfile::tempdir().unwrap() };
        same(&index.snapshot(), &fresh.open().snapshot());
    }
}

#[test]
fn a_change_within_one_tick_of_the_clock_is_seen() {
    let tree = Tree::new(&[("a.txt", "one")]);
    let index = tree.open();
    index.save().unwrap();
    for text in ["two", "six", "ten"] {
        tree.write("a.txt", text.as_bytes());
        index.refresh(&go()).unwrap();
        assert_eq!(places(&index.snapshot(), word(text)).len(), 1, "{text}");
        assert_eq!(places(&tree.open().snapshot(), word(text)).len(), 1, "{text} after opening again");
    }
}

#[test]
fn the_second_start_reads_nothing() {
    let tree = Tree::new(&[("a.txt", "one"), ("b/c.txt", "two")]);
    let old = std::time::SystemTime::now() - std::time::Duration::from_secs(3600);
    for path in ["a.txt", "b/c.txt"] {
        fs::File::open(tree.path().join(path)).unwrap().set_modified(old).unwrap();
    }
    // The time of the last change of state cannot be set: wait for the clock to go on.
    std::thread::sleep(std::time::Duration::from_millis(120));
    let index = tree.open();
    index.save().unwrap();
    let again = tree.open();
    assert_eq!(again.refresh(&go()).unwrap().bytes_read, 0);
    same(&index.snapshot(), &again.snapshot());
    let written = fs::metadata(tree.store()).unwrap().modified().unwrap();
    again.save().unwrap();
    assert_eq!(fs::metadata(tree.store()).unwrap().modified().unwrap(), written, "nothing to write");
}

#[test]
fn a_damaged_store_is_made_again() {
    let tree = Tree::new(&[("a.txt", "one two"), ("b.rs", "fn three() {}\n")]);
    let index = tree.open();
    index.save().unwrap();
    let good = fs::read(tree.store()).unwrap();
    let flipped = |at: usize| {
        let mut bytes = good.clone();
        bytes[at] ^= 0x40;
        bytes
    };
    let mut damaged = vec![Vec::new(), b"no index".to_vec(), good[..good.len() / 2].to_vec()];
    damaged.extend((0..good.len()).step_by(good.len() / 37 + 1).map(flipped));
    for bytes in damaged {
        // The old one stays mapped.
        fs::remove_file(tree.store()).unwrap();
        fs::write(tree.store(), bytes).unwrap();
        let again = tree.open();
        same(&index.snapshot(), &again.snapshot());
        again.save().unwrap();
    }
}

#[test]
fn two_processes_share_a_cache() {
    let tree = Tree::new(&[("a.txt", "one")]);
    let (first, second) = (tree.open(), tree.open());
    first.save().unwrap();
    tree.write("b.txt", b"two");
    second.refresh(&go()).unwrap();
    second.save().unwrap();
    assert_eq!(places(&first.snapshot(), word("one")).len(), 1);
    first.refresh(&go()).unwrap();
    same(&first.snapshot(), &second.snapshot());
    first.save().unwrap();
    same(&tree.open().snapshot(), &second.snapshot());
    let left: Vec<_> =
        fs::read_dir(tree.cache.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["lexical.index"], "no temporary file is left");
}

#[test]
fn many_changes_at_once() {
    let files: Vec<(String, String)> =
        (0..900).map(|n| (format!("d{}/f{n}.py", n % 7), format!("def name{n}(): pass\n"))).collect();
    let tree =
        Tree::new(&files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect::<Vec<_>>());
    let index = tree.open();
    for (path, text) in &files[..700] {
        tree.write(path, text.replace("name", "other").as_bytes());
    }
    assert_eq!(index.refresh(&go()).unwrap().changed, 700);
    let snapshot = index.snapshot();
    assert_eq!(places(&snapshot, word("other3")), [("d3/f3.py".to_owned(), 1)]);
    assert!(places(&snapshot, word("name3")).is_empty());
    assert_eq!(places(&snapshot, word("name800")).len(), 1);
    same(&snapshot, &tree.open().snapshot());
}

#[test]
fn definitions_and_imports() {
    let tree = Tree::new(&[
        ("pkg/__init__.py", ""),
        (
            "pkg/shop.py",
            "from .money import Price\nimport os\n\nclass Shop:\n    def open(self):\n        pass\n",
        ),
        ("pkg/money.py", "class Price:\n    \"\"\"A class of things\n    def of nothing\n    \"\"\"\n"),
        ("web/app.ts", "import { a } from './lib'\nexport const run = () => 1\nexport function main() {}\n"),
        ("web/lib.ts", "export class Base {\n  open(door) {\n    if (door) {\n    }\n  }\n}\n"),
    ]);
    let index = tree.open();
    let snapshot = index.snapshot();
    let defined = |path: &str| {
        let file = snapshot.find(path).unwrap();
        snapshot.definitions(file).into_iter().map(|it| (it.line, it.name, it.kind)).collect::<Vec<_>>()
    };
    assert_eq!(defined("pkg/shop.py"), [(4, "Shop", Kind::Type), (5, "open", Kind::Function)]);
    assert_eq!(defined("pkg/money.py"), [(1, "Price", Kind::Type)]);
    assert_eq!(defined("web/app.ts"), [(2, "run", Kind::Value), (3, "main", Kind::Function)]);
    assert_eq!(defined("web/lib.ts"), [(1, "Base", Kind::Type), (2, "open", Kind::Function)]);
    let places: Vec<_> =
        snapshot.defined("open").into_iter().map(|(file, it)| (snapshot.path(file), it.line)).collect();
    assert_eq!(places, [("pkg/shop.py", 5), ("web/lib.ts", 2)]);
    let of =
        |files: Vec<u32>| files.into_iter().map(|file| snapshot.path(file).to_owned()).collect::<Vec<_>>();
    assert_eq!(of(snapshot.imported(snapshot.find("pkg/shop.py").unwrap())), ["pkg/money.py"]);
    assert_eq!(of(snapshot.importers(snapshot.find("pkg/money.py").unwrap())), ["pkg/shop.py"]);
    assert_eq!(of(snapshot.importers(snapshot.find("web/lib.ts").unwrap())), ["web/app.ts"]);
    // An unsaved import counts.
    assert!(index.overlay("pkg/__init__.py", "from .shop import Shop\n"));
    let snapshot = index.snapshot();
    let importers = snapshot.importers(snapshot.find("pkg/shop.py").unwrap());
    assert_eq!(
        importers.into_iter().map(|file| snapshot.path(file)).collect::<Vec<_>>(),
        ["pkg/__init__.py"]
    );
}

#[test]
fn what_is_hidden_stays_hidden_when_it_is_open() {
    let tree = Tree::new(&[(".gitignore", "secret.txt\n"), (".env", "KEY"), ("secret.txt", "KEY")]);
    let index = tree.open();
    for path in [".env", "secret.txt", ".git/config", "../outside", "/etc/passwd", "a//b", ""] {
        assert!(!index.overlay(path, "KEY"), "{path}");
    }
    assert!(index.overlay("new.txt", "KEY"));
    assert_eq!(places(&index.snapshot(), word("KEY")), [("new.txt".to_owned(), 1)]);
}

#[test]
fn hostile_files_cost_nothing_but_themselves() {
    let tree = Tree::new(&[("good.txt", "needle\n")]);
    tree.write("nul.bin", b"needle\0");
    tree.write("bad.txt", b"\xfa needle \xc3(\n");
    tree.write("utf16.txt", b"\xff\xfen\0e\0e\0d\0l\0e\0");
    tree.write("long.txt", &[b"needle ".repeat(1_000_000).as_slice(), b"end"].concat());
    tree.write("word.txt", &b"x".repeat(3_000_000));
    fs::File::create(tree.path().join("sparse.dat")).unwrap().set_len(1 << 40).unwrap();
    tree.write(&format!("{}deep.txt", "d/".repeat(150)), b"needle\n");
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("..", tree.path().join("loop")).unwrap();
        std::os::unix::fs::symlink("/etc/passwd", tree.path().join("link.txt")).unwrap();
        let made = std::process::Command::new("mkfifo").arg(tree.path().join("pipe.txt")).status();
        assert!(made.unwrap().success());
        let made = std::process::Command::new("mkfifo").arg(tree.path().join(".gitignore")).status();
        assert!(made.unwrap().success());
    }
    let index = tree.open();
    let snapshot = index.snapshot();
    let hits = places(&snapshot, word("needle"));
    let deep = format!("{}deep.txt", "d/".repeat(150));
    assert_eq!(
        hits.iter().map(|(path, _)| path.as_str()).collect::<Vec<_>>(),
        ["bad.txt", &*deep, "good.txt", "long.txt", "utf16.txt"]
    );
    assert_eq!(places(&snapshot, word(&"x".repeat(3_000_000))), [("word.txt".to_owned(), 1)]);
    assert!(places(&snapshot, word(&"x".repeat(2_999_999))).is_empty());
    let traits = |path: &str| snapshot.info(snapshot.find(path).unwrap()).traits;
    assert!(traits("nul.bin").has(Traits::BINARY) && traits("sparse.dat").has(Traits::BINARY));
    assert!(traits("bad.txt").has(Traits::NOT_UTF8) && traits("long.txt").has(Traits::MINIFIED));
}

#[test]
fn a_question_can_be_taken_back() {
    let tree = Tree::new(&[("a.txt", "one")]);
    let index = tree.open();
    let taken_back = AtomicBool::new(true);
    assert!(matches!(index.snapshot().search(Query::literal("."), &taken_back), Err(IndexError::Cancelled)));
    tree.write("a.txt", b"other");
    assert!(matches!(index.refresh(&taken_back), Err(IndexError::Cancelled)));
    assert!(matches!(Index::open(tree.path(), tree.cache.path(), &taken_back), Err(IndexError::Cancelled)));
    index.refresh(&go()).unwrap();
    assert_eq!(places(&index.snapshot(), word("other")).len(), 1);
}

#[test]
fn questions_are_answered_while_files_change() {
    let tree = Tree::new(&[("a.txt", "one\n"), ("b.txt", "one\n")]);
    let index = tree.open();
    let stop = go();
    std::thread::scope(|scope| {
        let asking = scope.spawn(|| {
            let mut asked = 0;
            while !stop.load(std::sync::atomic::Ordering::Relaxed) || asked == 0 {
                assert_eq!(places(&index.snapshot(), word("one")).len(), 2);
                asked += 1;
            }
        });
        for n in 0..60 {
            index.overlay("c.txt", &format!("two {n}"));
            tree.write("d.txt", format!("three {n}").as_bytes());
            index.refresh(&go()).unwrap();
            if n % 20 == 0 {
                index.save().unwrap();
            }
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        asking.join().unwrap();
    });
}
