//! Lines that go and lines that come, put together from several edits and written into a text.

use super::text::{BOM, Text};

/// Lines `start .. end` of a text become `lines`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    pub start: usize,
    pub end: usize,
    pub lines: Vec<String>,
    /// An insertion: it belongs to the line before it.
    pub after: bool,
    /// An insertion: it belongs to the line behind it.
    pub before: bool,
    /// Whether the last line ends with a line end, if the edit says so and this is the end of the file.
    pub final_newline: Option<bool>,
}

impl Change {
    pub fn replace(start: usize, end: usize, lines: Vec<String>) -> Self {
        Self { start, end, lines, after: true, before: true, final_newline: None }
    }

    fn is_insertion(&self) -> bool {
        self.start == self.end
    }
}

/// Adds the changes of one edit to those of the edits before it; `Err` if they contradict.
pub fn join(all: &mut Vec<Change>, more: Vec<Change>) -> Result<(), ()> {
    let mut added = Vec::new();
    'next: for change in more {
        for other in all.iter() {
            let same = change.start == other.start && change.end == other.end;
            if same && change.lines == other.lines {
                continue 'next;
            }
            if !compatible(other, &change) {
                return Err(());
            }
        }
        added.push(change);
    }
    all.extend(added);
    Ok(())
}

fn compatible(first: &Change, second: &Change) -> bool {
    match (first.is_insertion(), second.is_insertion()) {
        (false, false) => first.end <= second.start || second.end <= first.start,
        (true, false) => first.start <= second.start || first.start >= second.end,
        (false, true) => second.start <= first.start || second.start >= first.end,
        // At the same place each must say on which side of the other it is.
        (true, true) => {
            first.start != second.start
                || (!first.before && !second.after)
                || (!second.before && !first.after)
        }
    }
}

/// The order of changes: an insertion goes before lines that go, and one that belongs to the line before it
/// goes before one that belongs to the line behind.
fn sort(changes: &mut [Change]) {
    changes.sort_by_key(|change| (change.start, change.end, change.before));
}

/// Writes the changes into the text. Lines that stay keep their bytes; new ones take over the line end of those
/// they replace or stand beside, and a new last line has a line end if the last one had.
pub fn write(text: &Text<'_>, changes: &mut [Change], size: usize) -> String {
    sort(changes);
    let mut out = Writer { text, out: String::with_capacity(size + 256), owed: None };
    if text.bom {
        out.out.push(BOM);
    }
    let mut at = 0;
    for change in changes.iter() {
        out.keep(at, change.start);
        out.add(change);
        at = change.end;
    }
    out.keep(at, text.lines.len());
    let newline = text.lines.last().is_none_or(|line| !line.end.is_empty());
    let last = changes.last().filter(|last| last.end == text.lines.len());
    if let (Some(end), Some(last)) = (out.owed, last) {
        let wanted = last.final_newline.unwrap_or(newline);
        if wanted && !last.lines.is_empty() {
            out.out.push_str(end);
        }
    }
    out.out
}

struct Writer<'t, 'a> {
    text: &'t Text<'a>,
    out: String,
    /// The line end of the line that was written last; it comes with the next line, or not at all.
    owed: Option<&'a str>,
}

impl Writer<'_, '_> {
    fn keep(&mut self, from: usize, to: usize) {
        for index in from..to {
            let line = self.text.lines[index];
            self.out.push_str(self.owed.take().unwrap_or_default());
            self.out.push_str(line.text);
            self.out.push_str(line.end);
            if line.end.is_empty() {
                self.owed = Some(self.text.end_near(index));
            }
        }
    }

    fn add(&mut self, change: &Change) {
        for (offset, line) in change.lines.iter().enumerate() {
            self.out.push_str(self.owed.take().unwrap_or_default());
            self.out.push_str(line);
            let replaced = (change.start + offset).min(change.end.max(1) - 1);
            let end = if change.start < change.end { self.text.lines[replaced].end } else { "" };
            let end = if end.is_empty() { self.text.end_near(change.start) } else { end };
            self.owed = Some(end);
        }
    }
}
