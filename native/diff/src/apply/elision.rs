//! Lines such as `// ... existing code ...` that stand for lines left out.

use super::text::{indent_of, is_blank};

/// Whether a line stands for lines left out: three dots, alone or in a comment, with words that say so or none.
pub fn stands_for_more(line: &str) -> bool {
    let line = line.trim();
    let (body, comment) = uncommented(line);
    let Some(inner) = dots(body) else {
        return false;
    };
    // A comment that only begins with dots says something else.
    inner.is_empty() || comment && says_left_out(inner)
}

/// The text of a comment, and whether the line is one.
fn uncommented(line: &str) -> (&str, bool) {
    let pairs = [("/*", "*/"), ("<!--", "-->"), ("{/*", "*/}"), ("(*", "*)"), ("\"\"\"", "\"\"\"")];
    for (open, close) in pairs {
        if let Some(inner) = line.strip_prefix(open).and_then(|rest| rest.strip_suffix(close)) {
            return (inner.trim(), true);
        }
    }
    for mark in ["///", "//!", "//", "##", "#", "--", ";;", ";", "%", "*", "'", "REM "] {
        if let Some(inner) = line.strip_prefix(mark) {
            return (inner.trim(), true);
        }
    }
    (line, false)
}

/// What is between the dots at the beginning and those at the end, if there are dots at either.
fn dots(body: &str) -> Option<&str> {
    let open = ["...", "\u{2026}"].into_iter().find_map(|dots| body.strip_prefix(dots));
    let close = |text: &'_ str| -> Option<usize> {
        ["...", "\u{2026}"].into_iter().find_map(|dots| text.strip_suffix(dots)).map(str::len)
    };
    match open {
        Some(rest) => {
            let end = close(rest).unwrap_or(rest.len());
            Some(rest[..end].trim_matches(['.', ' ', '\t']))
        }
        None => close(body).map(|end| body[..end].trim_matches(['.', ' ', '\t'])),
    }
}

fn says_left_out(words: &str) -> bool {
    let words = words.to_lowercase();
    let phrases = [
        "existing",
        "rest of",
        "rest unchanged",
        "unchanged",
        "remaining",
        "same as",
        "other code",
        "omitted",
        "previous code",
        "as before",
        "no change",
        "keep the",
        "remains",
        "code here",
        "snip",
        "and so on",
        "truncated",
        "rest stays",
        "stays the same",
        "the rest",
    ];
    words == "rest" || phrases.iter().any(|phrase| words.contains(phrase))
}

/// Whether the line is the body of something that has no other, as `...` is in Python.
pub fn is_stub(lines: &[&str], at: usize) -> bool {
    if lines[at].trim() != "..." {
        return false;
    }
    let indent = indent_of(lines[at]).len();
    let before = lines[..at].iter().rev().find(|line| !is_blank(line));
    let behind = lines[at + 1..].iter().find(|line| !is_blank(line));
    let opened = before.is_some_and(|line| {
        let line = line.trim_end();
        (line.ends_with(':') && indent_of(line).len() < indent) || line.ends_with("\"\"\"")
    });
    opened && behind.is_none_or(|line| indent_of(line).len() < indent)
}

/// Fills each line that stands for more, as `gap` tells, with the lines of `old` between its neighbours.
///
/// The lines before and behind it must be found in `old`, at one place each. `None` if that is not so.
pub fn expand(new: &[&str], old: &[&str], gap: impl Fn(usize) -> bool) -> Option<Vec<String>> {
    let mut filled = Vec::new();
    // The first line of `old` that nothing has been made of yet.
    let mut from = 0;
    let mut segment = 0;
    for at in 0..=new.len() {
        if at == new.len() || !gap(at) {
            continue;
        }
        filled.extend(new[segment..at].iter().map(|line| (*line).to_owned()));
        let next = (at + 1..new.len()).find(|&at| gap(at)).unwrap_or(new.len());
        let start = if at == segment { from } else { end_of(&new[segment..at], old, from)? };
        let end = if next == at + 1 { return None } else { start_of(&new[at + 1..next], old, start)? };
        filled.extend(old[start..end].iter().map(|line| (*line).to_owned()));
        from = end;
        segment = at + 1;
    }
    filled.extend(new[segment..].iter().map(|line| (*line).to_owned()));
    Some(filled)
}

/// Where in `old`, not before `from`, the last lines of `segment` end.
fn end_of(segment: &[&str], old: &[&str], from: usize) -> Option<usize> {
    let run = |end: usize| {
        let pairs = old[from..end].iter().rev().zip(segment.iter().rev());
        told(pairs.map(|(a, b)| (*a, *b)))
    };
    the_longest((from + 1..=old.len()).map(|end| (end, run(end))))
}

/// Where in `old`, not before `from`, the first lines of `segment` begin.
fn start_of(segment: &[&str], old: &[&str], from: usize) -> Option<usize> {
    let run = |start: usize| told(old[start..].iter().zip(segment).map(|(a, b)| (*a, *b)));
    the_longest((from..old.len()).map(|start| (start, run(start))))
}

/// How many lines with words are the same from the first on: brackets alone stand anywhere, and tell nothing.
fn told<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> usize {
    let same = pairs.take_while(|(a, b)| a.trim() == b.trim());
    same.filter(|(line, _)| line.contains(char::is_alphanumeric)).count()
}

fn the_longest(runs: impl Iterator<Item = (usize, usize)>) -> Option<usize> {
    let mut best = None;
    let mut rivals = false;
    for (at, length) in runs.filter(|(_, length)| *length > 0) {
        match best {
            Some((_, longest)) if length < longest => {}
            Some((_, longest)) if length == longest => rivals = true,
            _ => {
                best = Some((at, length));
                rivals = false;
            }
        }
    }
    best.filter(|_| !rivals).map(|(at, _)| at)
}
