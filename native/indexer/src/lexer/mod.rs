//! What a text says without a syntax tree: its words, and what it seems to define and import.

mod define;
pub(crate) mod family;
mod imports;
pub(crate) mod keywords;
pub(crate) mod lexicon;
pub(crate) mod occurrences;
pub(crate) mod source;
mod statement;
