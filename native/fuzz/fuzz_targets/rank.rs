//! Any question over any texts and any history is answered, within its bounds, the same way twice.
#![no_main]

use libfuzzer_sys::arbitrary::{Result, Unstructured};
use libfuzzer_sys::fuzz_target;
use wainwright_indexer::each_subword;
use wainwright_indexer::rank::{Ranker, TreeEntry};

const PIECES: [&str; 48] = [
    "a",
    "voucher",
    "Voucher",
    "apply_voucher",
    "cart",
    "Cart.total",
    " ",
    " ",
    " ",
    "\n",
    "\n",
    ".",
    "/",
    "_",
    "(",
    ")",
    "`",
    "\"",
    "def ",
    "class ",
    "import ",
    "    ",
    "return ",
    "shop/cart.py",
    "tests/test_cart.py",
    "README.md",
    "é",
    "ß",
    "İ",
    "\u{1f600}",
    "0",
    "18446744073709551616",
    "\u{1}",
    "\u{2}",
    "\u{1}c1\u{2}c0\u{2}",
    "\u{2}\nM\tshop/cart.py\n",
    "R100\ta.py\tshop/cart.py\n",
    "A\t",
    "D\t",
    "\t",
    "Traceback (most recent call last):\n",
    "  File \"shop/cart.py\", line 3, in total\n",
    "fix ",
    "#12",
    "the ",
    "http://x.y/z",
    "CamelCaseName",
    "snake_case_name",
];
const PATHS: [&str; 8] =
    ["shop/cart.py", "tests/test_cart.py", "README.md", "a.go", "src/İ.rs", "vendor/x.js", "docs/a.md", "x"];

fn text(input: &mut Unstructured<'_>, most: usize) -> Result<String> {
    let mut text = String::new();
    for _ in 0..input.int_in_range(0..=most)? {
        let piece = input.arbitrary::<u8>()?;
        match PIECES.get(usize::from(piece)) {
            Some(piece) => text.push_str(piece),
            None => {
                text.push_str(&PIECES[usize::from(piece) % PIECES.len()].repeat(1 + usize::from(piece % 5)))
            }
        }
    }
    Ok(text)
}

fn ranked(
    files: &[(&str, Vec<u8>)],
    log: &str,
    query: &str,
    (tip, limit): (&str, usize),
) -> impl PartialEq + std::fmt::Debug {
    let mut ranker = Ranker::default();
    let half = (0..=log.len() / 2).rev().find(|at| log.is_char_boundary(*at)).unwrap_or(0);
    ranker.read_history(&log[..half]);
    ranker.read_history(&log[half..]);
    let entry = |(path, text): &(&str, Vec<u8>)| TreeEntry {
        path: (*path).to_owned(),
        object: (*path).to_owned(),
        size: text.len() as u64,
    };
    let tree: Vec<TreeEntry> = files.iter().map(entry).collect();
    for object in ranker.missing(&tree) {
        let text = files.iter().find(|(path, _)| *path == object).map(|(_, text)| text.clone());
        ranker.supply(&object, &object, text.unwrap_or_default());
    }
    let values = ranker.values(&tree, tip, query);
    let ranking = ranker.rank(&tree, tip, query, limit);
    assert!(ranking.files.len() <= limit && ranking.functions.len() <= limit);
    assert!(ranking.files.iter().all(|file| files.iter().any(|(path, _)| *path == file.path)));
    for function in &ranking.functions {
        assert!(1 <= function.start_line && function.start_line <= function.end_line);
    }
    drop(values);
    ranking
}

fn run(data: &[u8]) -> Result<()> {
    let mut input = Unstructured::new(data);
    let query = text(&mut input, 30)?;
    let log = text(&mut input, 40)?;
    let mut files: Vec<(&str, Vec<u8>)> = Vec::new();
    for path in &PATHS[..input.int_in_range(0..=PATHS.len())?] {
        files.push((*path, text(&mut input, 30)?.into_bytes()));
    }
    let with = (*input.choose(&["c1", "c0", ""])?, input.int_in_range(0..=9)?);
    if let Some((_, text)) = files.last_mut() {
        text.extend_from_slice(input.take_rest());
    }
    let found = ranked(&files, &log, &query, with);
    if data.len() % 8 == 0 {
        assert_eq!(found, ranked(&files, &log, &query, with));
    }
    each_subword(&query, |part| assert!(!part.is_empty()));
    Ok(())
}

fuzz_target!(|data: &[u8]| {
    let _ = run(data);
});
