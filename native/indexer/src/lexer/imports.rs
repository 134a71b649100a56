//! What an import statement names.

use std::ops::Range;

use super::family::Family;
use super::statement::{Finding, before, skip_blanks};

/// An import statement is read up to so many bytes.
const IMPORT_BYTES_MAX: usize = 4000;

/// Reports what the import statement with a keyword at `at` names.
pub(crate) fn import<'t>(
    family: Family,
    keyword: &str,
    text: &'t [u8],
    at: Range<usize>,
    report: &mut dyn FnMut(Finding<'t>),
) {
    let rest = &text[at.end..text.len().min(at.end + IMPORT_BYTES_MAX)];
    match family {
        Family::Script | Family::Lua | Family::Style | Family::Proto => {
            // `from "a"`, `import "a"`, `require("a")`, `import("a")`.
            if let Some(name) = quoted(rest, b" \t(") {
                report(Finding::Import(name));
            }
            return;
        }
        _ => {}
    }
    let Some(before) = before(text, at.start) else {
        return;
    };
    if !matches!(before.trim_ascii(), b"" | b"pub" | b"#" | b"global" | b"static" | b"@testable")
        && !before.trim_ascii().starts_with(b"pub(")
    {
        return;
    }
    match family {
        Family::Python => python_import(keyword, rest, report),
        Family::Go => go_import(rest, report),
        Family::C => {
            let rest = rest.trim_ascii_start();
            if before.trim_ascii() == b"#" && matches!(rest.first(), Some(b'"' | b'<')) {
                let end = rest[1..].iter().position(|byte| matches!(byte, b'"' | b'>' | b'\n'));
                let name = end.and_then(|end| std::str::from_utf8(&rest[1..=end]).ok());
                if let Some(name) = name {
                    report(Finding::Import(name));
                }
            }
        }
        Family::Ruby | Family::Php if keyword != "use" => {
            if let Some(name) = quoted(rest, b" \t(") {
                report(Finding::Import(name));
            }
        }
        Family::Shell => {
            let end = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
            let name = std::str::from_utf8(&rest[..end]).unwrap_or("").trim().trim_matches(['"', '\'']);
            if !name.is_empty() {
                report(Finding::Import(name));
            }
        }
        _ => path_import(rest, report),
    }
}

/// The string that begins after some of the given bytes.
fn quoted<'t>(text: &'t [u8], skipped: &[u8]) -> Option<&'t str> {
    let start = text.iter().position(|byte| !skipped.contains(byte))?;
    let quote = text[start];
    if !matches!(quote, b'"' | b'\'' | b'`') {
        return None;
    }
    let end = memchr::memchr2(quote, b'\n', &text[start + 1..])?;
    let name = std::str::from_utf8(&text[start + 1..start + 1 + end]).ok()?;
    (!name.is_empty() && name.len() < 300).then_some(name)
}

/// `use a::b::{c, d};`, `import a.b.C;`, `using A.B;`: the path up to where it is no path any more.
fn path_import<'t>(rest: &'t [u8], report: &mut dyn FnMut(Finding<'t>)) {
    let start = skip_blanks(rest, 0);
    let rest = &rest[start..];
    let rest = rest.strip_prefix(b"static ").unwrap_or(rest);
    let path = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b':' | b'\\' | b'*');
    let end = rest.iter().position(|byte| !path(byte)).unwrap_or(rest.len());
    let name = std::str::from_utf8(&rest[..end]).unwrap_or("");
    let name = name.trim_end_matches(['.', ':', '\\', '*']);
    if !name.is_empty() {
        report(Finding::Import(name));
    }
}

fn go_import<'t>(rest: &'t [u8], report: &mut dyn FnMut(Finding<'t>)) {
    let start = skip_blanks(rest, 0);
    let block = rest.get(start) == Some(&b'(');
    let end = if block { memchr::memchr(b')', rest) } else { memchr::memchr(b'\n', rest) };
    let mut rest = &rest[start..end.unwrap_or(rest.len())];
    while let Some(open) = memchr::memchr(b'"', rest) {
        rest = &rest[open + 1..];
        let Some(close) = memchr::memchr2(b'"', b'\n', rest) else { return };
        if let Ok(name) = std::str::from_utf8(&rest[..close]) {
            report(Finding::Import(name));
        }
        rest = &rest[close + 1..];
    }
}

fn python_import<'t>(keyword: &str, rest: &'t [u8], report: &mut dyn FnMut(Finding<'t>)) {
    let head = &rest[..memchr::memchr(b'\n', rest).unwrap_or(rest.len())];
    let Ok(head) = std::str::from_utf8(head) else {
        return;
    };
    if keyword == "import" {
        for part in head.split(['#', ';']).next().unwrap_or("").split(',') {
            let name = part.split_ascii_whitespace().next().unwrap_or("");
            if is_dotted(name) {
                report(Finding::Import(name));
            }
        }
        return;
    }
    let Some((module, names)) = head.trim_start().split_once(' ') else {
        return;
    };
    let Some(names) = names.trim_start().strip_prefix("import") else {
        return;
    };
    if !is_dotted(module) {
        return;
    }
    report(Finding::Import(module));
    let names = if names.trim_start().starts_with('(') {
        let Some(open) = memchr::memchr(b'(', rest) else { return };
        let Some(close) = memchr::memchr(b')', &rest[open..]) else { return };
        std::str::from_utf8(&rest[open + 1..open + close]).unwrap_or("")
    } else {
        names
    };
    for name in names.split([',', '\n']) {
        let name = name.split('#').next().unwrap_or("").split_ascii_whitespace().next().unwrap_or("");
        if !name.is_empty() && name.len() < 100 && name.chars().next().is_some_and(char::is_lowercase) {
            report(Finding::Name(module, name));
        }
    }
}

fn is_dotted(name: &str) -> bool {
    !name.is_empty()
        && name.len() < 200
        && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '.'))
}
