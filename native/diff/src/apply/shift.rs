//! The code of a function in the indentation of the old one.

use std::ops::Range;

use super::indent::{Pair, Relation};
use super::refusal::{Reason, Refusal};
use super::text::{indent_of, is_blank};
use super::tolerances::Tolerances;

/// The lines in the indentation of the old function, which stands `indent` deep in the lines of `file`; `strings` are
/// the rows within strings.
pub fn indented(
    lines: &[&str],
    old: &[&str],
    indent: &str,
    file: &[&str],
    strings: &[Range<usize>],
) -> Result<(Vec<String>, Tolerances), Refusal> {
    let own = lines.first().map_or("", |line| indent_of(line));
    let mixed = mixed(lines, old, own, indent, file);
    let relation = if mixed { columns(lines, old, own, indent) } else { Relation::of(&[(indent, own)]) };
    let relation = relation.unwrap_or(Relation::Same);
    let lost = own.is_empty() && !indent.is_empty() && !mixed && first_only(lines, old, indent);
    let moved = |line: &str| -> Option<String> {
        let depth = indent_of(line);
        if line.is_empty() {
            Some(String::new())
        } else if is_blank(line) {
            Some(relation.apply(depth).unwrap_or_default())
        } else {
            relation.apply(depth).map(|indent| indent + &line[depth.len()..])
        }
    };
    let mut out = Vec::with_capacity(lines.len());
    for (at, line) in lines.iter().enumerate() {
        let string = strings.iter().find(|rows| rows.contains(&at));
        let stays = lost && at > 0
            || relation != Relation::Same
                && string.is_some_and(|rows| stays(&lines[rows.clone()], old, moved));
        if stays {
            out.push((*line).to_owned());
            continue;
        }
        let unsure =
            string.is_some_and(|rows| relation != Relation::Same && shallow(lines, rows, old, moved));
        let text = moved(line).filter(|_| !unsure);
        out.push(text.ok_or_else(|| Refusal::new(Reason::Indentation).because(line.trim()))?);
    }
    Ok((out, relation.tolerances()))
}

/// How many lines of a string the old function has, moved and as they are.
fn held(string: &[&str], old: &[&str], moved: impl Fn(&str) -> Option<String>) -> (usize, usize) {
    let has = |text: &str| old.iter().any(|old| old.trim_end() == text.trim_end());
    let lines = || string.iter().filter(|line| !is_blank(line));
    let shifted = lines().filter(|line| moved(line).is_some_and(|text| has(&text))).count();
    (shifted, lines().filter(|line| has(line)).count())
}

/// Whether the lines of a string were left as deep as they are in the file.
fn stays(string: &[&str], old: &[&str], moved: impl Fn(&str) -> Option<String>) -> bool {
    let (shifted, same) = held(string, old, moved);
    same > shifted
}

/// Whether the lines of a string, none of which the old function has, stand less deep than the code around them: then
/// nothing tells whether they were moved with it.
fn shallow(
    lines: &[&str],
    rows: &Range<usize>,
    old: &[&str],
    moved: impl Fn(&str) -> Option<String>,
) -> bool {
    let string = &lines[rows.clone()];
    let depth = |line: &&&str| indent_of(line).len();
    let around = lines[..rows.start].last().map_or(0, |line| indent_of(line).len());
    let least = string.iter().filter(|line| !is_blank(line)).map(|line| depth(&line)).min();
    held(string, old, moved) == (0, 0) && least.is_some_and(|least| least < around)
}

/// Whether one side is indented by tabs, the other by spaces, and the file shows which of them is its own.
fn mixed(lines: &[&str], old: &[&str], own: &str, indent: &str, file: &[&str]) -> bool {
    let count = |lines: &[&str], blank: char| {
        lines.iter().filter(|line| line.starts_with(blank) && !is_blank(line)).count()
    };
    if !own.is_empty() && own == indent {
        return false;
    }
    let (tabs, spaces) = (count(lines, '\t'), count(lines, ' '));
    let (old_tabs, old_spaces) = (count(old, '\t'), count(old, ' '));
    let (all_tabs, all_spaces) = (count(file, '\t'), count(file, ' '));
    tabs == 0 && spaces > 0 && old_tabs > old_spaces && all_tabs > all_spaces && !indent.contains(' ')
        || spaces == 0 && tabs > 0 && old_spaces > 0 && old_tabs == 0 && all_spaces > all_tabs
}

/// The relation between tabs of one side and spaces of the other: the step of each, as its lines show.
fn columns(lines: &[&str], old: &[&str], own: &str, indent: &str) -> Option<Relation> {
    if let Some(relation) = shown(lines, old, own, indent) {
        return Some(relation);
    }
    let spaced = if old.iter().any(|line| indent_of(line).contains('\t')) { lines } else { old };
    let depths: Vec<usize> =
        spaced.iter().filter(|line| !is_blank(line)).map(|line| indent_of(line).len()).collect();
    let base = depths.iter().min()?;
    let steps = depths.iter().map(|depth| depth - base).filter(|step| *step > 1);
    let width = steps.min().filter(|width| *width <= 8).unwrap_or(4);
    let column = |text: &str| {
        let columns = text.bytes().fold(0, |sum, byte| sum + if byte == b'\t' { width } else { 1 });
        isize::try_from(columns).unwrap_or(0)
    };
    let tabs = old.iter().any(|line| indent_of(line).contains('\t'));
    let known = vec![(own.to_owned(), indent.to_owned())];
    Some(Relation::Columns { width, shift: column(indent) - column(own), tabs, known })
}

/// The relation that the lines show which both have once.
fn shown(lines: &[&str], old: &[&str], own: &str, indent: &str) -> Option<Relation> {
    let once = |lines: &[&str], text: &str| lines.iter().filter(|line| line.trim() == text).count() == 1;
    let both = lines
        .iter()
        .map(|line| (*line, line.trim()))
        .filter(|(_, text)| !text.is_empty() && once(lines, text));
    let pairs = both.filter_map(|(line, text)| {
        once(old, text).then_some(())?;
        let there = old.iter().find(|old| old.trim() == text)?;
        Some((indent_of(there), indent_of(line)))
    });
    let pairs: Vec<Pair<'_>> = std::iter::once((indent, own)).chain(pairs).collect();
    let deep = pairs.iter().filter(|(_, edit)| edit.len() > own.len()).count();
    Relation::of(&pairs).filter(|relation| deep > 1 && *relation != Relation::Same)
}

/// Whether only the first line lost its indentation: the others stand as deep as those of the old function do, all of
/// them. A line that is at home in its old place by chance says nothing.
fn first_only(lines: &[&str], old: &[&str], indent: &str) -> bool {
    let depths = |lines: &[&str]| -> Vec<usize> {
        lines.iter().skip(1).filter(|line| !is_blank(line)).map(|line| indent_of(line).len()).collect()
    };
    // What closes the brackets of the first line stands as deep as that does: at its end, or before a colon.
    let closes = |line: &str| line.trim_start().starts_with(['}', ')', ']']) && indent_of(line) == indent;
    let code: Vec<&str> = lines.iter().copied().filter(|line| !is_blank(line)).collect();
    let opened = |at: usize| code[at].trim_end().ends_with(':');
    let deeper = |at: usize| code.get(at + 1).is_some_and(|next| indent_of(next).len() > indent.len());
    let ends = code.last().is_some_and(|line| closes(line) && line.trim_start().starts_with('}'));
    let inner = || {
        let deep = code.iter().skip(1).all(|line| indent_of(line).len() >= indent.len());
        deep && (1..code.len()).any(|at| closes(code[at]) && opened(at) && deeper(at))
    };
    if ends || inner() {
        return true;
    }
    let (rest, had) = (depths(lines), depths(old));
    let Some(least) = rest.iter().min().filter(|least| **least >= indent.len()) else {
        return false;
    };
    // What a colon opens stands deeper than it.
    let opens = lines.first().is_some_and(|line| line.trim_end().ends_with(':'));
    if opens && *least == indent.len() {
        return false;
    }
    let at_home = |line: &&&str| old.iter().skip(1).any(|old| old.trim_end() == line.trim_end());
    let mostly = || {
        let same = lines.iter().skip(1).filter(|line| !is_blank(line)).filter(at_home).count();
        2 * same > rest.len() && *least > indent.len()
    };
    had.iter().min() == Some(least) || mostly()
}
