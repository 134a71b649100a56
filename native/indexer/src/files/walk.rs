//! The list of files.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use crate::IndexError;
use crate::files::folder::Held;
use crate::files::rules::{self, RuleFile, Rules};

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
    if !root.is_absolute() || !root.is_dir() {
        return Err(IndexError::Root(root.to_path_buf()));
    }
    let mut listing = Listing { files: Vec::new(), truncated: false };
    let mut read = Vec::new();
    let above = Rules::above(root, None, &mut read);
    let mut walker = Walker { root, max_files, read, listing: &mut listing };
    walker.folder(&above);
    listing.files.sort_unstable();
    Ok(listing)
}

struct Walker<'w> {
    root: &'w Path,
    max_files: usize,
    read: Vec<RuleFile>,
    listing: &'w mut Listing,
}

/// What is still to be visited.
enum Step {
    File(String),
    Folder(String, Arc<Rules>),
}

impl Walker<'_> {
    fn folder(&mut self, above: &Arc<Rules>) {
        // Not by recursion: folders may lie deeper than a stack does.
        let mut steps = vec![Step::Folder(String::new(), Arc::clone(above))];
        while let Some(step) = steps.pop() {
            match step {
                Step::Folder(path, above) => steps.extend(self.steps(&path, &above)),
                Step::File(path) => {
                    let found =
                        fs::symlink_metadata(self.root.join(&path)).ok().filter(fs::Metadata::is_file);
                    let Some(found) = found else { continue };
                    if self.listing.files.len() == self.max_files {
                        self.listing.truncated = true;
                        return;
                    }
                    self.listing.files.push(FileEntry { path, size: found.len() });
                }
            }
        }
    }

    /// What is in a folder, the first by name last.
    fn steps(&mut self, path: &str, above: &Arc<Rules>) -> Vec<Step> {
        let absolute = self.root.join(path);
        let Some(names) = Held::open(self.root, path).as_ref().and_then(rules::Listing::read) else {
            return Vec::new();
        };
        let rules = Rules::within(above, &absolute, names.present, &mut self.read);
        self.read.clear();
        let names = names.admitted(&rules, &absolute);
        let folders = names.folders.into_iter().map(|name| (name, true));
        let mut all: Vec<(String, bool)> =
            names.files.into_iter().map(|name| (name, false)).chain(folders).collect();
        all.sort_unstable_by(|a, b| b.cmp(a));
        let join = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}/{name}") };
        let step = |(name, is_folder): (String, bool)| {
            if is_folder { Step::Folder(join(&name), Arc::clone(&rules)) } else { Step::File(join(&name)) }
        };
        all.into_iter().map(step).collect()
    }
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

    /// The same tree as the `ignore` crate walks it, from which the rules come.
    fn oracle(root: &Path) -> Vec<String> {
        let walk = ignore::WalkBuilder::new(root)
            .require_git(false)
            .git_global(false)
            .parents(false)
            .filter_entry(|entry| {
                entry.depth() == 0 || !crate::NEVER_LISTED.iter().any(|n| entry.file_name() == *n)
            })
            .build();
        let files =
            walk.filter_map(Result::ok).filter(|entry| entry.file_type().is_some_and(|kind| kind.is_file()));
        let path =
            |entry: ignore::DirEntry| entry.path().strip_prefix(root).unwrap().to_str().unwrap().to_owned();
        let mut paths: Vec<String> = files.map(path).collect();
        paths.sort_unstable();
        paths
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(60))]
        #[test]
        fn the_list_is_that_of_the_ignore_crate(
            files in proptest::collection::vec("(a|b|\\.h|build|\\.git/info)(/(a|b|c\\.log|build)){0,2}/(x|y\\.log|\\.z|exclude)", 1..12),
            rules in proptest::collection::vec(
                ("(|a/|b/|a/b/)(\\.gitignore|\\.ignore)", "((|!|/|\\*\\*/)(a|b|x|build/|\\*\\.log|\\.z|\\.h|a/b)\n){1,4}"), 0..4),
        ) {
            let root = make_tree(&[]);
            let all = files.iter().map(|path| (path, "")).chain(rules.iter().map(|(path, text)| (path, text.as_str())));
            for (path, text) in all {
                let path = root.path().join(path);
                // A name may be wanted as a file and as a folder: the first wins.
                if std::fs::create_dir_all(path.parent().unwrap()).is_ok() && !path.exists() {
                    #[expect(clippy::disallowed_methods, reason = "the test makes its own tree")]
                    std::fs::write(path, text).unwrap();
                }
            }
            let listing = walk(root.path(), 1000).unwrap();
            proptest::prop_assert_eq!(paths(&listing), oracle(root.path()));
        }
    }
}
