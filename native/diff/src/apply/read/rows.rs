//! The lines of an answer.

/// A line of an answer and where it begins.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row<'a> {
    pub start: usize,
    /// Without its end.
    pub text: &'a str,
    /// Where the next one begins.
    pub next: usize,
}

/// The lines of an answer.
pub(super) fn rows(answer: &str) -> Vec<Row<'_>> {
    let mut rows = Vec::new();
    let mut start = 0;
    for line in answer.split_inclusive('\n') {
        let next = start + line.len();
        let text = line.strip_suffix('\n').unwrap_or(line);
        let text = text.strip_suffix('\r').unwrap_or(text);
        let text = if start == 0 { text.strip_prefix('\u{feff}').unwrap_or(text) } else { text };
        rows.push(Row { start, text, next });
        start = next;
    }
    rows
}

/// The marks of a code fence and what is behind them.
pub(super) fn fence(line: &str) -> Option<(&str, &str)> {
    let line = line.trim();
    let mark = line.chars().next().filter(|c| matches!(c, '`' | '~'))?;
    let rest = line.trim_start_matches(mark);
    let marks = &line[..line.len() - rest.len()];
    (marks.len() >= 3).then_some((marks, rest.trim()))
}
