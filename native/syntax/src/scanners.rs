//! Guards around the grammars whose own scanners can write past the end of what they are given.
//!
//! A scanner writes its state into 1,024 bytes. Those of Python, Ruby and YAML check the room for less than they then
//! write; text that is nested some hundred levels deep makes the parser abort the process. Their grammars are therefore
//! handed to the parser with another function in that place: it lets the scanner write into a larger buffer, and gives up the
//! state where it is too long, which such text only costs a poorer tree.

use std::ffi::{c_char, c_uint, c_void};
use std::sync::OnceLock;

use tree_sitter::Language;
use tree_sitter_language::LanguageFn;

/// The room a scanner is promised, in bytes.
const ROOM: usize = 1024;

type Serialize = unsafe extern "C" fn(*mut c_void, *mut c_char) -> c_uint;

/// A grammar as its C source lays it out (`TSLanguage`), as far as version 14 goes.
#[repr(C)]
#[derive(Clone, Copy)]
struct Grammar14 {
    version: u32,
    counts: [u32; 8],
    max_alias_sequence_length: u16,
    tables: [*const c_void; 13],
    lexers: [*const c_void; 2],
    keyword_capture_token: u16,
    scanner_tables: [*const c_void; 2],
    scanner_functions: [*const c_void; 3],
    serialize: Option<Serialize>,
    deserialize: *const c_void,
    primary_states: *const c_void,
}

/// The same with what version 15 added.
#[repr(C)]
#[derive(Clone, Copy)]
struct Grammar15 {
    base: Grammar14,
    name: *const c_void,
    reserved_words: *const c_void,
    max_reserved_words: u16,
    supertypes: u32,
    supertype_tables: [*const c_void; 3],
    metadata: [u8; 3],
}

/// Copies a grammar with another `serialize`; gives the copy and the function it had.
#[expect(unsafe_code, reason = "a grammar is a table in C")]
fn guarded(grammar: LanguageFn, guard: Serialize) -> Option<(usize, Serialize)> {
    // SAFETY: the function is that of a grammar crate and returns its static table, which is never written to. The table is of
    // version 14 or 15 by its first field (checked before more is read), and the structures above are laid out as those
    // versions are in `tree_sitter/parser.h`. The copies are leaked, one for each grammar, so that they live as long as the
    // process, like the table itself.
    unsafe {
        let table = (grammar.into_raw())();
        match table.cast::<u32>().read() {
            14 => {
                let mut copy = table.cast::<Grammar14>().read();
                let own = copy.serialize.replace(guard)?;
                Some((std::ptr::from_mut(Box::leak(Box::new(copy))) as usize, own))
            }
            15 => {
                let mut copy = table.cast::<Grammar15>().read();
                let own = copy.base.serialize.replace(guard)?;
                Some((std::ptr::from_mut(Box::leak(Box::new(copy))) as usize, own))
            }
            _ => None,
        }
    }
}

/// Lets a scanner write its state into a larger buffer, and hands on what fits.
///
/// # Safety
/// `payload` is what the scanner's own `create` made, `buffer` has [`ROOM`] bytes: what the parser promises.
#[expect(unsafe_code, reason = "called from C, calls C")]
unsafe fn bounded(own: Serialize, payload: *mut c_void, buffer: *mut c_char) -> c_uint {
    // The most that is written at once is a heredoc's word of 255 bytes and its flags.
    let mut large = [0; ROOM + 512];
    // SAFETY: the caller passes on the parser's promise; no scanner here goes further than one item past its room.
    let length = unsafe { own(payload, large.as_mut_ptr()) };
    if length as usize > ROOM {
        return 0;
    }
    // SAFETY: both buffers have at least `ROOM` bytes, and they are not the same.
    unsafe { std::ptr::copy_nonoverlapping(large.as_ptr(), buffer, length as usize) };
    length
}

macro_rules! guard {
    ($name:ident, $grammar:expr) => {
        pub(crate) fn $name() -> Language {
            static GUARDED: OnceLock<Option<(usize, Serialize)>> = OnceLock::new();
            #[expect(unsafe_code, reason = "called from C")]
            unsafe extern "C" fn serialize(payload: *mut c_void, buffer: *mut c_char) -> c_uint {
                match GUARDED.get() {
                    // SAFETY: the parser calls this as it would call the scanner's own function.
                    Some(Some((_, own))) => unsafe { bounded(*own, payload, buffer) },
                    _ => 0,
                }
            }
            #[expect(unsafe_code, reason = "called by the parser's crate")]
            unsafe extern "C" fn table() -> *const () {
                match GUARDED.get() {
                    Some(Some((copy, _))) => *copy as *const (),
                    // SAFETY: the grammar's own function, for a version that is not known here.
                    _ => unsafe { ($grammar.into_raw())() },
                }
            }
            GUARDED.get_or_init(|| guarded($grammar, serialize));
            // SAFETY: the table is a grammar's, or a copy of one.
            #[expect(unsafe_code, reason = "the table was not made by a grammar crate")]
            let grammar = unsafe { LanguageFn::from_raw(table) };
            grammar.into()
        }
    };
}

guard!(python, tree_sitter_python::LANGUAGE);
guard!(ruby, tree_sitter_ruby::LANGUAGE);
guard!(yaml, tree_sitter_yaml::LANGUAGE);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_guards_are_in_place() {
        for (grammar, guarded) in [
            (tree_sitter_python::LANGUAGE, python()),
            (tree_sitter_ruby::LANGUAGE, ruby()),
            (tree_sitter_yaml::LANGUAGE, yaml()),
        ] {
            let own = Language::new(grammar);
            assert_ne!(own, guarded, "a copy, with another function");
            assert_eq!(own.node_kind_count(), guarded.node_kind_count());
            assert_eq!(own.abi_version(), guarded.abi_version());
        }
    }
}
