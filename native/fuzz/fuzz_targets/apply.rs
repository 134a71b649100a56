//! Any answer in any format is applied or refused in words; what is written lies in the tree; and a block that stands in
//! a file once changes its own lines alone.
#![no_main]

use std::borrow::Cow;

use libfuzzer_sys::arbitrary::{Result, Unstructured};
use libfuzzer_sys::fuzz_target;
use wainwright_diff::apply::{
    Format, Refusal, Source, Tolerance, apply_edits, more_syntax_errors, read_answer,
};
use wainwright_diff::unified;

const PATHS: [&str; 5] = ["f.py", "src/g.rs", "web/h.ts", "notes.txt", "Makefile"];
const PIECES: [&str; 76] = [
    "\n",
    "\r\n",
    "\r",
    " ",
    "    ",
    "\t",
    "a",
    "b",
    "c",
    "x = 1\n",
    "y = 2\n",
    "def f():\n",
    "def g(a, b):\n",
    "    return a\n",
    "    pass\n",
    "class C:\n",
    "fn f() {\n",
    "}\n",
    "{\n",
    "function f() {\n",
    "  return 1;\n",
    "// c\n",
    "# c\n",
    "\"",
    "'",
    "\u{201c}",
    "\u{2019}",
    "\u{a0}",
    "\u{feff}",
    "é",
    "\u{1f600}",
    "&lt;",
    "&amp;",
    "&",
    "<",
    ">",
    "...\n",
    "# ...\n",
    "// ... existing code ...\n",
    "\u{2026}",
    "<<<<<<< SEARCH\n",
    "=======\n",
    ">>>>>>> REPLACE\n",
    "<<<<<<< FILE f.py\n",
    ">>>>>>> FILE\n",
    "<<<<<<< DELETE f.py\n",
    "<<<<<<< SEARCH f.py\n",
    "f.py\n",
    "src/g.rs\n",
    "--- a/f.py\n",
    "+++ b/f.py\n",
    "--- /dev/null\n",
    "+++ /dev/null\n",
    "@@ -1,3 +1,4 @@\n",
    "@@ -2 +2 @@ def f():\n",
    "@@\n",
    "@@ def f():\n",
    "-",
    "+",
    " a\n",
    "+a\n",
    "-a\n",
    "\\ No newline at end of file\n",
    "diff --git a/f.py b/f.py\n",
    "rename from f.py\n",
    "rename to ../h.py\n",
    "*** Begin Patch\n",
    "*** End Patch\n",
    "*** Update File: f.py\n",
    "*** Add File: n/e.py\n",
    "*** Delete File: f.py\n",
    "*** Move to: m.py\n",
    "*** End of File\n",
    "```\n",
    "```python\n",
    "../",
];

fn text(input: &mut Unstructured<'_>, most: usize, pieces: &[&str]) -> Result<String> {
    let mut text = String::new();
    for _ in 0..input.int_in_range(0..=most)? {
        text.push_str(pieces[usize::from(input.arbitrary::<u8>()?) % pieces.len()]);
    }
    Ok(text)
}

fn format(number: u8) -> Format<'static> {
    match number % 6 {
        0 => Format::Auto,
        1 => Format::Blocks,
        2 => Format::Unified,
        3 => Format::V4a,
        4 => Format::Function { path: "f.py", symbol: if number > 128 { "C.f" } else { "f" } },
        _ => Format::File { path: "f.py" },
    }
}

type Changes = Vec<(String, Option<String>)>;

/// What an answer makes of the files, and whether some of it stood there before.
fn attempt<'t>(
    files: &'t [(&str, String)],
    answer: &str,
    format: Format<'_>,
) -> std::result::Result<(Changes, bool), Refusal> {
    let tree: Vec<&str> = files.iter().map(|(path, _)| *path).collect();
    let edits = read_answer(answer, format, Some("f.py"))?;
    let read = |path: &str| {
        let found = files.iter().find(|(name, _)| *name == path);
        found.map_or(Source::Nothing, |(_, text)| Source::Text(Cow::<'t, str>::Borrowed(text)))
    };
    let applied = apply_edits(edits, &tree, read)?;
    let there = applied.done.iter().any(|done| done.tolerances.has(Tolerance::AlreadyThere));
    Ok((applied.changes.into_iter().map(|change| (change.path, change.after)).collect(), there))
}

fn any(files: &[(&str, String)], answer: &str, format: Format<'_>) {
    let found = attempt(files, answer, format);
    assert_eq!(found, attempt(files, answer, format));
    match found {
        Err(refusal) => {
            assert!(!refusal.explain().is_empty());
            let most = files.iter().map(|(_, text)| text.len() + 2).max().unwrap_or(0);
            assert!(refusal.places.iter().all(|place| place.line >= 1 && place.line as usize <= most));
        }
        Ok((changes, _)) => {
            for (path, after) in changes {
                let inside = |part: &str| !part.is_empty() && part != ".." && part != ".";
                assert!(path.split('/').all(inside), "{path:?}");
                let before = files.iter().find(|(name, _)| *name == path).map_or("", |(_, text)| text);
                let _ = more_syntax_errors(&path, before, after.as_deref().unwrap_or(""));
            }
        }
    }
}

/// What is applied is what was wanted, unless the new lines stood there before.
fn check(files: &[(&str, String)], answer: &str, format: Format<'_>, is_clear: bool, wanted: &str) {
    if let Ok((changes, there)) = attempt(files, answer, format) {
        let after = changes.first().map_or(&files[0].1, |(_, after)| after.as_ref().expect("a text"));
        assert!(*after == wanted || there || !is_clear, "{after:?}, not {wanted:?}:\n{answer}");
    }
}

/// Lines of a file, quoted exactly, that stand there once.
fn own_lines_alone(input: &mut Unstructured<'_>) -> Result<()> {
    const LINES: [&str; 14] = [
        "a",
        "b",
        "c",
        "d",
        "    a",
        "    b",
        "\tc",
        "",
        "x = 1",
        "if a:",
        "    return b",
        "}",
        "foo(a, b)",
        "    e\u{301} é",
    ];
    let count = input.int_in_range(1..=24)?;
    let mut lines = Vec::new();
    for _ in 0..count {
        lines.push(format!("{}\n", LINES[usize::from(input.arbitrary::<u8>()?) % LINES.len()]));
    }
    let start = input.int_in_range(0..=count - 1)?;
    let length = input.int_in_range(1..=count - start)?;
    let mut new = String::new();
    for _ in 0..input.int_in_range(0..=4)? {
        new.push_str(LINES[usize::from(input.arbitrary::<u8>()?) % LINES.len()]);
        new.push('\n');
    }
    let old = lines[start..start + length].concat();
    let file = lines.concat();
    let wanted = lines[..start].concat() + &new + &lines[start + length..].concat();
    let places = lines.windows(length).filter(|window| window.concat() == old).count();
    let files = [("f.py", file.clone())];
    let answer = format!("<<<<<<< SEARCH\n{old}=======\n{new}>>>>>>> REPLACE\n");
    check(&files, &answer, Format::Blocks, places == 1, &wanted);
    let difference =
        unified(&file, &wanted, "a/f.py", "b/f.py", u32::try_from(input.int_in_range(0..=5)?).unwrap_or(3));
    if !difference.is_empty() {
        check(&files, &difference, Format::Unified, true, &wanted);
    }
    Ok(())
}

fn run(data: &[u8]) -> Result<()> {
    let mut input = Unstructured::new(data);
    let kind = input.arbitrary::<u8>()?;
    if kind < 64 {
        return own_lines_alone(&mut input);
    }
    let form = format(input.arbitrary()?);
    let mut files = Vec::new();
    for path in &PATHS[..=usize::from(kind) % 3] {
        files.push((*path, text(&mut input, 30, &PIECES[..40])?));
    }
    let mut answer = text(&mut input, 40, &PIECES)?;
    if kind >= 160 {
        answer.push_str(&String::from_utf8_lossy(input.take_rest()));
    }
    any(&files, &answer, form);
    Ok(())
}

fuzz_target!(|data: &[u8]| {
    let _ = run(data);
});
