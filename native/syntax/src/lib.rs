//! What one source file defines, uses and imports, read from its syntax tree.
//!
//! [`outline`] is the entry: it parses a text with the grammar of its [`Language`] and walks the tree once with the table of
//! that language (see `tables`), so that nearly all its time is the parser's. [`Document`] does the same for a text
//! that is being edited. Broken text gives what could be read; hostile text costs no more than [`Limits`] allow.
//!
//! All positions are byte offsets into the text that was given.

mod document;
mod language;
mod meaning;
mod mutants;
mod names;
mod outline;
mod parse;
mod path;
mod rules;
mod scanners;
mod span;
mod tables;
mod walk;

pub use document::{Document, EditError};
pub use language::Language;
pub use mutants::{Change, Mutant, mutants};
pub use outline::{Definition, Import, Kind, Outline, Reference, Use};
pub use parse::{Limits, long_strings, outline, syntax_errors};

/// Changes whenever the same text is to have another outline, so that what was kept of the old one is not used.
pub const REVISION: u8 = 1;
