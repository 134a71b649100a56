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

mod bytes;
mod files;
mod index;
mod lexer;
mod prefilter;
pub mod rank;
mod replace;
mod search;
mod segment;
mod structure;
mod work;

pub use files::read::INDEXED_BYTES_MAX;
pub use files::rules::NEVER_LISTED;
pub use files::traits::Traits;
pub use files::walk::{FileEntry, Listing, walk};
pub use index::snapshot::{Definition, FileInfo, Snapshot};
pub use index::{Index, Refreshed, Stats};
pub use lexer::keywords::Kind;
pub use search::{Found, Hit, LINE_CHARS_MAX, Query, SEARCHED_BYTES_MAX, search};
pub use segment::Posting;
pub use segment::subwords::each_subword;
pub use structure::{Caller, Filled, How, Structure, StructureStats, Symbol, SymbolQuery, Usage, Usages};

/// Why a tree could not be listed or searched.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// The root is no absolute path to an existing directory.
    #[error("{} is not an absolute path to a directory", .0.display())]
    Root(PathBuf),
    /// The pattern does not parse, would compile to something too large, or has a line end in it.
    #[error("bad pattern: {0}")]
    Pattern(#[from] grep_regex::Error),
    /// The glob does not parse.
    #[error("bad glob: {0}")]
    Glob(#[from] globset::Error),
    /// The caller took its question back.
    #[error("cancelled")]
    Cancelled,
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
