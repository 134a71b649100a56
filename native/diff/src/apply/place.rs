//! The changes that a hunk makes where it stands.

use super::alike::{Typography, key};
use super::edit::{Hunk, Sign};
use super::index::Index;
use super::locate::Placement;
use super::splice::Change;
use super::text::{indent_of, is_blank};
use super::tolerances::{Tolerance, Tolerances};

/// What is to stand at a place, one line after another.
enum Piece {
    /// This line of the file.
    Stays(usize),
    New(String),
}

/// The changes of a placed hunk; `Err` names a new line that cannot be indented like its place.
pub fn changes(hunk: &Hunk<'_>, placement: &Placement, index: &Index<'_>) -> Result<Vec<Change>, String> {
    let plain = undone(hunk, placement, index);
    let foreign = foreign(placement, index);
    let mut pieces: Vec<Piece> = Vec::new();
    let mut start = None;
    // The line of the file behind the last one that was found, and whether that one went.
    let mut next: Option<usize> = None;
    let mut went = false;
    let mut coming: Vec<String> = Vec::new();
    for (at, line) in hunk.lines.iter().enumerate() {
        let row = placement.rows[at];
        if line.sign == Sign::Add || forgotten_plus(hunk, placement, at) {
            let text = new_line(&line.text, placement, at, plain)?;
            if foreign.is_some_and(|blank| text.starts_with(blank)) {
                return Err(text);
            }
            coming.push(text);
            continue;
        }
        let Some(row) = row else { continue };
        if let Some(from) = next {
            let removed = went && line.sign == Sign::Remove;
            between(&mut pieces, from..row, std::mem::take(&mut coming), removed, went, index);
        } else {
            pieces.extend(coming.drain(..).map(Piece::New));
            start = Some(row);
        }
        went = line.sign == Sign::Remove;
        if !went {
            pieces.push(Piece::Stays(row));
        }
        next = Some(row + 1);
    }
    let (Some(start), Some(end)) = (start, next) else {
        return Ok(Vec::new());
    };
    pieces.extend(coming.into_iter().map(Piece::New));
    Ok(differences(pieces, start, end, hunk.final_newline))
}

/// How no line of the file is indented, if the hunk shows no indented line of it that would say how new ones are.
fn foreign(placement: &Placement, index: &Index<'_>) -> Option<&'static str> {
    let lines = &index.text.lines;
    let indented = |row: &usize| !indent_of(lines[*row].text).is_empty();
    if placement.rows.iter().flatten().any(indented) {
        return None;
    }
    let begins = |with: &str| lines.iter().any(|line| line.text.starts_with(with) && !is_blank(line.text));
    match (begins("\t"), begins("  ")) {
        (false, true) => Some("\t"),
        (true, false) => Some("  "),
        _ => None,
    }
}

/// A blank line between new ones that was written without its `+`, unless the file has it.
fn forgotten_plus(hunk: &Hunk<'_>, placement: &Placement, at: usize) -> bool {
    let line = &hunk.lines[at];
    let blank = |line: &super::edit::HunkLine<'_>| line.unsigned && is_blank(&line.text);
    if !hunk.signed || !blank(line) || placement.rows[at].is_some() {
        return false;
    }
    let comes = |line: Option<&super::edit::HunkLine<'_>>| line.is_some_and(|line| line.sign == Sign::Add);
    comes(hunk.lines[..at].iter().rev().find(|line| !blank(line)))
        && comes(hunk.lines[at + 1..].iter().find(|line| !blank(line)))
}

/// What is to stand between two lines of the file that are neighbours in the hunk: the new lines, and the lines of
/// the file that the hunk does not have. Blank lines that both have are there once.
fn between(
    pieces: &mut Vec<Piece>,
    extra: std::ops::Range<usize>,
    mut coming: Vec<String>,
    removed: bool,
    went: bool,
    index: &Index<'_>,
) {
    let shown = || extra.clone().all(|row| is_blank(index.text.lines[row].text));
    if extra.is_empty() || removed && coming.is_empty() && shown() {
        pieces.extend(coming.into_iter().map(Piece::New));
        return;
    }
    let blanks = extra.clone().filter(|&row| is_blank(index.text.lines[row].text)).count();
    let leading = coming.iter().take_while(|line| is_blank(line)).count();
    let trailing = coming.iter().rev().take_while(|line| is_blank(line)).count();
    if leading == coming.len() || leading > 0 && !went {
        pieces.extend(extra.map(Piece::Stays));
        pieces.extend(coming.drain(blanks.min(leading)..).map(Piece::New));
    } else {
        coming.truncate(coming.len() - blanks.min(trailing));
        pieces.extend(coming.into_iter().map(Piece::New));
        pieces.extend(extra.map(Piece::Stays));
    }
}

/// The changes between lines `start .. end` of the file and the pieces.
fn differences(pieces: Vec<Piece>, start: usize, end: usize, final_newline: Option<bool>) -> Vec<Change> {
    let mut changes = Vec::new();
    let mut at = start;
    let mut lines = Vec::new();
    let mut kept = false;
    let mut close = |from: usize, to: usize, lines: &mut Vec<String>, kept: bool, more: bool| {
        if from < to || !lines.is_empty() {
            let insertion = from == to;
            changes.push(Change {
                start: from,
                end: to,
                lines: std::mem::take(lines),
                after: !insertion || kept,
                before: !insertion || more,
                final_newline,
            });
        }
    };
    for piece in pieces {
        match piece {
            Piece::New(line) => lines.push(line),
            Piece::Stays(row) => {
                close(at, row, &mut lines, kept, true);
                at = row + 1;
                kept = true;
            }
        }
    }
    close(at, end, &mut lines, kept, false);
    changes
}

/// A new line in the indentation of its place.
fn new_line(text: &str, placement: &Placement, at: usize, plain: Typography) -> Result<String, String> {
    let text = plain.plainly(text);
    if is_blank(&text) {
        // A shifted blank line is empty; one that was written into its place keeps what was written.
        let shifted =
            placement.tolerances.has(Tolerance::Indentation) || placement.tolerances.has(Tolerance::Tabs);
        return Ok(if shifted { String::new() } else { text.into_owned() });
    }
    let indent = indent_of(&text);
    let moved = placement.relation(at).apply(indent).ok_or_else(|| text.to_string())?;
    Ok(moved + &text[indent.len()..])
}

/// The kinds of typographic characters that the edit has where the file has plain ones.
pub fn undone(hunk: &Hunk<'_>, placement: &Placement, index: &Index<'_>) -> Typography {
    if !placement.tolerances.has(Tolerance::LookAlikes) {
        return Typography::default();
    }
    hunk.lines.iter().zip(&placement.rows).fold(Typography::default(), |all, (line, row)| {
        let file = row.map_or("", |row| index.text.lines[row].text);
        let more = Typography::of(&line.text).without(Typography::of(file));
        if more.is_none() || key(file) != key(&line.text) { all } else { all.union(more) }
    })
}

/// Whether the new lines of a hunk that only adds some stand in the file already, right where it would add them.
pub fn already_there(hunk: &Hunk<'_>, placement: &Placement, changes: &[Change], index: &Index<'_>) -> bool {
    let adds_only = hunk.lines.iter().all(|line| line.sign != Sign::Remove);
    // Whether the hunk has fewer lines of this part of the file than it adds, so that it has not seen them all.
    let shown = |rows: std::ops::Range<usize>, count: usize| {
        let seen = placement.rows.iter().flatten().filter(|row| rows.contains(row));
        seen.filter(|row| !is_blank(index.text.lines[**row].text)).count() < count
    };
    let there = |change: &Change| {
        let wanted: Vec<&str> =
            change.lines.iter().map(|line| line.trim()).filter(|line| !line.is_empty()).collect();
        let lines = &index.text.lines;
        let text = |line: &super::text::Line<'_>| !is_blank(line.text);
        let behind = lines[change.start..].iter().filter(|line| text(line)).map(|line| line.text.trim());
        let before =
            lines[..change.start].iter().rev().filter(|line| text(line)).map(|line| line.text.trim());
        let telling = wanted.iter().any(|line| line.chars().filter(|c| c.is_alphanumeric()).count() > 2);
        // Lines of the hunk that stay are part of the new ones, if these were added already and begin or end as they do.
        let shown_behind = shown(change.start..lines.len(), wanted.len());
        let shown_before = shown(0..change.start, wanted.len());
        telling
            && ((!change.before || shown_behind) && behind.take(wanted.len()).eq(wanted.iter().copied())
                || (!change.after || shown_before)
                    && before.take(wanted.len()).eq(wanted.iter().rev().copied()))
    };
    adds_only && !changes.is_empty() && changes.iter().all(there)
}

/// What the changes of a hunk forgive beyond its place.
pub fn tolerances(hunk: &Hunk<'_>, placement: &Placement) -> Tolerances {
    let plus = (0..hunk.lines.len()).any(|at| forgotten_plus(hunk, placement, at));
    let unsigned =
        hunk.lines.iter().any(|line| line.unsigned && (line.sign == Sign::Add || !is_blank(&line.text)));
    let mut tolerances = placement.tolerances;
    if plus || unsigned && hunk.signed {
        tolerances = tolerances.with(Tolerance::Unsigned);
    }
    tolerances
}
