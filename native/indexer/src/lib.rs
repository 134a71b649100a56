//! Lists and searches the files of a source tree as its ignore rules show it.
//!
//! What counts as part of the tree is the same for [`walk`] and [`search`]: `.gitignore` and `.ignore` files
//! are honoured (in a folder that is no git repository too), hidden files are left out unless such a file
//! lets them in, links are not followed, and [`NEVER_LISTED`] stays out whatever the rules say. Ignore files
//! in the folders above are read only if the root lies inside a larger git repository; the person's global
//! git settings are not read, so the same tree gives the same answer on every machine.
//!
//! Paths are relative to the root, in UTF-8, with `/` between components. A file whose name is not UTF-8, or
//! which cannot be read, is left out.

use std::path::{Path, PathBuf};

use ignore::{DirEntry, WalkBuilder};

mod search;
mod walk;

pub use search::{Found, Hit, LINE_CHARS_MAX, Query, SEARCHED_BYTES_MAX, search};
pub use walk::{FileEntry, Listing, walk};

/// Folders (or files) that are never listed or searched: their content is not the person's source.
pub const NEVER_LISTED: [&str; 2] = [".git", ".wainwright"];

/// Why a tree could not be listed or searched.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// The root is no absolute path to an existing directory.
    #[error("{} is not an absolute path to a directory", .0.display())]
    Root(PathBuf),
    /// The regular expression does not parse, or would compile to something too large.
    #[error("bad pattern: {0}")]
    Pattern(#[from] regex::Error),
    /// The glob does not parse.
    #[error("bad glob: {0}")]
    Glob(#[from] globset::Error),
}

/// The one definition of what belongs to the tree beneath `root`.
fn tree(root: &Path) -> Result<WalkBuilder, IndexError> {
    if !root.is_absolute() || !root.is_dir() {
        return Err(IndexError::Root(root.to_path_buf()));
    }
    let has_git = |folder: &Path| folder.join(".git").exists();
    let inside_larger_repository = !has_git(root) && root.ancestors().any(has_git);
    let mut builder = WalkBuilder::new(root);
    builder
        .require_git(false)
        .git_global(false)
        // Elsewhere, a stray ignore file in some folder above says nothing about this tree.
        .parents(inside_larger_repository)
        .filter_entry(|entry| {
            !NEVER_LISTED.iter().any(|name| entry.file_name() == *name && entry.depth() > 0)
        });
    Ok(builder)
}

/// The path of a regular file relative to `root`; `None` for everything else.
fn relative_file(root: &Path, entry: &DirEntry) -> Option<String> {
    if !entry.file_type().is_some_and(|kind| kind.is_file()) {
        return None;
    }
    let path = entry.path().strip_prefix(root).ok()?.to_str()?;
    Some(if cfg!(windows) { path.replace('\\', "/") } else { path.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::Listing;

    /// A temporary tree with the given files.
    #[expect(clippy::disallowed_methods, reason = "the test makes its own tree")]
    pub fn make_tree(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (path, content) in files {
            let path = root.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, content).unwrap();
        }
        root
    }

    pub fn paths(listing: &Listing) -> Vec<&str> {
        listing.files.iter().map(|file| file.path.as_str()).collect()
    }
}
