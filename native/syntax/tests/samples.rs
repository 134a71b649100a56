//! Each sample file has the outline that is expected of it beside it; `WAINWRIGHT_WRITE_SAMPLES=1` writes them anew.

use std::fs;
use std::ops::Range;
use std::path::Path;

use wainwright_syntax::{Language, Limits, Outline, outline};

fn describe(text: &str, outline: &Outline) -> String {
    let slice = |range: &Range<u32>| text[range.start as usize..range.end as usize].replace('\n', "⏎");
    let mut lines = Vec::new();
    for (index, definition) in outline.definitions.iter().enumerate() {
        assert_eq!(text[definition.name_at.start as usize..definition.name_at.end as usize], definition.name);
        let before = slice(&(definition.whole.start..definition.core.start));
        lines.push(format!(
            "{} {} {}-{}: {}{}{}{}",
            definition.kind.name(),
            outline.qualname(index),
            definition.start_line,
            definition.end_line,
            slice(&definition.signature),
            if before.is_empty() { before } else { format!(" | from: {before}") },
            definition.doc.as_ref().map(|doc| format!(" | doc: {}", slice(doc))).unwrap_or_default(),
            if definition.body.is_none() { " | no body" } else { "" },
        ));
    }
    for reference in &outline.references {
        let within = reference.within.map_or("-".to_owned(), |index| outline.qualname(index as usize));
        lines.push(format!("{:?} {} {}: {within}", reference.usage, slice(&reference.at), reference.line));
    }
    for import in &outline.imports {
        lines.push(format!("import {} {:?} {}", import.module, import.names, import.line));
    }
    lines.push(format!("errors {}\n", outline.errors));
    lines.join("\n")
}

#[test]
fn each_sample_has_the_outline_beside_it() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/samples");
    #[expect(clippy::disallowed_methods, reason = "a switch for whoever runs the tests")]
    let write = std::env::var("WAINWRIGHT_WRITE_SAMPLES").is_ok();
    let mut seen = Vec::new();
    let mut wrong = Vec::new();
    let mut paths: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    for path in paths.iter().filter(|path| path.extension().unwrap() != "outline") {
        let text = fs::read_to_string(path).unwrap();
        let language = Language::of(path.to_str().unwrap(), text.as_bytes()).unwrap();
        assert_eq!(path.file_stem().unwrap(), language.name());
        seen.push(language);
        let found = describe(&text, &outline(language, text.as_bytes(), &Limits::default()));
        let beside = path.with_extension("outline");
        if write {
            #[expect(clippy::disallowed_methods, reason = "the samples are no person's files")]
            fs::write(&beside, &found).unwrap();
        }
        let expected = fs::read_to_string(&beside).unwrap_or_default();
        for difference in expected.lines().filter(|line| !found.lines().any(|other| other == *line)) {
            wrong.push(format!("{}: missing {difference}", language.name()));
        }
        for difference in found.lines().filter(|line| !expected.lines().any(|other| other == *line)) {
            wrong.push(format!("{}: not expected {difference}", language.name()));
        }
        if expected != found && wrong.is_empty() {
            wrong.push(format!("{}: another order", language.name()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    seen.sort_unstable();
    assert_eq!(seen, Language::ALL, "one sample for each language");
}
