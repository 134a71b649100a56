//! What is asked, beside the goal, and what is answered.

use super::role::Role;

/// What is known of the moment, beside the goal.
#[derive(Clone, Debug, Default)]
pub struct Moment {
    /// Paths of files that are open.
    pub open: Vec<String>,
    /// The path of the file with the cursor, and its line from 1.
    pub cursor: Option<(String, u32)>,
    /// Paths of files with diagnostics, with what these say.
    pub diagnostics: Vec<(String, String)>,
    /// The selected text.
    pub selection: String,
}

/// A file of an answer.
#[derive(Clone, Debug, PartialEq)]
pub struct RankedFile {
    /// Its number in the corpus.
    pub file: u32,
    /// Its path.
    pub path: String,
    /// What it is for.
    pub role: Role,
    /// Comparable within one answer only.
    pub score: f32,
    /// What speaks for it, the strongest first.
    pub why: Vec<String>,
}

/// A function of an answer.
#[derive(Clone, Debug, PartialEq)]
pub struct RankedFunction {
    /// The file's number in the corpus.
    pub file: u32,
    /// The path of the file.
    pub path: String,
    /// Its name with those of the scopes it lies in.
    pub name: String,
    /// First line, from 1.
    pub start_line: u32,
    /// Last line, inclusive.
    pub end_line: u32,
    /// Comparable within one answer only.
    pub score: f32,
}

/// The files and functions that a query is about, best first: sources, then everything else.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ranking {
    /// The files.
    pub files: Vec<RankedFile>,
    /// Functions of the best sources.
    pub functions: Vec<RankedFunction>,
}
