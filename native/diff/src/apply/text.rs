//! The text of a file as edits see it: lines, their ends, and what stands before the first.

/// A byte order mark; it belongs to the file, not to its first line.
pub const BOM: char = '\u{feff}';

/// One line of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line<'a> {
    pub text: &'a str,
    /// `\n`, `\r\n`, in a file without `\n` also `\r`; empty at the end of the last line, perhaps.
    pub end: &'a str,
}

/// A file, taken apart.
#[derive(Debug)]
pub struct Text<'a> {
    pub bom: bool,
    pub lines: Vec<Line<'a>>,
}

impl<'a> Text<'a> {
    pub fn new(whole: &'a str) -> Self {
        let body = whole.strip_prefix(BOM).unwrap_or(whole);
        let feed = if body.contains('\n') { b'\n' } else { b'\r' };
        let mut lines = Vec::with_capacity(body.len() / 24);
        let mut start = 0;
        for at in memchr::memchr_iter(feed, body.as_bytes()) {
            let text = &body[start..at];
            let text = if feed == b'\n' { text.strip_suffix('\r').unwrap_or(text) } else { text };
            lines.push(Line { text, end: &body[start + text.len()..=at] });
            start = at + 1;
        }
        if start < body.len() {
            lines.push(Line { text: &body[start..], end: "" });
        }
        Self { bom: body.len() < whole.len(), lines }
    }

    /// The line end that new lines beside line `at` take over.
    pub fn end_near(&self, at: usize) -> &'a str {
        let before = self.lines[..at.min(self.lines.len())].iter().rev();
        let after = self.lines[at.min(self.lines.len())..].iter();
        before.chain(after).map(|line| line.end).find(|end| !end.is_empty()).unwrap_or("\n")
    }
}

/// Splits an answer, or a part of it, into lines without their ends.
pub fn answer_lines(text: &str) -> Vec<&str> {
    let text = text.strip_prefix(BOM).unwrap_or(text);
    let mut lines: Vec<_> = text.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line)).collect();
    if lines.last().is_some_and(|last| last.is_empty()) {
        lines.pop();
    }
    lines
}

pub fn is_blank(line: &str) -> bool {
    line.trim().is_empty()
}

/// The white space before the first other character. A blank line is not indented.
pub fn indent_of(line: &str) -> &str {
    let rest = line.trim_start_matches([' ', '\t']);
    &line[..line.len() - rest.len()]
}
