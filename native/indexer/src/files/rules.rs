//! Which files belong to a tree: ignore rules, hidden files, what is never listed, and what is kept all the same.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};

use crate::files::folder::{Held, Kind};
use crate::files::stamp::Stamp;

/// Folders (or files) that are never listed or searched: their content is not the person's source.
pub const NEVER_LISTED: [&str; 2] = [".git", ".wainwright"];

/// The name of the file, in the folder of a store, that says what is kept.
pub(crate) const KEPT: &str = "kept";

/// Files of the tree whatever the rules say about them, as those are that git tracks.
#[derive(Debug, Default)]
struct Kept {
    root: PathBuf,
    paths: BTreeSet<String>,
}

impl Kept {
    /// Reads paths relative to `root` that end with a NUL each; as if it were empty if there is no such file.
    fn read(root: &Path, list: &Path, read: &mut Vec<RuleFile>) -> Self {
        let metadata = fs::metadata(list).ok().filter(fs::Metadata::is_file);
        read.push((list.to_path_buf(), metadata.as_ref().map(Stamp::of)));
        let text = metadata.and_then(|_| fs::read(list).ok()).unwrap_or_default();
        let paths = text.split(|byte| *byte == 0).filter_map(|path| String::from_utf8(path.to_vec()).ok());
        Self { root: root.to_path_buf(), paths: paths.filter(|path| !path.is_empty()).collect() }
    }

    /// True if a path is kept, or the folder that it names holds something that is.
    fn has(&self, path: &Path, is_folder: bool) -> bool {
        if self.paths.is_empty() {
            return false;
        }
        let Some(path) = path.strip_prefix(&self.root).ok().and_then(Path::to_str) else { return false };
        if !is_folder {
            return self.paths.contains(path);
        }
        let beneath = format!("{path}/");
        self.paths.range(beneath.clone()..).next().is_some_and(|first| first.starts_with(&beneath))
    }
}

/// The ignore rules that hold in one folder: its own, then those of the folders above.
#[derive(Debug, Default)]
pub(crate) struct Rules {
    parent: Option<Arc<Rules>>,
    kept: Arc<Kept>,
    /// The folder is listed for the sake of what is kept in it, and of nothing else.
    only_kept: bool,
    /// From `.ignore`, `.gitignore` and `.git/info/exclude`; one that says something about a path goes before
    /// those after it, whatever folder it is from.
    kinds: [Option<Gitignore>; 3],
}

/// A file with ignore rules that was read, or looked for. When its stamp changes, so may the whole list.
pub(crate) type RuleFile = (PathBuf, Option<Stamp>);

/// What a listing shows of a folder's own rules.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Present {
    pub ignore: bool,
    pub gitignore: bool,
    pub git: bool,
}

impl Rules {
    /// The rules from above `root`: only those of a larger git repository that it lies in, and the list of what is
    /// kept.
    pub fn above(root: &Path, kept: Option<&Path>, read: &mut Vec<RuleFile>) -> Arc<Self> {
        let kept = kept.map_or_else(Kept::default, |list| Kept::read(root, list, read));
        let mut rules = Arc::new(Self { kept: Arc::new(kept), ..Self::default() });
        let has_git = |folder: &Path| folder.join(".git").exists();
        let above = || root.ancestors().skip(1);
        if !has_git(root) && above().any(has_git) {
            let folders: Vec<_> = above().collect();
            for folder in folders.into_iter().rev() {
                let all = Present { ignore: true, gitignore: true, git: true };
                rules = Self::within(&rules, folder, all, read);
            }
        }
        rules
    }

    /// The rules in `folder`, which is beneath the one of `parent`.
    pub fn within(
        parent: &Arc<Self>,
        folder: &Path,
        present: Present,
        read: &mut Vec<RuleFile>,
    ) -> Arc<Self> {
        let files = [
            (present.ignore, ".ignore"),
            (present.gitignore, ".gitignore"),
            (present.git, ".git/info/exclude"),
        ];
        let kinds = files.map(|(there, name)| if there { parse(folder, name, read) } else { None });
        let only_kept = parent.only_kept || parent.kept.has(folder, true) && parent.hides(folder);
        if kinds.iter().all(Option::is_none) && only_kept == parent.only_kept {
            return Arc::clone(parent);
        }
        Arc::new(Self { parent: Some(Arc::clone(parent)), kept: Arc::clone(&parent.kept), only_kept, kinds })
    }

    fn hides(&self, folder: &Path) -> bool {
        let name = folder.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        !self.allows(folder, name, true)
    }

    /// True if an entry of a folder with these rules belongs to the tree.
    pub fn admit(&self, path: &Path, name: &str, is_folder: bool) -> bool {
        if NEVER_LISTED.contains(&name) {
            return false;
        }
        !self.only_kept && self.allows(path, name, is_folder) || self.kept.has(path, is_folder)
    }

    fn allows(&self, path: &Path, name: &str, is_folder: bool) -> bool {
        match self.verdict(path, is_folder) {
            Match::Ignore(()) => false,
            Match::Whitelist(()) => true,
            Match::None => !name.starts_with('.'),
        }
    }

    /// True if a path relative to `root` belongs to the tree, by the rules that are on disk now; the file itself
    /// need not be there.
    pub fn admit_path(root: &Path, kept: &Path, path: &str) -> bool {
        if path.split('/').any(|part| matches!(part, "" | "." | "..")) {
            return false;
        }
        let all = Present { ignore: true, gitignore: true, git: true };
        let mut read = Vec::new();
        let mut rules = Self::above(root, Some(kept), &mut read);
        let mut folder = root.to_path_buf();
        let mut parts = path.split('/').peekable();
        while let Some(part) = parts.next() {
            rules = Self::within(&rules, &folder, all, &mut read);
            folder.push(part);
            if !rules.admit(&folder, part, parts.peek().is_some()) {
                return false;
            }
        }
        true
    }

    fn verdict(&self, path: &Path, is_folder: bool) -> Match<()> {
        for kind in 0..self.kinds.len() {
            let mut folder = Some(self);
            while let Some(rules) = folder {
                if let Some(matcher) = &rules.kinds[kind] {
                    let found = matcher.matched(path, is_folder).map(|_| ());
                    if !found.is_none() {
                        return found;
                    }
                }
                folder = rules.parent.as_deref();
            }
        }
        Match::None
    }
}

/// The names of the regular files and of the folders in a folder.
#[derive(Debug)]
pub(crate) struct Listing {
    pub files: Vec<String>,
    pub folders: Vec<String>,
    pub present: Present,
}

impl Listing {
    /// Everything that is there; `None` if it cannot be read.
    pub fn read(folder: &Held) -> Option<Self> {
        let mut listing = Self { files: Vec::new(), folders: Vec::new(), present: Present::default() };
        for (name, kind) in folder.entries()? {
            match name.as_str() {
                ".ignore" => listing.present.ignore = true,
                ".gitignore" => listing.present.gitignore = true,
                ".git" => listing.present.git = true,
                _ => {}
            }
            match kind {
                Kind::File => listing.files.push(name),
                Kind::Folder => listing.folders.push(name),
                Kind::Other => {}
            }
        }
        Some(listing)
    }

    /// What belongs to the tree by the rules of this folder.
    pub fn admitted(mut self, rules: &Rules, folder: &Path) -> Self {
        self.files.retain(|name| rules.admit(&folder.join(name), name, false));
        self.folders.retain(|name| rules.admit(&folder.join(name), name, true));
        self
    }
}

fn parse(folder: &Path, name: &str, read: &mut Vec<RuleFile>) -> Option<Gitignore> {
    let path = folder.join(name);
    let metadata = fs::metadata(&path).ok().filter(fs::Metadata::is_file);
    read.push((path.clone(), metadata.as_ref().map(Stamp::of)));
    // A pipe of that name would never end, and a link may lead anywhere: git follows none either.
    let bytes = crate::files::read::read(folder, name)?;
    let mut builder = GitignoreBuilder::new(folder);
    let lines = std::str::from_utf8(&bytes).unwrap_or_else(|error| {
        // What stands before holds, as when the file is read line by line.
        let text = std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default();
        text.rsplit_once('\n').map_or("", |(lines, _)| lines)
    });
    for line in lines.trim_start_matches('\u{feff}').lines() {
        // A line that does not parse leaves the other rules in force.
        let _ = builder.add_line(Some(path.clone()), line);
    }
    builder.build().ok().filter(|rules| !rules.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::make_tree;

    #[test]
    fn what_is_kept_belongs_to_the_tree_and_nothing_beside_it() {
        let root = make_tree(&[
            (".gitignore", "dist/\n*.log\n"),
            ("dist/.gitignore", "!other.js\n"),
            ("dist/kept.js", ""),
            ("dist/other.js", ""),
        ]);
        let list =
            make_tree(&[(KEPT, "dist/kept.js\0dist/deep/kept.js\0a.log\0.hidden/kept\0.git/config\0")]);
        let kept = list.path().join(KEPT);
        for path in ["dist/kept.js", "dist/deep/kept.js", "a.log", ".hidden/kept", "plain"] {
            assert!(Rules::admit_path(root.path(), &kept, path), "{path}");
        }
        for path in ["dist/other.js", "dist/deep/other", "b.log", ".hidden/other", ".git/config"] {
            assert!(!Rules::admit_path(root.path(), &kept, path), "{path}");
        }
        assert!(!Rules::admit_path(root.path(), &list.path().join("none"), "a.log"));
    }
}
