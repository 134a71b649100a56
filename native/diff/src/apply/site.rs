//! Where a function stands in its file.

use std::ops::Range;

use wainwright_syntax::{Definition, Language};

use super::alike::similarity;
use super::code::{Code, remarks};
use super::refusal::{Reason, Refusal};
use super::text::{indent_of, is_blank};

/// Where the function stands.
pub struct Site<'t> {
    /// Its lines in the file.
    pub rows: Range<usize>,
    pub indent: &'t str,
    /// What stands on the first line before it, and on the last line behind it.
    before: &'t str,
    behind: &'t str,
    pub kept_decorators: bool,
    /// The row where it begins with its decorators.
    top: usize,
}

impl<'t> Site<'t> {
    pub fn new(body: &'t str, old: &Definition, code: &Code<'_>) -> Self {
        let own = code.own(&old.name);
        let decorated = |definition: &Definition| definition.whole.start < definition.core.start;
        let dressed = own.is_some_and(decorated)
            || own.is_none()
                && code.lines.first().is_some_and(|line| line.trim_start().starts_with(['@', '#', '[']));
        let keeps = decorated(old) && !dressed;
        let start = if keeps { old.core.start } else { old.whole.start } as usize;
        let end = if keeps { old.core.end } else { old.whole.end } as usize;
        let end = start + body[start..end].trim_end().len();
        let line_start = body[..start].rfind('\n').map_or(0, |at| at + 1);
        let line_end = body[end..].find(['\n', '\r']).map_or(body.len(), |at| end + at);
        let count = |to: usize| memchr::memchr_iter(b'\n', &body.as_bytes()[..to]).count();
        Self {
            rows: count(start)..count(end) + 1,
            indent: indent_of(&body[line_start..start]),
            before: &body[line_start + indent_of(&body[line_start..start]).len()..start],
            behind: &body[end..line_end],
            kept_decorators: keeps,
            top: count(old.whole.start as usize),
        }
    }

    /// Puts what stands beside the function on its lines around the new ones.
    pub fn dress(&self, lines: &mut [String]) {
        if let Some(first) = lines.first_mut() {
            let (indent, text) = first.split_at(indent_of(first).len());
            if !self.before.trim().is_empty() && !text.starts_with(self.before.trim()) {
                *first = format!("{indent}{}{text}", self.before);
            }
        }
        if let Some(last) = lines.last_mut() {
            let behind = self.behind.trim();
            // `;` and `,` behind the function may be part of the code.
            let there = match behind {
                "" => last.ends_with([' ', '\t']),
                ";" | "," => last.trim_end().ends_with(behind),
                _ => false,
            };
            if !there {
                last.push_str(self.behind);
            }
        }
    }

    /// The decorators that are to stand between new comments of the code and the function; `None` where the comments
    /// are those that the file has.
    pub fn headed(
        &mut self,
        language: Language,
        old: &Definition,
        head: &[&str],
        file: &[&str],
    ) -> Result<Option<Vec<String>>, Refusal> {
        let above = &file[..self.top];
        let words = |lines: &[&str]| -> Vec<String> {
            lines.iter().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect()
        };
        let (there, told) = (words(above), words(head));
        if there.ends_with(&told) {
            return Ok(None);
        }
        let gap = head.iter().rev().take_while(|line| is_blank(line)).count();
        let blanks = above.iter().rev().take(gap).take_while(|line| is_blank(line)).count();
        let end = above.len() - blanks;
        let comments = remarks(language, above);
        let start = (0..end).rev().take_while(|&row| comments[row]).last().unwrap_or(end);
        if self.kept_decorators && !self.before.trim().is_empty() {
            return Err(other_comment(head));
        }
        let first = commented(start..end, old, above, &head[..head.len() - gap])?;
        let decorators = if self.kept_decorators { &file[self.top..self.rows.start] } else { &[] };
        self.rows.start = if first < end { first } else { self.top };
        Ok(Some(decorators.iter().map(|line| (*line).to_owned()).collect()))
    }
}

/// The row from which the comment in the file is the one that the code writes anew.
fn commented(rows: Range<usize>, old: &Definition, lines: &[&str], told: &[&str]) -> Result<usize, Refusal> {
    if rows.is_empty() {
        return Ok(rows.end);
    }
    let mark = |lines: &[&str]| -> Option<String> {
        let first = lines.iter().find(|line| !is_blank(line))?;
        Some(first.trim().chars().take_while(|c| !c.is_alphanumeric() && !c.is_whitespace()).collect())
    };
    let documents = old.doc.as_ref().is_some_and(|doc| doc.end <= old.whole.start);
    // Of several comments in a row the last one is meant.
    let opens = |row: &usize| lines[*row].trim_start().starts_with("/*");
    let start = rows.clone().rev().find(opens).unwrap_or(rows.start);
    let there = &lines[start..rows.end];
    let marked = mark(there) == mark(told);
    let formal = marked && mark(told).is_some_and(|mark| matches!(mark.as_str(), "///" | "/**"));
    let alike = similarity(&there.join("\n"), &told.join("\n"));
    if documents && (formal || marked && alike >= 40) { Ok(start) } else { Err(other_comment(told)) }
}

fn other_comment(told: &[&str]) -> Refusal {
    let line = told.first().map_or("", |line| line.trim());
    let why =
        format!("the comment before it, `{line}`, is not that of the file; change it by a block of its own");
    Refusal::new(Reason::NotTheFunction).because(why)
}
