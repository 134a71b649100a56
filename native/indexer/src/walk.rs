//! The list of files.

use std::path::Path;

use crate::{IndexError, relative_file, tree};

/// One regular file of the tree.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct FileEntry {
    /// Path relative to the root.
    pub path: String,
    /// Size in bytes.
    pub size: u64,
}

/// The files of a tree, sorted by path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// Sorted by the bytes of the path.
    pub files: Vec<FileEntry>,
    /// True if the tree holds more files than were asked for.
    pub truncated: bool,
}

/// Lists at most `max_files` files beneath `root`.
///
/// Which files are kept when there are too many depends on the tree alone: folders are read in the order of
/// their names, and the list ends where the bound is met.
///
/// # Errors
/// [`IndexError::Root`] if `root` is not an absolute path to a directory.
pub fn walk(root: &Path, max_files: usize) -> Result<Listing, IndexError> {
    let mut listing = Listing { files: Vec::new(), truncated: false };
    let entries = tree(root)?.sort_by_file_name(Ord::cmp).build();
    for entry in entries.filter_map(Result::ok) {
        let Some(path) = relative_file(root, &entry) else {
            continue;
        };
        let Ok(metadata) = entry.metadata() else {
            continue;
        };
        if listing.files.len() == max_files {
            listing.truncated = true;
            break;
        }
        listing.files.push(FileEntry { path, size: metadata.len() });
    }
    listing.files.sort_unstable();
    Ok(listing)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::{make_tree, paths};

    #[test]
    fn lists_sorted_paths_with_sizes() {
        let root = make_tree(&[("b.txt", "four"), ("a/c.txt", ""), ("a-b.txt", "x")]);
        let listing = walk(root.path(), 10).unwrap();
        assert_eq!(paths(&listing), ["a-b.txt", "a/c.txt", "b.txt"]);
        assert_eq!(listing.files[2].size, 4);
        assert!(!listing.truncated);
    }

    #[test]
    fn ignore_files_count_without_a_repository() {
        let root = make_tree(&[
            (".gitignore", "*.log\n!.github\n"),
            (".ignore", "secret/\n"),
            ("a.log", ""),
            ("secret/key", ""),
            (".hidden", ""),
            (".github/ci.yml", ""),
            ("kept.txt", ""),
        ]);
        assert_eq!(paths(&walk(root.path(), 10).unwrap()), [".github/ci.yml", "kept.txt"]);
    }

    #[test]
    fn protected_folders_stay_out_whatever_the_rules_say() {
        let root = make_tree(&[
            (".ignore", "!.git\n!.wainwright\n!.hidden\n"),
            (".git/config", ""),
            ("sub/.git/config", ""),
            (".wainwright/plan.md", ""),
            (".hidden", ""),
        ]);
        assert_eq!(paths(&walk(root.path(), 10).unwrap()), [".hidden"]);
    }

    #[test]
    fn rules_above_count_only_inside_one_repository() {
        let outer = make_tree(&[(".gitignore", "*.log\n"), ("sub/a.log", "")]);
        let inner = outer.path().join("sub");
        assert_eq!(paths(&walk(&inner, 10).unwrap()), ["a.log"]);
        std::fs::create_dir(outer.path().join(".git")).unwrap();
        assert!(paths(&walk(&inner, 10).unwrap()).is_empty());
    }

    #[test]
    fn the_bound_is_kept_and_told() {
        let root = make_tree(&[("a", ""), ("b", ""), ("c", "")]);
        let listing = walk(root.path(), 2).unwrap();
        assert_eq!(paths(&listing), ["a", "b"]);
        assert!(listing.truncated);
        assert!(!walk(root.path(), 3).unwrap().truncated);
    }

    #[cfg(unix)]
    #[test]
    fn links_are_not_followed() {
        use std::os::unix::fs::symlink;

        let outside = make_tree(&[("secret", "")]);
        let root = make_tree(&[("a", "")]);
        symlink(outside.path(), root.path().join("folder")).unwrap();
        symlink(outside.path().join("secret"), root.path().join("file")).unwrap();
        assert_eq!(paths(&walk(root.path(), 10).unwrap()), ["a"]);
    }

    #[test]
    fn a_relative_or_missing_root_is_refused() {
        for root in ["relative", "/no/such/folder"] {
            assert!(matches!(walk(Path::new(root), 1), Err(IndexError::Root(_))));
        }
    }
}
