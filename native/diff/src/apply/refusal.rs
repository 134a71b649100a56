//! Why nothing was changed, said so that whoever wrote the edit can write a better one.

use std::fmt::Write;

/// No place shows more lines than this.
pub const PLACE_LINES_MAX: usize = 40;

/// How many places are named when there are several.
pub const PLACES_MAX: usize = 5;

/// Some lines of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Number of the first line, from 1.
    pub line: u32,
    /// The lines, at most [`PLACE_LINES_MAX`], each with a `\n`.
    pub text: String,
}

/// The first line that is not as an edit has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Number of the line of the file, from 1.
    pub line: u32,
    /// The line of the file; empty where the file ends.
    pub found: String,
    /// The line of the edit.
    pub quoted: String,
}

/// Why an edit was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// The answer holds no edit that can be read.
    Unreadable,
    /// The answer ends in the middle of an edit.
    Truncated,
    /// The path leads out of the workspace.
    Outside,
    /// There is no such file.
    NoFile,
    /// Several files have that name.
    SeveralFiles,
    /// There is a file where a new one should come.
    FileExists,
    /// The file is no text.
    NotText,
    /// Something is there that must not or cannot be edited.
    NotEditable,
    /// A whole text would drop most lines of the file that is there.
    DropsMost,
    /// The lines are nowhere in the file.
    Missing,
    /// The lines are in the file more than once.
    Ambiguous,
    /// The place was found, but a line to be taken out is not as quoted.
    StaleRemoved,
    /// Nothing says where the edit belongs.
    NoPlace,
    /// Two edits change the same lines in different ways.
    Conflict,
    /// `...` stands for lines that cannot be told.
    Elision,
    /// The new lines cannot be indented like their place.
    Indentation,
    /// There is no function of that name.
    NoFunction,
    /// Several functions have that name.
    SeveralFunctions,
    /// The code is not the function it should be.
    NotTheFunction,
}

impl Reason {
    /// Its name, such as `stale_removed`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unreadable => "unreadable",
            Self::Truncated => "truncated",
            Self::Outside => "outside",
            Self::NoFile => "no_file",
            Self::SeveralFiles => "several_files",
            Self::FileExists => "file_exists",
            Self::NotText => "not_text",
            Self::NotEditable => "not_editable",
            Self::DropsMost => "drops_most",
            Self::Missing => "missing",
            Self::Ambiguous => "ambiguous",
            Self::StaleRemoved => "stale_removed",
            Self::NoPlace => "no_place",
            Self::Conflict => "conflict",
            Self::Elision => "elision",
            Self::Indentation => "indentation",
            Self::NoFunction => "no_function",
            Self::SeveralFunctions => "several_functions",
            Self::NotTheFunction => "not_the_function",
        }
    }
}

/// An edit that could not be made; nothing was changed then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Index of the edit in the answer, from 0.
    pub edit: usize,
    /// The path, as far as it is known.
    pub path: String,
    /// Why.
    pub reason: Reason,
    /// What there is to choose from, or what stands in the way: names of files, of functions, the line at fault.
    pub detail: Vec<String>,
    /// Where the lines are, or where the most similar ones are.
    pub places: Vec<Place>,
    /// What differs at the first place.
    pub difference: Option<Box<Difference>>,
}

impl Refusal {
    pub(super) fn new(reason: Reason) -> Self {
        Self {
            edit: 0,
            path: String::new(),
            reason,
            detail: Vec::new(),
            places: Vec::new(),
            difference: None,
        }
    }

    pub(super) fn because(mut self, detail: impl Into<String>) -> Self {
        self.detail.push(detail.into());
        self
    }

    pub(super) fn at(mut self, edit: usize, path: &str) -> Self {
        self.edit = edit;
        if self.path.is_empty() {
            path.clone_into(&mut self.path);
        }
        self
    }

    /// Says what is wrong and what to do about it, in sentences for a model, and shows the lines that were found.
    #[must_use]
    pub fn explain(&self) -> String {
        let mut text = self.sentence();
        if let Some(difference) = &self.difference {
            let _ = write!(
                text,
                "\nLine {} is\n{}\nand not\n{}",
                difference.line, difference.found, difference.quoted
            );
        }
        match self.places.first() {
            Some(place)
                if matches!(self.reason, Reason::Missing | Reason::StaleRemoved | Reason::Conflict) =>
            {
                let similar =
                    if self.reason == Reason::Missing { "The most similar lines" } else { "The lines there" };
                let _ = write!(text, "\n{similar} begin at line {}:\n{}", place.line, place.text);
            }
            None if self.reason == Reason::Missing => {
                text.push_str(" Nothing similar is there. Read the file again.");
            }
            _ => {}
        }
        text
    }

    /// The same without the lines.
    // Long: one arm a reason.
    fn sentence(&self) -> String {
        let detail = self.detail.join(", ");
        let path = &self.path;
        match self.reason {
            Reason::Unreadable => format!("The answer cannot be read: {detail}."),
            Reason::Truncated => {
                format!("The answer ends in the middle of an edit: {detail}. Write it again in full.")
            }
            Reason::Outside => {
                format!("The path {path} leads out of the workspace. Use a path relative to its root.")
            }
            Reason::NoFile if detail.is_empty() => {
                format!("There is no file {path}. Write a new file as a whole.")
            }
            Reason::NoFile => format!("There is no file {path}; similar names: {detail}."),
            Reason::SeveralFiles => {
                format!("Several files are meant by {path}: {detail}. Write the path in full.")
            }
            Reason::FileExists => format!("{path} exists already. Change it, or choose another name."),
            Reason::NotText if detail.is_empty() => format!("{path} is not UTF-8 text and cannot be edited."),
            Reason::NotText => format!(
                "{path} is not UTF-8 text but {detail}, and cannot be edited. Leave it as it is, or change it by a \
                 command."
            ),
            Reason::NotEditable => detail,
            Reason::DropsMost => format!(
                "{detail} of {path} would go. If only some shall change, search for those and write them anew. If all \
                 this shall go, delete the file first and then write it, both in the same answer."
            ),
            Reason::Missing => format!("The lines to be changed are not in {path}."),
            Reason::Ambiguous => {
                let lines: Vec<_> = self.places.iter().map(|place| place.line.to_string()).collect();
                let lines = lines.join(", ");
                format!(
                    "The lines to be changed are in {path} more than once, at lines {lines}. Add neighbouring \
                     lines until they are there once."
                )
            }
            Reason::StaleRemoved => format!("A line to be taken out of {path} is not as the edit has it."),
            Reason::NoPlace => {
                format!("Nothing says where in {path} the lines belong. Add neighbouring lines of the file.")
            }
            Reason::Conflict => {
                format!(
                    "This edit and an earlier one change the same lines of {path} in different ways. Write them as one."
                )
            }
            Reason::Elision => {
                format!("A line of the edit stands for lines left out: {detail}. Write all lines in full.")
            }
            Reason::Indentation => {
                format!("The new lines cannot be indented like the lines of {path} around them: {detail}.")
            }
            Reason::NoFunction if self.detail.is_empty() => format!("There is no such function in {path}."),
            Reason::NoFunction => format!("There is no such function in {path}; there are {detail}."),
            Reason::SeveralFunctions => {
                format!("Several functions of {path} have that name: {detail}. Write the one in full.")
            }
            Reason::NotTheFunction => format!("The code cannot take the place of the function: {detail}."),
        }
    }
}
