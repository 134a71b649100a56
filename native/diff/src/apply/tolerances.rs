//! In what an edit may differ from the file, or an answer from its format, and still be applied.

use std::fmt;

/// One way in which an edit may differ from the file, or an answer from its format, and still be applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Tolerance {
    /// The path was written in another form, such as `a/src/x.py` or with another case.
    Path,
    /// The markers of the format were written in another form.
    Markers,
    /// White space at the end of lines.
    TrailingBlanks,
    /// Blank lines more or fewer.
    BlankLines,
    /// One indentation of all lines more or less.
    Indentation,
    /// Tabs instead of spaces before the text of a line, or the other way round.
    Tabs,
    /// Another number of blanks within a line.
    InnerBlanks,
    /// Typographic quotes, dashes and blanks instead of plain ones, or the other way round.
    LookAlikes,
    /// A code fence within a block.
    Fences,
    /// Numbers before the lines.
    LineNumbers,
    /// `&lt;` for `<` and the like.
    HtmlEscapes,
    /// Each backslash written twice.
    Backslashes,
    /// Context lines of a difference without the space before them.
    Unsigned,
    /// Sentences after a difference.
    Prose,
    /// `...` for lines that stay as they are.
    Elision,
    /// Context lines that are not as quoted; the lines of the file stay.
    StaleContext,
    /// Lines to be taken out that are not as quoted, where those to be put in for them are there already.
    Misquoted,
    /// The place was one of several, and told by the line number.
    LineHint,
    /// The place was one of several, and told by the line after `@@`.
    Anchor,
    /// Edits that were made one after another instead of all to the same text.
    Sequence,
    /// The change was there already.
    AlreadyThere,
    /// Part of a line.
    PartOfLine,
    /// Decorators and attributes that a function was given without.
    Decorators,
    /// The class that was written around a method.
    Wrapper,
}

impl Tolerance {
    /// All of them, in the order of their declaration.
    pub const ALL: [Self; 24] = [
        Self::Path,
        Self::Markers,
        Self::TrailingBlanks,
        Self::BlankLines,
        Self::Indentation,
        Self::Tabs,
        Self::InnerBlanks,
        Self::LookAlikes,
        Self::Fences,
        Self::LineNumbers,
        Self::HtmlEscapes,
        Self::Backslashes,
        Self::Unsigned,
        Self::Prose,
        Self::Elision,
        Self::StaleContext,
        Self::Misquoted,
        Self::LineHint,
        Self::Anchor,
        Self::Sequence,
        Self::AlreadyThere,
        Self::PartOfLine,
        Self::Decorators,
        Self::Wrapper,
    ];

    /// Its name, such as `trailing_blanks`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Path => "path",
            Self::Markers => "markers",
            Self::TrailingBlanks => "trailing_blanks",
            Self::BlankLines => "blank_lines",
            Self::Indentation => "indentation",
            Self::Tabs => "tabs",
            Self::InnerBlanks => "inner_blanks",
            Self::LookAlikes => "look_alikes",
            Self::Fences => "fences",
            Self::LineNumbers => "line_numbers",
            Self::HtmlEscapes => "html_escapes",
            Self::Backslashes => "backslashes",
            Self::Unsigned => "unsigned",
            Self::Prose => "prose",
            Self::Elision => "elision",
            Self::StaleContext => "stale_context",
            Self::Misquoted => "misquoted",
            Self::LineHint => "line_hint",
            Self::Anchor => "anchor",
            Self::Sequence => "sequence",
            Self::AlreadyThere => "already_there",
            Self::PartOfLine => "part_of_line",
            Self::Decorators => "decorators",
            Self::Wrapper => "wrapper",
        }
    }
}

/// A set of tolerances.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Tolerances(u32);

impl Tolerances {
    /// None: the edit stands in the file byte by byte.
    pub const NOTHING: Self = Self(0);

    /// This set and one more.
    #[must_use]
    pub const fn with(self, tolerance: Tolerance) -> Self {
        Self(self.0 | 1 << tolerance as u8)
    }

    /// Both sets.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether `tolerance` is in the set.
    #[must_use]
    pub const fn has(self, tolerance: Tolerance) -> bool {
        self.0 & 1 << tolerance as u8 != 0
    }

    /// Whether all of this set is in the other.
    #[must_use]
    pub const fn within(self, other: Self) -> bool {
        self.0 & !other.0 == 0
    }

    /// How many there are.
    #[must_use]
    pub const fn count(self) -> u32 {
        self.0.count_ones()
    }

    /// Each of the set, in the order of their declaration.
    pub fn iter(self) -> impl Iterator<Item = Tolerance> {
        Tolerance::ALL.into_iter().filter(move |one| self.has(*one))
    }
}

impl From<Tolerance> for Tolerances {
    fn from(tolerance: Tolerance) -> Self {
        Self::NOTHING.with(tolerance)
    }
}

impl fmt::Debug for Tolerances {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}
