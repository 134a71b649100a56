//! The structural tier over small trees: what is found, kept, shared, and survives damage.

use std::fs;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use wainwright_indexer::{How, Index, Snapshot, Structure, SymbolQuery};
use wainwright_syntax::{Kind, Language};

const SHOP: &str = "import tax\n\nclass Shop:\n    def sell(self, item):\n        return tax.rate(item) + self.count()\n\n    def count(self):\n        return 1\n";
const TAX: &str =
    "def rate(item):\n    return item.price() * 2\n\n\ndef rates():\n    return [rate(1), rate(2)]\n";
const MAIN: &str = "package main\n\nfunc (s *Shop) Sell() int {\n\treturn rate(1)\n}\n";

#[expect(clippy::disallowed_methods, reason = "the test makes its own tree")]
fn write(path: &Path, content: impl AsRef<[u8]>) {
    fs::create_dir_all(path.parent().expect("a folder")).expect("the folder");
    fs::write(path, content).expect("the file");
}

fn shop() -> tempfile::TempDir {
    let root = tempfile::tempdir().expect("a folder");
    for (path, content) in [("shop.py", SHOP), ("tax.py", TAX), ("vendor/main.go", MAIN), ("data.bin", "\0")]
    {
        write(&root.path().join(path), content);
    }
    root
}

fn index(root: &Path) -> Index {
    let cache = tempfile::tempdir().expect("a folder");
    Index::open(root, cache.path(), &AtomicBool::new(false)).expect("an index")
}

fn symbols(structure: &Structure, snapshot: &Snapshot, name: &str, how: How, kinds: &[Kind]) -> Vec<String> {
    let query = SymbolQuery { name, how, kinds, limit: 20 };
    let found = structure.find_symbol(snapshot, &query);
    let line = |symbol: &wainwright_indexer::Symbol| symbol.definition.start_line;
    found
        .iter()
        .map(|symbol| format!("{}:{} {}", snapshot.path(symbol.file), line(symbol), symbol.qualname))
        .collect()
}

/// How many files were parsed, and how many have a record.
fn fill(structure: &Structure, snapshot: &Snapshot) -> (usize, usize) {
    let filled = structure.fill(snapshot, &[], 2, &AtomicBool::new(false));
    assert!(filled.saved);
    assert_eq!(filled.ready, filled.files);
    (filled.parsed, filled.files)
}

#[test]
fn symbols_references_and_callers_are_found() {
    let root = shop();
    let cache = tempfile::tempdir().expect("a folder");
    let index = index(root.path());
    let snapshot = index.snapshot();
    let structure = Structure::open(cache.path());
    assert_eq!(fill(&structure, &snapshot), (3, 3));
    let find = |name, how, kinds: &[Kind]| symbols(&structure, &snapshot, name, how, kinds);

    assert_eq!(find("rate", How::Exact, &[]), ["tax.py:1 rate"]);
    assert_eq!(find("Shop.sell", How::Exact, &[]), ["shop.py:4 Shop.sell"]);
    assert_eq!(find("Other.sell", How::Exact, &[]), [""; 0]);
    // Someone else's code comes last.
    let both = ["shop.py:4 Shop.sell", "vendor/main.go:3 Shop.Sell"];
    assert_eq!(find("SELL", How::Prefix, &[]), both);
    assert_eq!(find("ra", How::Prefix, &[]), ["tax.py:1 rate", "tax.py:5 rates"]);
    assert_eq!(find("rts", How::Fuzzy, &[Kind::Function]), ["tax.py:5 rates"]);
    assert_eq!(find("s", How::Prefix, &[Kind::Class]), ["shop.py:3 Shop"]);

    let usages = structure.references(&snapshot, "rate", 10);
    let within = |usage: &wainwright_indexer::Usage| usage.within.clone().map(|within| within.0);
    let seen: Vec<_> = usages
        .found
        .iter()
        .map(|usage| (snapshot.path(usage.file), usage.line, within(usage).unwrap_or_default()))
        .collect();
    let expected = [
        ("shop.py", 5, "Shop.sell".to_owned()),
        ("tax.py", 6, "rates".to_owned()),
        ("tax.py", 6, "rates".to_owned()),
        ("vendor/main.go", 4, "Shop.Sell".to_owned()),
    ];
    assert_eq!(seen, expected);
    assert!(usages.complete);
    let few = structure.references(&snapshot, "rate", 2);
    assert_eq!((few.found.len(), few.complete), (2, false));

    let (callers, complete) = structure.callers(&snapshot, "rate", 10);
    let lines: Vec<_> = callers.iter().map(|caller| caller.lines.clone()).collect();
    assert_eq!((lines, complete), (vec![vec![5], vec![6, 6], vec![4]], true));
}

#[test]
fn what_is_not_filled_in_is_parsed_for_the_question() {
    let root = shop();
    let cache = tempfile::tempdir().expect("a folder");
    let index = index(root.path());
    let snapshot = index.snapshot();
    let structure = Structure::open(cache.path());
    let usages = structure.references(&snapshot, "rate", 10);
    assert_eq!((usages.found.len(), usages.complete), (4, true));
    let file = snapshot.find("shop.py").expect("the file");
    let (outline, text) = structure.outline(&snapshot, file).expect("an outline");
    assert_eq!(text, SHOP.as_bytes());
    assert_eq!(outline.qualname(1), "Shop.sell");
    assert!(structure.outline(&snapshot, snapshot.find("data.bin").expect("the file")).is_none());
}

#[test]
fn the_unsaved_text_counts() {
    let root = shop();
    let cache = tempfile::tempdir().expect("a folder");
    let index = index(root.path());
    let structure = Structure::open(cache.path());
    fill(&structure, &index.snapshot());
    index.overlay("tax.py", "def duty():\n    pass\n");
    let snapshot = index.snapshot();
    fill(&structure, &snapshot);
    assert_eq!(symbols(&structure, &snapshot, "duty", How::Exact, &[]), ["tax.py:1 duty"]);
    assert_eq!(symbols(&structure, &snapshot, "rate", How::Exact, &[]), [""; 0]);
    index.drop_overlay("tax.py");
    let snapshot = index.snapshot();
    assert_eq!(symbols(&structure, &snapshot, "rate", How::Exact, &[]), ["tax.py:1 rate"]);
    assert_eq!(symbols(&structure, &snapshot, "duty", How::Exact, &[]), [""; 0]);
}

#[test]
fn what_is_typed_letter_by_letter_is_read_as_a_whole_would_be() {
    let root = shop();
    let cache = tempfile::tempdir().expect("a folder");
    let index = index(root.path());
    let structure = Structure::open(cache.path());
    let typed = "\n\nclass Till:\n    def open(self):\n        return rate(self)\n";
    for (path, before) in [("shop.py", SHOP), ("tax.py", TAX)] {
        for end in (0..=typed.len()).chain((0..typed.len()).rev().step_by(9)) {
            let text = format!("{}{}{}", &before[..40], &typed[..end], &before[40..]);
            index.overlay(path, &text);
            let snapshot = index.snapshot();
            let file = snapshot.find(path).expect("the file");
            let (found, _) = structure.outline(&snapshot, file).expect("an outline");
            let whole = wainwright_syntax::outline(
                Language::Python,
                text.as_bytes(),
                &wainwright_syntax::Limits::default(),
            );
            assert_eq!((found.definitions, found.errors), (whole.definitions, whole.errors), "{text}");
        }
    }
}

#[test]
fn unsaved_texts_are_not_kept() {
    let root = shop();
    let cache = tempfile::tempdir().expect("a folder");
    let index = index(root.path());
    let structure = Structure::open(cache.path());
    fill(&structure, &index.snapshot());
    let bytes = || fs::metadata(cache.path().join("structure.records")).expect("the records").len();
    let (before, records) = (bytes(), structure.stats(&index.snapshot()).bytes);
    for typed in ["a", "ab", "abc"] {
        index.overlay("tax.py", &format!("def {typed}():\n    pass\n"));
        let snapshot = index.snapshot();
        let name = format!("tax.py:1 {typed}");
        assert!(structure.outline(&snapshot, snapshot.find("tax.py").expect("the file")).is_some());
        assert_eq!(symbols(&structure, &snapshot, typed, How::Exact, &[]), [name]);
    }
    assert_eq!(bytes(), before);
    let held = structure.stats(&index.snapshot()).bytes - records;
    assert!(held < 400, "{held}: only the last is held");
}

#[test]
fn roots_and_openings_share_what_is_kept() {
    let (one, other) = (shop(), shop());
    write(&other.path().join("more.py"), "def more():\n    pass\n");
    let cache = tempfile::tempdir().expect("a folder");
    let (index_one, index_other) = (index(one.path()), index(other.path()));
    let early = Structure::open(cache.path());
    assert_eq!(fill(&Structure::open(cache.path()), &index_one.snapshot()), (3, 3));
    assert_eq!(fill(&Structure::open(cache.path()), &index_other.snapshot()), (1, 4));
    assert_eq!(fill(&early, &index_other.snapshot()), (0, 4), "written by others since it was opened");
    assert_eq!(symbols(&early, &index_other.snapshot(), "more", How::Exact, &[]), ["more.py:1 more"]);
}

#[test]
fn a_damaged_file_costs_only_what_is_damaged() {
    let root = shop();
    let cache = tempfile::tempdir().expect("a folder");
    let index = index(root.path());
    let snapshot = index.snapshot();
    let kept = cache.path().join("structure.records");
    fill(&Structure::open(cache.path()), &snapshot);
    let whole = fs::read(&kept).expect("the records");
    let before = symbols(&Structure::open(cache.path()), &snapshot, "rate", How::Exact, &[]);
    for damage in (0..whole.len()).step_by(3) {
        let mut bytes = whole.clone();
        bytes[damage] ^= 0x55;
        // A batch that was not written to its end.
        bytes.extend_from_slice(&whole[..damage]);
        write(&kept, &bytes);
        let structure = Structure::open(cache.path());
        fill(&structure, &snapshot);
        assert_eq!(symbols(&structure, &snapshot, "rate", How::Exact, &[]), before, "byte {damage}");
        let (parsed, _) = fill(&Structure::open(cache.path()), &snapshot);
        assert_eq!(parsed, 0, "what was written behind byte {damage} is found");
    }
}

#[test]
fn a_filling_can_be_stopped() {
    let root = shop();
    let cache = tempfile::tempdir().expect("a folder");
    let index = index(root.path());
    let structure = Structure::open(cache.path());
    let filled = structure.fill(&index.snapshot(), &[], 2, &AtomicBool::new(true));
    assert_eq!((filled.parsed, filled.ready, filled.files), (0, 0, 3));
}

#[test]
fn a_folder_that_cannot_be_written_is_done_without() {
    let root = shop();
    let cache = tempfile::tempdir().expect("a folder");
    write(&cache.path().join("file"), "");
    let index = index(root.path());
    let structure = Structure::open(&cache.path().join("file"));
    let filled = structure.fill(&index.snapshot(), &[], 1, &AtomicBool::new(false));
    assert_eq!((filled.parsed, filled.saved), (3, false));
    assert_eq!(symbols(&structure, &index.snapshot(), "rate", How::Exact, &[]), ["tax.py:1 rate"]);
}
