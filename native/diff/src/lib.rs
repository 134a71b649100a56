//! Differences of texts, three-way merge, positions, and edits as models write them.
//!
//! A line ends at `\n`, `\r\n` or `\r` and nowhere else, as in the Language Server Protocol; form feeds and
//! U+2028 are text. The one exception is [`unified`], whose format knows only `\n`.

pub mod apply;
mod hunks;
mod lines;
mod merge;
mod nearest;
mod positions;
mod unified;
mod words;

pub use hunks::{Hunk, line_hunks};
pub use merge::{Merge, Part, Side, merge, rebase};
pub use positions::{Encoding, Positions};
pub use unified::unified;
pub use words::{WordHunk, word_hunks};
