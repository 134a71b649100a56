//! The index against the plainest way to answer: read every file, look at every line.

#![expect(clippy::disallowed_methods, reason = "the tests make and change their own trees")]

use std::collections::BTreeMap;
use std::fs;
use std::sync::atomic::AtomicBool;

use proptest::prelude::*;
use wainwright_indexer::rank::{Asked, Live, Moment};
use wainwright_indexer::{Index, IndexError, Kind, Query, Structure, Traits};

mod oracle;
use oracle::*;

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
        let structure = Structure::open(tree.cache.path());
        let filled = structure.fill(&index.snapshot(), &[], 2, &go());
        prop_assert!(filled.ready == filled.files && filled.saved);
        outlines_are_fresh(&index.snapshot(), &structure);
        let asked = Asked { query: "where alpha beta is x_beta", moment: &Moment::default(), limit: 3, tokens: 200 };
        let (ranking, _) = Live::default().rank(&index.snapshot(), Some(&structure), "", asked);
        prop_assert!(ranking.files.len() <= 3 && ranking.functions.len() <= 3);
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
fn what_a_killed_writer_left_is_removed() {
    let tree = Tree::new(&[("a.txt", "one")]);
    let old = std::time::SystemTime::now() - std::time::Duration::from_secs(2 * 3600);
    for (name, time) in [("lexical.1.tmp", Some(old)), ("lexical.2.tmp", None), ("other", Some(old))] {
        fs::write(tree.cache.path().join(name), "half").unwrap();
        let file = fs::File::options().append(true).open(tree.cache.path().join(name)).unwrap();
        if let Some(time) = time {
            file.set_modified(time).unwrap();
        }
    }
    tree.open().save().unwrap();
    let mut left: Vec<_> =
        fs::read_dir(tree.cache.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["lexical.2.tmp", "lexical.index", "other"]);
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

#[cfg(unix)]
#[test]
fn a_folder_that_became_a_link_shows_nothing_from_outside() {
    use std::os::unix::fs::symlink;

    let outside = Tree::new(&[("deep/secret.txt", "needle\n"), ("secret.txt", "needle\n")]);
    let looks: [fn(&Index); 4] = [
        |index| _ = index.refresh(&go()).unwrap(),
        |index| _ = index.refresh_paths(&["src"], &go()).unwrap(),
        |index| _ = index.refresh_paths(&["src/deep"], &go()).unwrap(),
        |index| _ = index.refresh_paths(&["src/deep/secret.txt", "src/secret.txt"], &go()).unwrap(),
    ];
    for look in looks {
        let tree = Tree::new(&[("a.txt", "one"), ("src/own.txt", "one"), ("src/deep/own.txt", "one")]);
        let index = tree.open();
        fs::rename(tree.path().join("src"), tree.cache.path().join("away")).unwrap();
        symlink(outside.path(), tree.path().join("src")).unwrap();
        look(&index);
        let snapshot = index.snapshot();
        let found: Vec<_> = snapshot.files().map(|file| snapshot.path(file).to_owned()).collect();
        assert!(!found.iter().any(|path| path.contains("secret")), "{found:?}");
        assert!(places(&snapshot, word("needle")).is_empty());
        index.refresh(&go()).unwrap();
        same(&index.snapshot(), &tree.open().snapshot());
    }
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
