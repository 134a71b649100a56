//! What is known of a file beside its words.

use super::stamp::Stamp;
use super::traits::Traits;

/// What is known of a file beside its words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Facts {
    pub stamp: Stamp,
    /// False if the content must be compared although the stamp is the same.
    pub settled: bool,
    /// XXH3 of the whole content; 0 if it was not read.
    pub hash: u128,
    /// How many words the text has.
    pub words: u32,
    /// How many lines the text has.
    pub lines: u32,
    pub traits: Traits,
}
