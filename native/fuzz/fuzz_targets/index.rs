//! Whatever is done to a tree and its open buffers, the index says what reading everything says, also after it was saved and
//! opened again; and files of any bytes cost nothing but themselves.
#![no_main]

use std::collections::BTreeMap;
use std::hint::black_box;

use libfuzzer_sys::arbitrary::{Result, Unstructured};
use libfuzzer_sys::fuzz_target;
use wainwright_indexer::rank::{Asked, Live, Moment};
use wainwright_indexer::{How, Query, Structure, SymbolQuery};

#[path = "../../indexer/tests/oracle/mod.rs"]
#[allow(dead_code, reason = "not all of it is needed here")]
mod oracle;
use oracle::{Act, PATHS, RULES, Tree, WORDS, check, go, outlines_are_fresh, perform, same};

const BETWEEN: [&str; 10] = [" ", "\n", ".", "(", "\ndef ", "\r\n", "-", "\nfn ", "\nimport ", "\n\tclass "];
const STRANGE: [&str; 8] = ["r.py", "r.go", "r.js", "src/r.rs", "r.md", "r", "lib/r.c", "r.rb"];

fn text(input: &mut Unstructured<'_>) -> Result<String> {
    let mut text = String::new();
    for _ in 0..input.int_in_range(0..=24)? {
        let piece = usize::from(input.arbitrary::<u8>()?) % (WORDS.len() + BETWEEN.len());
        text.push_str(WORDS.get(piece).unwrap_or_else(|| &BETWEEN[piece - WORDS.len()]));
    }
    Ok(text)
}

fn act(input: &mut Unstructured<'_>) -> Result<Act> {
    let kind = input.arbitrary::<u8>()? % 17;
    let path = *input.choose(&PATHS)?;
    Ok(match kind {
        0..6 => Act::Write(path, text(input)?),
        6..8 => Act::Delete(path),
        8 => Act::DeleteFolder(["src", "src/deep", "lib"][path.len() % 3]),
        9 => Act::Rules(RULES[path.len() % RULES.len()]),
        10..13 => Act::Overlay(path, text(input)?),
        13..15 => Act::Drop(path),
        15 => Act::Save,
        _ => Act::Reopen,
    })
}

/// Asks all that can be asked; only that there is an answer matters.
fn ask(tree: &Tree, index: &wainwright_indexer::Index, structure: &Structure, words: &str) {
    let snapshot = index.snapshot();
    let filled = structure.fill(&snapshot, &[], 1, &go());
    assert_eq!(filled.ready, filled.files);
    outlines_are_fresh(&snapshot, structure);
    for file in snapshot.files() {
        assert_eq!(snapshot.find(snapshot.path(file)), Some(file));
        black_box((snapshot.definitions(file), snapshot.imports(file)));
        assert!(
            snapshot
                .imported(file)
                .into_iter()
                .chain(snapshot.importers(file))
                .all(|file| snapshot.has(file))
        );
    }
    let names = words.split_whitespace().take(4).chain(["alpha", "x_beta", ""]);
    for name in names {
        let exact = oracle::places(&snapshot, oracle::word(name));
        let found = snapshot.search(Query { word: true, ..Query::literal(name) }, &go());
        assert_eq!(found.map(|found| found.hits.len()).unwrap_or_default(), exact.len());
        let by_reading = wainwright_indexer::search(tree.path(), Query::literal(name)).expect("a literal");
        let by_index = snapshot.search(Query::literal(name), &go()).expect("a literal");
        assert_eq!(by_index.hits, by_reading.hits, "{name:?}");
        for how in [How::Exact, How::Prefix, How::Fuzzy] {
            black_box(structure.find_symbol(&snapshot, &SymbolQuery { name, how, kinds: &[], limit: 9 }));
        }
        let usages = structure.references(&snapshot, name, 9);
        assert!(usages.found.iter().all(|usage| usage.at.len() <= name.len()));
        black_box(structure.callers(&snapshot, name, 9));
    }
    let asked = Asked { query: words, moment: &Moment::default(), limit: 9, tokens: 500 };
    let (ranking, _) = Live::default().rank(&snapshot, Some(structure), "", asked);
    assert!(ranking.files.len() <= 9 && ranking.functions.len() <= 9);
}

fn run(data: &[u8]) -> Result<()> {
    let mut input = Unstructured::new(data);
    let tree = Tree::new(&[("a.py", "alpha beta\n"), ("src/deep/c.go", "x_beta alpha\n")]);
    let mut index = tree.open();
    let mut unsaved = BTreeMap::new();
    for _ in 0..input.int_in_range(0..=10)? {
        let (act, how) = (act(&mut input)?, input.arbitrary::<u8>()?);
        perform(&tree, &mut index, &mut unsaved, &act, how % 2 == 0);
        if how < 50 {
            check(&tree, &index, &unsaved);
        }
    }
    check(&tree, &index, &unsaved);
    for path in unsaved.keys() {
        index.drop_overlay(path);
    }
    let mut strange = Vec::new();
    for _ in 0..input.int_in_range(0..=2)? {
        strange.push((*input.choose(&STRANGE)?, input.arbitrary::<u8>()?));
    }
    let rest = input.take_rest();
    for (path, part) in strange {
        tree.write(path, &rest[rest.len() * usize::from(part) / 512..]);
        index.refresh_paths(&[path], &go()).expect("a look");
    }
    index.save().expect("the store");
    let structure = Structure::open(tree.cache.path());
    ask(&tree, &index, &structure, &String::from_utf8_lossy(&rest[..rest.len().min(200)]));
    same(&index.snapshot(), &tree.open().snapshot());
    let other = tempfile::tempdir().expect("a folder");
    let fresh = wainwright_indexer::Index::open(tree.path(), other.path(), &go()).expect("an index");
    same(&index.snapshot(), &fresh.snapshot());
    Ok(())
}

fuzz_target!(|data: &[u8]| {
    let _ = run(data);
});
