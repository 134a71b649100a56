//! Keeps an index of the words, definitions and imports of a source tree, and searches it.
//!
//! What counts as part of the tree is the same everywhere: `.gitignore` and `.ignore` files are honoured (in a
//! folder that is no git repository too), hidden files are left out unless such a file lets them in, links are
//! not followed, and [`NEVER_LISTED`] stays out whatever the rules say. Ignore files in the folders above are
//! read only if the root lies inside a larger git repository; the person's global git settings are not read, so
//! the same tree gives the same answer on every machine.
//!
//! Paths are relative to the root, in UTF-8, with `/` between components. A file whose name is not UTF-8 is left
//! out.

use std::path::PathBuf;

mod build;
mod bytes;
mod define;
mod disk;
mod index;
mod lexicon;
mod parts;
mod resolve;
mod rules;
mod scan;
mod search;
mod segment;
mod snapshot;
mod source;
mod stamp;
mod store;
mod structure;
mod text;
mod traits;
mod walk;
mod work;

pub use define::Kind;
pub use index::{Index, Refreshed, Stats};
pub use parts::each_part;
pub use rules::NEVER_LISTED;
pub use scan::INDEXED_BYTES_MAX;
pub use search::{Found, Hit, LINE_CHARS_MAX, Query, SEARCHED_BYTES_MAX, search};
pub use segment::Posting;
pub use snapshot::{Definition, FileInfo, Snapshot};
pub use structure::{Caller, Filled, How, Structure, StructureStats, Symbol, SymbolQuery, Usage, Usages};
pub use traits::Traits;
pub use walk::{FileEntry, Listing, walk};

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
    /// The caller took its question back.
    #[error("cancelled")]
    Cancelled,
}

/// The one definition of what belongs to the tree beneath `root`.
fn tree(root: &std::path::Path) -> Result<ignore::WalkBuilder, IndexError> {
    if !root.is_absolute() || !root.is_dir() {
        return Err(IndexError::Root(root.to_path_buf()));
    }
    let has_git = |folder: &std::path::Path| folder.join(".git").exists();
    let inside_larger_repository = !has_git(root) && root.ancestors().any(has_git);
    let mut builder = ignore::WalkBuilder::new(root);
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
fn relative_file(root: &std::path::Path, entry: &ignore::DirEntry) -> Option<String> {
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
