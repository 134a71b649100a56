//! A file of any bytes where an index or its records should be: it is refused, or read as something, and what was damaged is
//! read from the sources again.
#![no_main]

use std::fs;
use std::hint::black_box;
use std::sync::OnceLock;

use libfuzzer_sys::arbitrary::{Result, Unstructured};
use libfuzzer_sys::fuzz_target;
use wainwright_indexer::{How, Index, Query, Structure, SymbolQuery};
use xxhash_rust::xxh3::xxh3_64;

#[path = "../../indexer/tests/oracle/mod.rs"]
#[allow(dead_code, reason = "not all of it is needed here")]
mod oracle;
use oracle::{Tree, go, same};

const STORES: [&str; 2] = ["lexical.index", "structure.records"];
const FILES: [(&str, &str); 4] = [
    (
        "shop.py",
        "import tax\n\nclass Shop:\n    def sell(self, item):\n        return tax.rate(item) + self.count()\n",
    ),
    ("tax.py", "def rate(item):\n    return item.price() * 2\n"),
    ("web/main.go", "package main\n\nimport \"fmt\"\n\nfunc Sell() int {\n\treturn rate(1)\n}\n"),
    ("README.md", "# A shop\n\nIt sells.\n"),
];

/// A tree that does not change, and its stores as they should be: of the index and of the structure.
fn intact() -> &'static (Tree, [Vec<u8>; 2]) {
    static INTACT: OnceLock<(Tree, [Vec<u8>; 2])> = OnceLock::new();
    INTACT.get_or_init(|| {
        let tree = Tree::new(&FILES);
        let index = tree.open();
        index.save().expect("the store");
        let structure = Structure::open(tree.cache.path());
        structure.fill(&index.snapshot(), &[], 1, &go());
        let bytes = STORES.map(|name| fs::read(tree.cache.path().join(name)).expect("a store"));
        (tree, bytes)
    })
}

/// Makes one batch of damaged records whose checksum is right, so that what is behind it is read.
fn sign(records: &mut [u8]) {
    if records.len() >= 32 {
        let length = (records.len() - 32) as u64;
        records[16..24].copy_from_slice(&length.to_le_bytes());
        let sum = xxh3_64(&records[32..]);
        records[24..32].copy_from_slice(&sum.to_le_bytes());
    }
}

fn damage(input: &mut Unstructured<'_>, bytes: &mut Vec<u8>) -> Result<()> {
    for _ in 0..input.int_in_range(0..=12)? {
        let at = input.int_in_range(0..=bytes.len())?;
        match input.arbitrary::<u8>()? % 8 {
            0 => bytes.truncate(at),
            1 => {
                let copy = bytes[at..].to_vec();
                bytes.extend_from_slice(&copy);
            }
            2 => {
                let end = (at + usize::from(input.arbitrary::<u8>()?)).min(bytes.len());
                bytes.drain(at..end);
            }
            3 => bytes[at..].iter_mut().take(8).for_each(|byte| *byte = 0xFF),
            _ => {
                let new = input.arbitrary::<u8>()?;
                bytes[at..].iter_mut().take(1).for_each(|byte| *byte = new);
            }
        }
    }
    Ok(())
}

fn ask(index: &Index, structure: &Structure) {
    let snapshot = index.snapshot();
    for file in snapshot.files() {
        black_box((
            snapshot.path(file),
            snapshot.info(file),
            snapshot.definitions(file),
            snapshot.imports(file),
        ));
        black_box((snapshot.imported(file), snapshot.importers(file)));
        if let Some((outline, _)) = structure.outline(&snapshot, file) {
            (0..outline.definitions.len()).for_each(|at| drop(outline.qualname(at)));
        }
    }
    for word in ["rate", "sell", "Sell", ""] {
        black_box((
            snapshot.word(word),
            snapshot.subword(word),
            snapshot.words_with_subword(word),
            snapshot.defined(word),
        ));
        let _ = snapshot.search(Query::literal(word), &go());
        for how in [How::Exact, How::Prefix, How::Fuzzy] {
            black_box(
                structure.find_symbol(&snapshot, &SymbolQuery { name: word, how, kinds: &[], limit: 9 }),
            );
        }
        black_box((structure.references(&snapshot, word, 9), structure.callers(&snapshot, word, 9)));
    }
    black_box((structure.stats(&snapshot), index.stats()));
}

fn run(data: &[u8]) -> Result<()> {
    let mut input = Unstructured::new(data);
    let (tree, [index, records]) = intact();
    let (mut index, mut records) = (index.clone(), records.clone());
    let (signed, raw) = (input.arbitrary::<bool>()?, input.arbitrary::<bool>()?);
    damage(&mut input, &mut index)?;
    damage(&mut input, &mut records)?;
    if raw {
        let rest = input.take_rest();
        let (one, other) = rest.split_at(rest.len() / 2);
        index.extend_from_slice(one);
        records.extend_from_slice(other);
    }
    if signed {
        sign(&mut records);
    }
    let cache = tempfile::tempdir().expect("a folder");
    for (name, bytes) in STORES.iter().zip([&index, &records]) {
        fs::write(cache.path().join(name), bytes).expect("a store");
    }
    let found = Index::open(tree.path(), cache.path(), &go()).expect("an index");
    let structure = Structure::open(cache.path());
    ask(&found, &structure);
    let filled = structure.fill(&found.snapshot(), &[], 1, &go());
    ask(&found, &structure);
    same(&found.snapshot(), &tree.open().snapshot());
    if !signed {
        assert!(filled.saved && filled.ready == filled.files);
        let (snapshot, plain) = (found.snapshot(), Structure::open(tree.cache.path()));
        for file in snapshot.files() {
            assert_eq!(structure.outline(&snapshot, file), plain.outline(&snapshot, file));
        }
        let again = Structure::open(cache.path()).fill(&snapshot, &[], 1, &go());
        assert_eq!(again.parsed, 0, "what was written is found");
    }
    let _ = found.save();
    Ok(())
}

fuzz_target!(|data: &[u8]| {
    let _ = run(data);
});
