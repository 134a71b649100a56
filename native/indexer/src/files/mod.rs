//! The files of a tree as the file system has them: which belong to it, whether they are still the ones that were read,
//! what of their bytes is text.

pub(crate) mod facts;
pub(crate) mod folder;
pub(crate) mod read;
pub(crate) mod rules;
pub(crate) mod stamp;
pub(crate) mod text;
pub(crate) mod traits;
pub(crate) mod walk;
