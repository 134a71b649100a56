//! Blocks with a marker before the old text, between both, and after the new one.

use super::super::edit::{Action, Edit};
use super::super::refusal::{Reason, Refusal};
use super::super::text::is_blank;
use super::super::tolerances::{Tolerance, Tolerances};
use super::rows::{Row, fence, rows};

const SEARCH_WORDS: [&str; 5] = ["SEARCH", "ORIGINAL", "OLD", "BEFORE", "HEAD"];
const REPLACE_WORDS: [&str; 6] = ["REPLACE", "UPDATED", "NEW", "AFTER", "UPDATE", "REPLACED"];

/// A marker: which kind, what is behind it, and whether it is written as it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Marker<'a> {
    Search { path: &'a str, plain: bool },
    File { path: &'a str },
    Delete { path: &'a str },
    Middle,
    Replace { plain: bool },
    EndOfFile,
}

/// Whether a line begins a block.
pub fn opens(line: &str) -> bool {
    matches!(marker(line), Some(Marker::Search { .. } | Marker::File { .. } | Marker::Delete { .. }))
}

fn marker(line: &str) -> Option<Marker<'_>> {
    let mark = line.chars().next()?;
    let behind = line.trim_start_matches(mark);
    let length = line.len() - behind.len();
    if !(5..=9).contains(&length) {
        return None;
    }
    let rest = behind.trim();
    let (word, more) = rest.split_once([' ', '\t']).unwrap_or((rest, ""));
    let path = more.trim().trim_matches('`');
    // Some models write the marker as a tag: `<<<<<<< SEARCH>`.
    let word = word.trim_end_matches(['>', '<']);
    let plain = length == 7 && behind.starts_with(' ') && !path.ends_with(' ');
    match mark {
        '<' | '-' if SEARCH_WORDS.contains(&word) && (mark == '<' || word == "SEARCH") => {
            let plain = plain && word == "SEARCH" && mark == '<' && line.trim_end() == line;
            Some(Marker::Search { path, plain })
        }
        '<' if word == "FILE" && !path.is_empty() => Some(Marker::File { path }),
        '<' if word == "DELETE" && !path.is_empty() => Some(Marker::Delete { path }),
        '=' if rest.is_empty() => Some(Marker::Middle),
        '>' if word == "FILE" => Some(Marker::EndOfFile),
        '>' | '+' if REPLACE_WORDS.contains(&word) && (mark == '>' || word == "REPLACE") => {
            let plain = plain && word == "REPLACE" && mark == '>' && line.trim_end() == line;
            Some(Marker::Replace { plain })
        }
        '>' if rest.is_empty() => Some(Marker::Replace { plain: false }),
        _ => None,
    }
}

fn is_head(line: &str) -> bool {
    line.trim_start_matches('<').trim_start().starts_with("HEAD")
}

pub fn read<'a>(answer: &'a str, only_path: Option<&'a str>) -> Result<Vec<Edit<'a>>, Refusal> {
    let rows = rows(answer);
    let mut edits = Vec::new();
    let mut last_path = only_path;
    let mut at = 0;
    // Where the text before the next block begins.
    let mut before = 0;
    while at < rows.len() {
        let index = edits.len();
        match marker(rows[at].text) {
            Some(Marker::Search { path, plain }) => {
                let named = if path.is_empty() { path_before(&rows[before..at]) } else { Some(path) };
                let path = named.or(last_path).ok_or_else(|| {
                    let mut refusal = Refusal::new(Reason::Unreadable).because("a block names no file");
                    refusal.edit = index;
                    refusal
                })?;
                last_path = Some(path);
                let (edit, end) = search(answer, &rows, at, path, plain).map_err(|e| e.at(index, path))?;
                edits.push(edit);
                at = end;
            }
            Some(Marker::File { path }) => {
                let end = rows[at + 1..].iter().position(|row| marker(row.text) == Some(Marker::EndOfFile));
                let end = end.map(|offset| at + 1 + offset).ok_or_else(|| {
                    let what = format!("the FILE block for {path} has no end marker");
                    Refusal::new(Reason::Truncated).because(what).at(index, path)
                })?;
                let text = unfenced_file(answer, &rows[at + 1..end], path);
                edits.push(Edit::new(path, Action::Write(text.into())));
                at = end;
            }
            Some(Marker::Delete { path }) => edits.push(Edit::new(path, Action::Delete)),
            _ => {
                at += 1;
                continue;
            }
        }
        at += 1;
        before = at;
    }
    cut_off(&rows[before..], &edits)?;
    Ok(edits)
}

/// Refuses what ends with the beginning of another block: a marker without its word, a path that was written before.
fn cut_off(rows: &[Row<'_>], edits: &[Edit<'_>]) -> Result<(), Refusal> {
    let Some(last) = rows.iter().rev().map(|row| row.text.trim()).find(|line| !is_blank(line)) else {
        return Ok(());
    };
    let marks = last.trim_start_matches('<').len();
    let word = last[last.len() - marks..].trim();
    let marked = last.len() - marks >= 3 && SEARCH_WORDS.iter().any(|known| known.starts_with(word));
    let named = last.contains(['/', '.']) && edits.iter().any(|edit| edit.path.starts_with(last));
    match edits.last() {
        Some(edit) if marked || named => {
            let why = format!("another block begins with `{last}`");
            Err(Refusal::new(Reason::Truncated).because(why).at(edits.len(), &edit.path))
        }
        _ => Ok(()),
    }
}

/// The block that begins at row `at`, and the row of its last marker.
fn search<'a>(
    answer: &'a str,
    rows: &[Row<'a>],
    at: usize,
    path: &'a str,
    plain: bool,
) -> Result<(Edit<'a>, usize), Refusal> {
    let truncated =
        |what: &str| Refusal::new(Reason::Truncated).because(format!("a block for {path} {what}"));
    let body = &rows[at + 1..];
    let mut middles = Vec::new();
    let mut close = None;
    for (offset, row) in body.iter().enumerate() {
        match marker(row.text) {
            Some(Marker::Middle) => middles.push(offset),
            Some(Marker::Replace { plain }) => {
                close = Some((offset, plain));
                break;
            }
            // The next block begins although this one has not ended; `<<<<<<< HEAD` is a line of the file there, unless
            // the answer writes its blocks so.
            Some(Marker::Search { .. })
                if row.text.starts_with("<<<<<<< ") && (!is_head(row.text) || is_head(rows[at].text)) =>
            {
                break;
            }
            _ => {}
        }
    }
    let Some((close, close_plain)) = close else {
        return Err(truncated(if middles.is_empty() { "has no ======= line" } else { "has no end marker" }));
    };
    if middles.is_empty() {
        return Err(truncated("has no ======= line"));
    }
    let slice = |from: usize, to: usize| {
        let start = body.get(from).map_or(answer.len(), |row| row.start);
        let end = body.get(to).map_or(answer.len(), |row| row.start);
        &answer[start..end.max(start)]
    };
    let first = middles[0];
    let readings = Edit::search(path, slice(0, first), slice(first + 1, close));
    let well_written = plain && close_plain && middles.iter().any(|&m| body[m].text == "=======");
    let tolerances = if well_written { Tolerances::NOTHING } else { Tolerance::Markers.into() };
    Ok((Edit { tolerances, ..readings }, at + 1 + close))
}

/// The path on the last line before a block that is neither blank nor a code fence.
fn path_before<'a>(rows: &[Row<'a>]) -> Option<&'a str> {
    let mut lines = rows.iter().rev().map(|row| row.text).filter(|line| !is_blank(line));
    let line = lines.find(|line| fence(line).is_none_or(|(_, info)| looks_like_path(info)))?;
    let line = fence(line).map_or(line, |(_, info)| info).trim();
    let line = line.trim_start_matches(['#', '*', '-', '>', ' ']);
    let word = ["File:", "file:", "Path:", "path:", "FILE:", "filename:", "//"]
        .into_iter()
        .find_map(|w| line.strip_prefix(w));
    let line = word.unwrap_or(line).trim();
    let line = line.trim_end_matches(['*', ':', ' ']).trim_matches(['`', '"', '\'', '*', ' ']);
    if looks_like_path(line) {
        return Some(line);
    }
    // `In src/x.py:` and the like: the one word that is a path.
    let mut words =
        line.split_whitespace().map(|word| word.trim_matches(['`', '"', '\'', '*', ':', ',', '(', ')', '.']));
    let found = words.find(|word| looks_like_path(word) && word.contains(['/', '.']))?;
    words.all(|word| !looks_like_path(word) || !word.contains(['/', '.'])).then_some(found)
}

/// A name without blanks that has a folder or an ending, or one with blanks and both.
fn looks_like_path(line: &str) -> bool {
    if line.is_empty() || line.ends_with('/') || line.len() > 400 || line.contains(['<', '>', '|', '?', '`'])
    {
        return false;
    }
    let name = line.rsplit(['/', '\\']).next().unwrap_or(line);
    let ending = name.rsplit_once('.').is_some_and(|(_, ending)| {
        !ending.is_empty()
            && ending.len() <= 12
            && ending.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-')
    });
    let folder = line.contains(['/', '\\']);
    if line.contains(char::is_whitespace) {
        return folder && ending && !line.contains(". ");
    }
    folder || ending || line.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'))
}

/// Some models put a code fence around a whole file; it is not part of the file, unless that is Markdown.
fn unfenced_file<'a>(answer: &'a str, body: &[Row<'a>], path: &str) -> &'a str {
    let (Some(first), Some(last)) = (body.first(), body.last()) else {
        return "";
    };
    if body.len() >= 2 && fence(last.text).is_some_and(|(_, info)| info.is_empty()) {
        if let Some((_, info)) = fence(first.text) {
            let markdown = matches!(info, "markdown" | "md");
            if markdown || !path.to_ascii_lowercase().ends_with(".md") {
                return &answer[first.next..last.start];
            }
        }
    }
    &answer[first.start..last.next]
}
