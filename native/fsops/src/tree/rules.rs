//! What the ignore files of a tree leave out.

use std::ffi::OsStr;
use std::os::fd::BorrowedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use ignore::gitignore::{Gitignore, GitignoreBuilder};

use super::read::read_file;

/// The ignore rules that hold in a folder: its own, read when first asked for, and those above.
pub(crate) struct Rules<'a> {
    above: Option<&'a Rules<'a>>,
    handle: BorrowedFd<'a>,
    /// Where they are written.
    file: PathBuf,
    own: OnceLock<Gitignore>,
    /// Length of the folder's path, with the slash behind it.
    prefix: usize,
}

impl<'a> Rules<'a> {
    /// Those that hold in the whole tree, beside its ignore files.
    pub fn of_tree(handle: BorrowedFd<'a>) -> Self {
        let file = PathBuf::from(".git/info/exclude");
        Self { above: None, handle, file, own: OnceLock::new(), prefix: 0 }
    }

    pub fn of_folder(handle: BorrowedFd<'a>, path: &Path, above: &'a Rules<'a>) -> Self {
        let prefix = match path.as_os_str().len() {
            0 => 0,
            length => length + 1,
        };
        Self { above: Some(above), handle, file: path.join(".gitignore"), own: OnceLock::new(), prefix }
    }

    pub fn ignores(&self, path: &Path, is_folder: bool) -> bool {
        let mut rules = Some(self);
        while let Some(here) = rules {
            let below = &path.as_os_str().as_bytes()[here.prefix..];
            let own = here.own.get_or_init(|| read_rules(here.handle, &here.file));
            let found = own.matched(Path::new(OsStr::from_bytes(below)), is_folder);
            if !found.is_none() {
                return found.is_ignore();
            }
            rules = here.above;
        }
        false
    }
}

fn read_rules(handle: BorrowedFd<'_>, file: &Path) -> Gitignore {
    let mut text = Vec::new();
    let read = read_file(handle, file, |piece| text.extend_from_slice(piece));
    let mut builder = GitignoreBuilder::new("");
    if read.is_ok() {
        for line in String::from_utf8_lossy(&text).trim_start_matches('\u{feff}').lines() {
            // As git does: a line that does not parse leaves nothing out.
            let _ = builder.add_line(None, line);
        }
    }
    builder.build().unwrap_or_else(|_| Gitignore::empty())
}
