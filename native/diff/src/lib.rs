//! Line differences, and edits written as search and replace blocks.
//!
//! A line ends at `\n`, `\r\n` or `\r` and nowhere else, as in the Language Server Protocol; form feeds and
//! U+2028 are text. The one exception is [`unified`], whose format knows only `\n`.

pub mod apply;
mod hunks;
mod lines;
mod nearest;
mod unified;

pub use hunks::{Hunk, line_hunks};
pub use unified::unified;
