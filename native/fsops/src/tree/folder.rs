//! What is known of a folder, and what of it is to be looked at again.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::items::{Item, Kind, encode};
use crate::Hash;
use crate::beneath::Stamp;

/// The name of the files with rules that say what is left out.
pub(crate) const IGNORE: &[u8] = b".gitignore";

/// A folder as it was when it was last looked at.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Folder {
    pub stamp: Stamp,
    pub sure: bool,
    pub hash: Hash,
    /// Sorted by name.
    pub entries: Vec<Entry>,
    #[serde(skip)]
    pub look: Look,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub name: Vec<u8>,
    pub node: Node,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Node {
    Leaf(Leaf),
    Folder(Box<Folder>),
}

/// A file or a link.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Leaf {
    pub stamp: Stamp,
    pub link: bool,
    pub sure: bool,
    pub hash: Hash,
}

/// What is to be looked at in a folder when only some paths are dirty.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Look {
    #[default]
    Nothing,
    /// What is marked among the entries.
    Entries,
    /// Also which entries there are.
    Names,
    /// Everything beneath.
    All,
}

/// That of what was never looked at.
pub(crate) const NO_STAMP: Stamp = Stamp { inode: 0, size: 0, modified: 0, changed: 0, mode: 0 };

impl Folder {
    pub fn unseen() -> Self {
        Self { stamp: NO_STAMP, sure: false, hash: Hash::ZERO, entries: Vec::new(), look: Look::All }
    }

    pub fn empty() -> Self {
        Self { sure: true, look: Look::Nothing, ..Self::unseen() }
    }

    pub fn position(&self, name: &[u8]) -> Result<usize, usize> {
        self.entries.binary_search_by(|entry| entry.name.as_slice().cmp(name))
    }

    pub fn find(&self, name: &[u8]) -> Option<&Entry> {
        self.position(name).ok().map(|at| &self.entries[at])
    }

    /// The form that is hashed and stored.
    pub fn encode(&self) -> Vec<u8> {
        let items: Vec<_> = self.entries.iter().map(Entry::item).collect();
        encode(&items)
    }

    /// Marks everything as not known.
    pub fn doubt(&mut self) {
        self.sure = false;
        self.look = Look::All;
        for entry in &mut self.entries {
            match &mut entry.node {
                Node::Leaf(leaf) => leaf.sure = false,
                Node::Folder(folder) => folder.doubt(),
            }
        }
    }

    /// Marks a path as not known.
    pub fn mark(&mut self, path: &Path) {
        let mut names = path.iter();
        let Some(name) = names.next() else { return self.doubt() };
        let name = name.as_bytes();
        let at = self.position(name);
        let last = names.as_path().as_os_str().is_empty();
        let look = match at.map(|at| &mut self.entries[at].node) {
            Ok(Node::Folder(folder)) => {
                folder.mark(names.as_path());
                // The folder may have gone itself.
                if last { Look::Names } else { Look::Entries }
            }
            Ok(Node::Leaf(leaf)) if last => {
                leaf.sure = false;
                Look::Entries
            }
            _ => Look::Names,
        };
        // Other rules may bring back what they left out anywhere beneath.
        let look = if last && name == IGNORE { Look::All } else { look };
        if look >= Look::Names {
            self.sure = false;
        }
        self.look = self.look.max(look);
    }
}

impl Entry {
    pub fn item(&self) -> Item {
        let (kind, mode, size, hash) = match &self.node {
            Node::Folder(folder) => (Kind::Folder, folder.stamp.mode, 0, folder.hash),
            Node::Leaf(leaf) if leaf.link => (Kind::Link, 0, leaf.stamp.size, leaf.hash),
            Node::Leaf(leaf) => (Kind::File, leaf.stamp.mode, leaf.stamp.size, leaf.hash),
        };
        Item { name: self.name.clone(), kind, mode, size, hash }
    }
}

/// The hash of what has this name.
pub(crate) fn hash_of(folder: &Folder, name: &[u8]) -> Option<Hash> {
    folder.find(name).map(|entry| entry.item().hash)
}
