//! A text that is being edited, with its tree.

use std::fmt;
use std::ops::Range;

use tree_sitter::{InputEdit, Point, Tree};

use crate::outline::Outline;
use crate::parse::{advance, parse, read};
use crate::{Language, Limits};

/// An edit that does not fit the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EditError {
    /// The bytes that were to be replaced.
    pub range: Range<usize>,
    /// The length of the text in bytes.
    pub length: usize,
}

impl fmt::Display for EditError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "bytes {} to {} are not in a text of {} bytes",
            self.range.start, self.range.end, self.length
        )
    }
}

impl std::error::Error for EditError {}

/// Up to this many bytes a broken text is read anew: how the parser gets over an error depends on where it began.
const EXACT: usize = 100_000;

/// A text that is being edited: after a small edit its outline costs far less than reading it anew.
///
/// The outline is that of the text, whatever the edits that led to it; only in a long text (beyond 100,000 bytes) that is broken
/// can it differ in how far an error reaches.
#[derive(Debug)]
pub struct Document {
    language: Language,
    text: Vec<u8>,
    limits: Limits,
    /// The last tree, told of the edits since; none if it was never made or a limit was reached.
    tree: Option<Tree>,
    /// Whether the tree is that of the text.
    parsed: bool,
}

impl Document {
    /// Takes a text. Nothing is parsed yet.
    #[must_use]
    pub fn new(language: Language, text: Vec<u8>) -> Self {
        Self { language, text, limits: Limits::default(), tree: None, parsed: false }
    }

    /// The text as it is now.
    #[must_use]
    pub fn text(&self) -> &[u8] {
        &self.text
    }

    /// The language it is read as.
    #[must_use]
    pub const fn language(&self) -> Language {
        self.language
    }

    /// Replaces the bytes from `start` to `old_end`.
    ///
    /// # Errors
    /// When the text has no such bytes; it is then as it was.
    pub fn edit(&mut self, start: usize, old_end: usize, new_text: &[u8]) -> Result<(), EditError> {
        if start > old_end || old_end > self.text.len() {
            return Err(EditError { range: start..old_end, length: self.text.len() });
        }
        if let Some(tree) = &mut self.tree {
            let start_position = advance(Point::new(0, 0), &self.text[..start]);
            tree.edit(&InputEdit {
                start_byte: start,
                old_end_byte: old_end,
                new_end_byte: start + new_text.len(),
                start_position,
                old_end_position: advance(start_position, &self.text[start..old_end]),
                new_end_position: advance(start_position, new_text),
            });
        }
        self.text.splice(start..old_end, new_text.iter().copied());
        self.parsed = false;
        Ok(())
    }

    /// Makes it this text, as one edit of what differs.
    pub fn replace(&mut self, text: &[u8]) {
        let (old, room) = (self.text.len(), self.text.len().min(text.len()));
        let start = self.text.iter().zip(text).take_while(|(left, right)| left == right).count();
        let ends = self.text.iter().rev().zip(text.iter().rev());
        let end = ends.take(room - start).take_while(|(left, right)| left == right).count();
        if start + end < old.max(text.len()) {
            let fits = self.edit(start, old - end, &text[start..text.len() - end]);
            debug_assert!(fits.is_ok(), "what differs lies within the text");
        }
    }

    /// The outline of the text as it is now.
    pub fn outline(&mut self) -> Outline {
        self.refresh();
        match &self.tree {
            Some(tree) => read(self.language, &self.text, tree),
            None => Outline { truncated: true, ..Outline::default() },
        }
    }

    fn refresh(&mut self) {
        if !self.parsed {
            let old = self.tree.take();
            self.tree = parse(self.language, &self.text, old.as_ref(), &self.limits);
            let is_broken = self.tree.as_ref().is_some_and(|tree| tree.root_node().has_error());
            if old.is_some() && is_broken && self.text.len() <= EXACT {
                self.tree = parse(self.language, &self.text, None, &self.limits);
            }
            self.parsed = true;
        }
    }
}
