//! What a text says without a syntax tree: its words, and what it seems to define and import.

pub(crate) mod define;
pub(crate) mod lexicon;
pub(crate) mod occurrences;
pub(crate) mod source;
