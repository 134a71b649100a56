//! Answers in the formats that models write edits in, read as [`Edit`]s.

mod blocks;
mod rows;
mod unified;
mod v4a;

use self::rows::{fence, rows};
use super::edit::{Action, Edit};
use super::refusal::{Reason, Refusal};
use super::text::is_blank;

/// The form of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format<'a> {
    /// Whichever of the other forms its first marker belongs to; blocks if it has none.
    Auto,
    /// `<<<<<<< SEARCH`, `=======`, `>>>>>>> REPLACE` with a path before it or behind the first marker; and
    /// `<<<<<<< FILE path` to `>>>>>>> FILE`, `<<<<<<< DELETE path`.
    Blocks,
    /// `---`, `+++`, `@@` and signed lines.
    Unified,
    /// `*** Begin Patch` to `*** End Patch`.
    V4a,
    /// The code of one function.
    Function {
        /// The file.
        path: &'a str,
        /// The name of the function.
        symbol: &'a str,
    },
    /// The whole text of one file.
    File {
        /// The file.
        path: &'a str,
    },
}

/// Reads all edits of an answer, or says what about it cannot be read.
///
/// `only_path` is the file that edits without a path mean.
///
/// # Errors
/// What cannot be read: no edit at all, one that names no file, one that is cut off.
pub fn read<'a>(
    answer: &'a str,
    format: Format<'a>,
    only_path: Option<&'a str>,
) -> Result<Vec<Edit<'a>>, Refusal> {
    let edits = match format {
        Format::Auto => return read(answer, detect(answer), only_path),
        Format::Blocks => blocks::read(answer, only_path)?,
        Format::Unified => unified::read(answer, only_path)?,
        Format::V4a => v4a::read(answer)?,
        Format::Function { path, symbol } => {
            let code = unfenced(answer)?;
            vec![Edit::new(path, Action::Function { symbol: symbol.into(), code: code.into() })]
        }
        Format::File { path } => vec![Edit::new(path, Action::Write(unfenced(answer)?.into()))],
    };
    if edits.is_empty() {
        return Err(Refusal::new(Reason::Unreadable).because("it holds no edit"));
    }
    Ok(edits)
}

fn detect(answer: &str) -> Format<'static> {
    for line in answer.lines() {
        if blocks::opens(line) {
            return Format::Blocks;
        }
        if line.starts_with("*** Begin Patch") || line.starts_with("*** Update File:") {
            return Format::V4a;
        }
        if line.starts_with("--- ") || line.starts_with("@@ ") || line.starts_with("diff --git ") {
            return Format::Unified;
        }
    }
    Format::Blocks
}

/// The content of the one fenced block of an answer, or the whole answer if nothing is fenced.
fn unfenced(answer: &str) -> Result<&str, Refusal> {
    let rows = rows(answer);
    let Some(open) = rows.iter().position(|row| fence(row.text).is_some()) else {
        return Ok(answer);
    };
    let Some((marks, _)) = fence(rows[open].text) else {
        return Ok(answer);
    };
    // Fences within the code are shorter or lie between the outer two.
    let close = rows.iter().rposition(|row| fence(row.text) == Some((marks, "")));
    match close {
        Some(close) if close > open => {
            let told = rows[..open].iter().all(|row| is_blank(row.text) || looks_like_prose(row.text));
            if told { Ok(&answer[rows[open].next..rows[close].start]) } else { Ok(answer) }
        }
        // A fence in the middle belongs to the code; one at the beginning was never closed.
        _ if rows[..open].iter().all(|row| is_blank(row.text)) => {
            Err(Refusal::new(Reason::Truncated).because("its code fence is not closed"))
        }
        _ => Ok(answer),
    }
}

/// A sentence and no code, as far as one line can tell.
fn looks_like_prose(line: &str) -> bool {
    let line = line.trim();
    line.ends_with([':', '.', '!']) && line.contains(' ') && !line.contains(['{', '}', ';', '=', '('])
        || line.starts_with(['#', '*'])
}
