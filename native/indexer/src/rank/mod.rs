//! From a goal in words to the files and functions it is about.
//!
//! Two looks: the first, at every file, weighs what the index, the paths and the history say; the second reads the
//! best files and weighs their functions, imports and references. Both give features to two small models, fitted on
//! the changes of public repositories: the heads of the tables say which, how, and what they reach on repositories
//! that they have not seen. Functions are judged first, and speak for their files. `tests/evals/fit_ranking.py` fits new
//! tables by the same method.

#![expect(clippy::cast_precision_loss, reason = "scores are estimates; counts stay far below 2^24")]

/// Declares named features: an enum whose members index an array of values.
macro_rules! features {
    ($(#[$doc:meta])* $name:ident { $($feature:ident),* $(,)? }) => {
        $(#[$doc])*
        #[expect(non_camel_case_types, reason = "the names stand in the models' tables")]
        #[derive(Clone, Copy, Debug)]
        pub(crate) enum $name { $($feature),* }

        impl $name {
            /// The names, in the order of the values.
            pub const NAMES: &[&str] = &[$(stringify!($feature)),*];
            /// How many there are.
            pub const COUNT: usize = Self::NAMES.len();
        }
    };
}
mod answer;
mod close;
pub mod corpus;
mod files;
pub mod history;
mod lens;
mod live;
mod model;
mod near;
mod pack;
mod past;
mod query;
mod ranker;
mod ranking;
mod reading;
pub mod role;
mod tree;
mod words;

pub use answer::{Values, file_features, function_features, rank, rank_and_pack, values};
pub use live::{Asked, Live};
pub use past::Past;
pub use query::Query;
pub use ranker::{Ranker, TreeEntry};
pub use ranking::{Moment, RankedFile, RankedFunction, Ranking};
pub use reading::{Reading, Readings};
pub use tree::{PathCache, Tree};

use corpus::{Corpus, Vocabulary};
use history::History;

/// A tree to rank the files of, with its history.
#[derive(Clone, Copy)]
pub struct Ground<'g> {
    /// The texts.
    pub corpus: &'g dyn Corpus,
    /// The paths.
    pub tree: &'g Tree,
    /// The numbers of words and stems in paths and history.
    pub vocabulary: &'g Vocabulary,
    /// What was changed.
    pub history: &'g History,
    /// The history of this tree's files.
    pub past: &'g Past,
}

/// Whether a file of this path and size, in bytes, is worth reading at all.
#[must_use]
pub fn is_worth_reading(path: &str, size: u64) -> bool {
    let most = match role::role(path) {
        role::Role::Source => 1_000_000,
        role::Role::Test | role::Role::Document | role::Role::Example => 300_000,
        role::Role::Foreign => 200_000,
        role::Role::Data => 50_000,
    };
    size <= most
}
