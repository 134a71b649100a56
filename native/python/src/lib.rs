//! The bridge from the pure crates to Python: convert, let go of the interpreter lock, call, map errors.
//!
//! What each function means is written in `server/wainwright/_native.pyi` and in the crates.

#![expect(clippy::needless_pass_by_value, reason = "what comes from Python arrives as owned values")]

mod context;
mod diff;
mod fsops;
mod index;
mod structure;

/// The program that mounts layers; empty where there is none.
const LAUNCHER: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/wainwright-launch"));

use std::borrow::Cow;

use pyo3::prelude::*;

/// The program that mounts layers.
#[pyfunction]
fn launcher() -> Cow<'static, [u8]> {
    LAUNCHER.into()
}

/// The extension module `wainwright._native`.
#[pymodule]
mod _native {
    #[pymodule_export]
    use super::context::{Live, Ranker, rank_features, role_of};
    #[pymodule_export]
    use super::diff::{apply_answer, apply_edits, line_hunks, merge, more_syntax_errors, unified};
    #[pymodule_export]
    use super::fsops::{BoundaryError, ChangedError, read_beneath, recover, write_batch};
    #[cfg(unix)]
    #[pymodule_export]
    use super::fsops::{Snapshots, Tree, align, lay, open_beneath, remove};
    #[pymodule_export]
    use super::index::{Cancel, Cancelled, Index, search, walk};
    #[pymodule_export]
    use super::launcher;
    #[pymodule_export]
    use super::structure::{Structure, mutants};
}
