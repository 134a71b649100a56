//! A folder as it is hashed and stored: one item a name.

use crate::Hash;

const FOLDER_PREFIX: &[u8] = b"wainwright folder 1\n";

/// One line of a folder in the form that is hashed and stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Name within its folder, any bytes but `/`.
    pub name: Vec<u8>,
    /// What it is.
    pub kind: Kind,
    /// Permission bits; zero for a link.
    pub mode: u32,
    /// Bytes of a file or of a link's target; zero for a folder.
    pub size: u64,
    /// Of the content, the target, or the entries.
    pub hash: Hash,
}

/// What an [`Item`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    File,
    /// A symbolic link.
    Link,
    /// A folder.
    Folder,
}

/// Names that belong to no tree.
pub(crate) fn protected(name: &[u8]) -> bool {
    let ours = name.starts_with(b".wainwright-") && name.ends_with(b".tmp");
    ours || matches!(name, b"." | b".." | b".git" | b".wainwright")
}

/// Writes the items of a folder, which are sorted by name, in the form that is hashed and stored.
pub fn encode(items: &[Item]) -> Vec<u8> {
    let mut bytes = FOLDER_PREFIX.to_vec();
    for item in items {
        bytes.push(match item.kind {
            Kind::File => b'f',
            Kind::Link => b'l',
            Kind::Folder => b'd',
        });
        bytes.extend_from_slice(&item.mode.to_le_bytes());
        bytes.extend_from_slice(&item.size.to_le_bytes());
        bytes.extend_from_slice(&item.hash.0);
        bytes.extend_from_slice(&(item.name.len() as u64).to_le_bytes());
        bytes.extend_from_slice(&item.name);
    }
    bytes
}

/// Reads the items of a folder; `None` if they are not in the form that [`encode`] writes.
pub fn decode(bytes: &[u8]) -> Option<Vec<Item>> {
    let mut rest = bytes.strip_prefix(FOLDER_PREFIX)?;
    let mut items: Vec<Item> = Vec::new();
    while let Some((kind, after)) = rest.split_first() {
        let kind = match kind {
            b'f' => Kind::File,
            b'l' => Kind::Link,
            b'd' => Kind::Folder,
            _ => return None,
        };
        let (mode, after) = after.split_first_chunk()?;
        let (size, after) = after.split_first_chunk()?;
        let (hash, after) = after.split_first_chunk()?;
        let (length, after) = after.split_first_chunk()?;
        let (name, after) = after.split_at_checked(usize::try_from(u64::from_le_bytes(*length)).ok()?)?;
        let plain = !name.is_empty() && !name.contains(&b'/') && !name.contains(&0) && !protected(name);
        if !plain || items.last().is_some_and(|last| last.name.as_slice() >= name) {
            return None;
        }
        let (mode, size) = (u32::from_le_bytes(*mode), u64::from_le_bytes(*size));
        items.push(Item { name: name.to_vec(), kind, mode, size, hash: Hash(*hash) });
        rest = after;
    }
    Some(items)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn item() -> impl Strategy<Value = Item> {
        let kind = prop_oneof![Just(Kind::File), Just(Kind::Link), Just(Kind::Folder)];
        (kind, 0..0o777_u32, any::<u64>(), any::<[u8; 32]>(), prop::collection::vec(b'0'..b'z', 1..9))
            .prop_map(|(kind, mode, size, hash, name)| Item { name, kind, mode, size, hash: Hash(hash) })
    }

    proptest! {
        #[test]
        fn a_folder_is_read_as_it_was_written(mut items in prop::collection::vec(item(), 0..6)) {
            items.sort_by(|left, right| left.name.cmp(&right.name));
            items.dedup_by(|left, right| left.name == right.name);
            prop_assert_eq!(decode(&encode(&items)), Some(items));
        }

        #[test]
        fn no_bytes_are_too_strange(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = decode(&[FOLDER_PREFIX, &bytes].concat());
            prop_assert_eq!(decode(&bytes).is_some(), false);
        }
    }
}
