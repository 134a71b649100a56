//! The bridge from the pure crates to Python: convert, let go of the GIL, call, map errors.

/// The extension module `wainwright._native`.
#[pyo3::pymodule]
mod _native {}
