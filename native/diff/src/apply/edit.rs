//! What an answer wants changed, whatever format it was written in.

use std::borrow::Cow;

use super::tolerances::Tolerances;

/// One edit of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit<'a> {
    /// The path as it was written.
    pub path: Cow<'a, str>,
    /// What to do to the file.
    pub action: Action<'a>,
    /// The tolerances that its form needed.
    pub tolerances: Tolerances,
}

/// What an edit does to its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action<'a> {
    /// A text to find and the text to put there. Each pair is one way to read the block: it has several where
    /// a line of it looks like the line between both.
    Search(Vec<(Cow<'a, str>, Cow<'a, str>)>),
    /// Lines to find, to take out and to put in.
    Hunk(Hunk<'a>),
    /// The whole new text of a file that may be there or not.
    Write(Cow<'a, str>),
    /// A file that must not be there, with its text.
    Create(Cow<'a, str>),
    /// The file goes.
    Delete,
    /// The file gets another name.
    Rename(Cow<'a, str>),
    /// The definition of one function.
    Function {
        /// Its name, perhaps with the names around it: `area`, `Circle.area`.
        symbol: Cow<'a, str>,
        /// All of its new text.
        code: Cow<'a, str>,
    },
}

impl<'a> Edit<'a> {
    /// An edit that was written without any mistake of form.
    #[must_use]
    pub fn new(path: impl Into<Cow<'a, str>>, action: Action<'a>) -> Self {
        Self { path: path.into(), action, tolerances: Tolerances::NOTHING }
    }

    /// A text to find exactly once, and the text to put there.
    ///
    /// A line of equal signs in the latter may be the one between both: then there are several readings. None parts the
    /// lines of a merge conflict, as long as another does not.
    #[must_use]
    pub fn search(path: &'a str, search: &'a str, replace: &'a str) -> Self {
        let mut readings = vec![(Cow::Borrowed(search), Cow::Borrowed(replace))];
        let mut at = 0;
        for line in replace.split_inclusive('\n') {
            let next = at + line.len();
            if is_middle(line) {
                let search = format!("{search}=======\n{}", &replace[..at]);
                readings.push((search.into(), replace[next..].into()));
            }
            at = next;
        }
        let whole = |(search, replace): &(Cow<'_, str>, Cow<'_, str>)| !cut(search) && !cut(replace);
        if readings.len() > 1 && readings.iter().any(whole) {
            readings.retain(whole);
        }
        Self::new(path, Action::Search(readings))
    }
}

/// Whether a merge conflict begins in a text and does not end there, or the other way round.
fn cut(text: &str) -> bool {
    let mut open = false;
    for line in text.lines() {
        match conflict_mark(line) {
            Some('<') if open => return true,
            Some('>') if !open => return true,
            Some(mark) => open = mark == '<',
            None => {}
        }
    }
    open
}

/// The mark with which git begins or ends the lines of a conflict.
fn conflict_mark(line: &str) -> Option<char> {
    let mark = line.chars().next().filter(|mark| matches!(mark, '<' | '>'))?;
    let rest = line.trim_start_matches(mark);
    (line.len() - rest.len() == 7 && (rest.is_empty() || rest.starts_with(' '))).then_some(mark)
}

/// Whether a line could be the one between a text to find and the text to put there.
pub(super) fn is_middle(line: &str) -> bool {
    let line = line.trim_end();
    (5..=9).contains(&line.len()) && line.bytes().all(|byte| byte == b'=')
}

/// What becomes of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// It is there and stays.
    Keep,
    /// It is there and goes.
    Remove,
    /// It comes.
    Add,
}

/// A line of a hunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HunkLine<'a> {
    /// What becomes of it.
    pub sign: Sign,
    /// Without its sign and its end.
    pub text: Cow<'a, str>,
    /// It was written without a sign, and counts as one that stays.
    pub unsigned: bool,
}

/// Lines that stand together in a file, and what becomes of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hunk<'a> {
    /// The lines.
    pub lines: Vec<HunkLine<'a>>,
    /// The number of the first of them in the old text, from 1, as the answer has it.
    pub first_line: Option<usize>,
    /// Lines that stand somewhere before, the outermost first.
    pub anchors: Vec<Cow<'a, str>>,
    /// The last line of it is the last of the file.
    pub at_end: bool,
    /// Whether the new file ends with a line end, if the answer says so.
    pub final_newline: Option<bool>,
    /// It comes from a format with a sign before each line.
    pub signed: bool,
}

impl<'a> HunkLine<'a> {
    pub(super) fn new(sign: Sign, text: impl Into<Cow<'a, str>>) -> Self {
        Self { sign, text: text.into(), unsigned: false }
    }
}

impl Hunk<'_> {
    pub(super) fn old(&self) -> impl Iterator<Item = &HunkLine<'_>> {
        self.lines.iter().filter(|line| line.sign != Sign::Add)
    }
}
