//! The unified format, as `patch` and `git apply` read it.

use std::fmt::Write;
use std::ops::Range;

use crate::hunks::{Hunk, hunks_of};

/// Writes the difference of two texts in the unified format with `context` equal lines around each change.
///
/// The names stand in the header as they are given (`a/path`, `/dev/null`), quoted like git does if they hold
/// a control character, `"` or `\`. Equal texts give an empty text. A lone `\r` does not end a line here: the
/// format ends lines at `\n`.
#[must_use]
pub fn unified(old: &str, new: &str, old_name: &str, new_name: &str, context: u32) -> String {
    let old: Vec<_> = old.split_inclusive('\n').collect();
    let new: Vec<_> = new.split_inclusive('\n').collect();
    let hunks = hunks_of(&old, &new);
    if hunks.is_empty() {
        return String::new();
    }
    let mut out = format!("--- {}\n+++ {}\n", quote(old_name), quote(new_name));
    for group in hunks.chunk_by(|a, b| b.old_start - (a.old_start + a.old_len) <= context.saturating_mul(2)) {
        write_group(&mut out, &old, &new, group, context);
    }
    out
}

/// Writes one `@@` section: changes near one another with the equal lines between and around them.
fn write_group(out: &mut String, old: &[&str], new: &[&str], group: &[Hunk], context: u32) {
    let (Some(first), Some(last)) = (group.first(), group.last()) else {
        return;
    };
    let before = context.min(first.old_start);
    let old_end = last.old_start + last.old_len;
    let new_end = last.new_start + last.new_len;
    let after = slice(old, old_end..old_end.saturating_add(context)).len();
    let after = u32::try_from(after).unwrap_or(context);
    let old_range = first.old_start - before..old_end + after;
    let new_range = first.new_start - before..new_end + after;
    let _ = writeln!(out, "@@ -{} +{} @@", span(&old_range), span(&new_range));
    let mut equal_from = old_range.start;
    for hunk in group {
        let old_lines = hunk.old_start..hunk.old_start + hunk.old_len;
        let new_lines = hunk.new_start..hunk.new_start + hunk.new_len;
        write_lines(out, ' ', slice(old, equal_from..old_lines.start));
        equal_from = old_lines.end;
        write_lines(out, '-', slice(old, old_lines));
        write_lines(out, '+', slice(new, new_lines));
    }
    write_lines(out, ' ', slice(old, equal_from..old_range.end));
}

fn write_lines(out: &mut String, sign: char, lines: &[&str]) {
    for line in lines {
        out.push(sign);
        out.push_str(line);
        if !line.ends_with('\n') {
            out.push_str("\n\\ No newline at end of file\n");
        }
    }
}

/// The lines of a range, as far as they exist.
fn slice<'a, 'b>(lines: &'a [&'b str], range: Range<u32>) -> &'a [&'b str] {
    let end = (range.end as usize).min(lines.len());
    &lines[(range.start as usize).min(end)..end]
}

/// `start,length`; the length 1 is left out, and an empty range names the line before it.
fn span(range: &Range<u32>) -> String {
    match range.end - range.start {
        0 => format!("{},0", range.start),
        1 => format!("{}", range.start + 1),
        length => format!("{},{length}", range.start + 1),
    }
}

fn quote(name: &str) -> String {
    if !name.contains(|c: char| c.is_ascii_control() || matches!(c, '"' | '\\')) {
        return name.to_owned();
    }
    let mut quoted = String::from("\"");
    for c in name.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            c if c.is_ascii_control() => {
                let _ = write!(quoted, "\\{:03o}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted + "\""
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_texts_have_no_difference() {
        assert_eq!(unified("a\n", "a\n", "a/f", "b/f", 3), "");
    }

    #[test]
    fn near_changes_share_a_section_and_far_ones_do_not() {
        let old = "a\nb\nc\nd\ne\nf\ng\n";
        let new = "A\nb\nC\nd\ne\nf\ng\nh\n";
        let expected = "--- a/f\n+++ b/f\n\
            @@ -1,4 +1,4 @@\n-a\n+A\n b\n-c\n+C\n d\n\
            @@ -7 +7,2 @@\n g\n+h\n";
        assert_eq!(unified(old, new, "a/f", "b/f", 1), expected);
    }

    #[test]
    fn a_new_file_and_a_missing_last_newline() {
        let expected = "--- /dev/null\n+++ b/f\n@@ -0,0 +1,2 @@\n+a\n+b\n\\ No newline at end of file\n";
        assert_eq!(unified("", "a\nb", "/dev/null", "b/f", 3), expected);
    }

    #[test]
    fn no_context_and_boundless_context() {
        assert_eq!(unified("a\nb\nc\n", "a\nc\n", "x", "y", 0), "--- x\n+++ y\n@@ -2 +1,0 @@\n-b\n");
        assert_eq!(
            unified("a\nb\nc\n", "a\nc\n", "x", "y", u32::MAX),
            "--- x\n+++ y\n@@ -1,3 +1,2 @@\n a\n-b\n c\n"
        );
    }

    #[test]
    fn a_name_cannot_forge_a_header() {
        let text = unified("", "a\n", "x\n+++ y", "tab\t\"é\"\u{7}", 0);
        assert!(text.starts_with("--- \"x\\n+++ y\"\n+++ \"tab\\t\\\"é\\\"\\007\"\n@@"));
    }
}
