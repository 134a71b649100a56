//! The folders of a tree.

use super::stamp::Stamp;

/// A folder that was listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Folder {
    /// Relative to the root, which itself is empty.
    pub path: Box<str>,
    /// `None` if it must be listed again.
    pub stamp: Option<Stamp>,
}

/// The path of the folder a file lies in.
pub(crate) fn folder_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}
