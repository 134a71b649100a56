//! Other ways to read a hunk, for mistakes that run through all of its lines.

use std::borrow::Cow;

use imara_diff::{Algorithm, Diff, InternedInput};

use super::edit::{Hunk, HunkLine, Sign};
use super::elision::stands_for_more;
use super::text::{answer_lines, is_blank};
use super::tolerances::Tolerance;

/// The hunk that a text to find and the text to put there make: lines of both stay.
pub fn hunk_of<'a>(search: &'a str, replace: &'a str) -> Hunk<'a> {
    hunk_between(&answer_lines(search), &answer_lines(replace))
}

/// Blank lines tell nothing about which lines are the same: the others are compared, and blank lines stay where
/// both sides have them beside lines that stay.
pub fn hunk_between<'a>(search: &[&'a str], replace: &[&'a str]) -> Hunk<'a> {
    let dense =
        |lines: &[&str]| -> Vec<usize> { (0..lines.len()).filter(|&at| !is_blank(lines[at])).collect() };
    let (old, new) = (dense(search), dense(replace));
    let mut input = InternedInput::default();
    input.update_before(old.iter().map(|&at| search[at]));
    input.update_after(new.iter().map(|&at| replace[at]));
    let diff = Diff::compute(Algorithm::Myers, &input);
    let mut hunk = Hunk::default();
    let (mut from, mut to) = (0, 0);
    let (mut i, mut j) = (0, 0);
    let count = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    while i < old.len() && j < new.len() {
        if diff.is_removed(count(i)) {
            i += 1;
        } else if diff.is_added(count(j)) {
            j += 1;
        } else {
            change(&mut hunk, &search[from..old[i]], &replace[to..new[j]]);
            hunk.lines.push(HunkLine::new(Sign::Keep, search[old[i]]));
            (from, to) = (old[i] + 1, new[j] + 1);
            i += 1;
            j += 1;
        }
    }
    change(&mut hunk, &search[from..], &replace[to..]);
    hunk
}

/// Lines that go and lines that come between two that stay.
fn change<'a>(hunk: &mut Hunk<'a>, mut old: &[&'a str], mut new: &[&'a str]) {
    let mut push =
        |sign, lines: &[&'a str]| hunk.lines.extend(lines.iter().map(|line| HunkLine::new(sign, *line)));
    let same = |a: Option<&&str>, b: Option<&&str>| a.is_some_and(|a| is_blank(a) && Some(a) == b);
    while same(old.first(), new.first()) {
        push(Sign::Keep, &old[..1]);
        (old, new) = (&old[1..], &new[1..]);
    }
    let mut trailing = 0;
    while same(old.iter().rev().nth(trailing), new.iter().rev().nth(trailing)) {
        trailing += 1;
    }
    push(Sign::Remove, &old[..old.len() - trailing]);
    push(Sign::Add, &new[..new.len() - trailing]);
    push(Sign::Keep, &old[old.len() - trailing..]);
}

/// A text without the code fence around it, if there is one.
pub fn unfenced(text: &str) -> Option<&str> {
    let body = text.trim_matches(['\n', '\r']);
    let (first, rest) = body.split_once('\n')?;
    let marks = first.trim().strip_prefix("```")?;
    if marks.contains('`') {
        return None;
    }
    if rest.trim() == "```" {
        return Some("");
    }
    let at = rest.trim_end().rfind('\n')?;
    (rest[at..].trim() == "```").then(|| &rest[..=at])
}

/// Indices of the lines that stay and stand for more.
pub fn gaps(hunk: &Hunk<'_>) -> Vec<usize> {
    let stays = |line: &HunkLine<'_>| line.sign == Sign::Keep && stands_for_more(&line.text);
    (0..hunk.lines.len()).filter(|&at| stays(&hunk.lines[at])).collect()
}

/// Context lines as they would be if the space before them had been forgotten.
pub fn unsigned<'a>(hunk: &Hunk<'a>) -> Option<Hunk<'a>> {
    if !hunk.signed {
        return None;
    }
    let mut other = hunk.clone();
    let mut any = false;
    for line in &mut other.lines {
        if line.sign == Sign::Keep && !line.unsigned && !is_blank(&line.text) {
            line.text = format!(" {}", line.text).into();
            any = true;
        }
    }
    any.then_some(other)
}

/// The other readings of a hunk, each with what it forgives.
pub fn others<'a>(hunk: &Hunk<'a>) -> Vec<(Tolerance, Hunk<'a>)> {
    let mut found = Vec::new();
    if let Some(other) = without_prose(hunk) {
        found.push((Tolerance::Prose, other));
    }
    for separator in ["|", "| ", " | ", ": ", ":", "\t", " ", "\u{2192}"] {
        if let Some(other) = mapped(hunk, |line| unnumbered(line, separator)) {
            let first = hunk.old().find_map(|line| number(&line.text));
            found.push((Tolerance::LineNumbers, Hunk { first_line: first.or(other.first_line), ..other }));
        }
    }
    if let Some(other) = mapped(hunk, |line| Some(unescaped_html(line))) {
        found.push((Tolerance::HtmlEscapes, other));
    }
    for quotes in [false, true] {
        if let Some(other) = mapped(hunk, |line| single_backslashes(line, quotes)) {
            found.push((Tolerance::Backslashes, other));
        }
    }
    found
}

/// The hunk with each line changed; `None` if an old line cannot be, or no old line would be another.
fn mapped<'a>(hunk: &Hunk<'a>, change: impl Fn(&str) -> Option<String>) -> Option<Hunk<'a>> {
    let mut other = hunk.clone();
    let mut any = false;
    for line in &mut other.lines {
        match change(&line.text) {
            Some(text) => {
                any |= line.sign != Sign::Add && *text != *line.text;
                line.text = Cow::Owned(text);
            }
            None if line.sign == Sign::Add || is_blank(&line.text) => {}
            None => return None,
        }
    }
    any.then_some(other)
}

/// The number before a line.
fn number(line: &str) -> Option<usize> {
    let line = line.trim_start();
    let digits = line.len() - line.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    line[..digits].parse().ok()
}

fn unnumbered(line: &str, separator: &str) -> Option<String> {
    let rest = line.trim_start();
    let behind = rest.trim_start_matches(|c: char| c.is_ascii_digit());
    if behind.len() == rest.len() {
        return None;
    }
    match behind.strip_prefix(separator) {
        Some(line) => Some(line.to_owned()),
        None if behind.trim().is_empty() || behind.trim() == separator.trim() => Some(String::new()),
        None => None,
    }
}

pub fn unescaped_html(line: &str) -> String {
    const NAMES: [(&str, &str); 8] = [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#34;", "\""),
        ("&#39;", "'"),
        ("&#x27;", "'"),
        ("&apos;", "'"),
        ("&amp;", "&"),
    ];
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        let named = NAMES.iter().find(|(name, _)| rest[at..].starts_with(name));
        let (name, text) = named.unwrap_or(&("&", "&"));
        out.push_str(text);
        rest = &rest[at + name.len()..];
    }
    out.push_str(rest);
    out
}

/// Each two backslashes as one, and with `quotes` a backslash before a quote as none; `None` if one stands alone.
fn single_backslashes(line: &str, quotes: bool) -> Option<String> {
    let mut out = String::with_capacity(line.len());
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        match (c, chars.peek()) {
            ('\\', Some('\\')) => {
                chars.next();
                out.push('\\');
            }
            ('\\', Some('"' | '\'' | '/')) if quotes => {}
            ('\\', _) => return None,
            _ => out.push(c),
        }
    }
    Some(out)
}

/// The hunk without the unsigned lines behind its last blank one, which may be sentences about it.
fn without_prose<'a>(hunk: &Hunk<'a>) -> Option<Hunk<'a>> {
    if !hunk.signed {
        return None;
    }
    let last = hunk.lines.iter().rposition(|line| !line.unsigned)?;
    let blank = (last + 1..hunk.lines.len()).find(|&at| is_blank(&hunk.lines[at].text))?;
    let mut other = hunk.clone();
    other.lines.truncate(blank);
    Some(other)
}
