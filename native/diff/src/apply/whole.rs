//! The whole text of a file, put in the place of the one that is there.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::hunks::hunks_of;

use super::elision::{expand, is_stub, stands_for_more};
use super::refusal::{Reason, Refusal};
use super::splice::{self, Change};
use super::text::{BOM, Text, answer_lines};

/// So many lines fewer are no shorter way to say the same, but a part of the file.
const FEWER: usize = 5;
/// A line may be as long as a file: so many bytes less count as well.
const SHORTER: usize = 1000;
/// So many lines are not written anew from memory.
const MANY: usize = 50;

/// The text of a whole file. Lines that stand for more are filled from the old text; whether there were any.
pub fn written<'a>(new: &'a str, old: Option<&str>) -> Result<(Cow<'a, str>, bool), Refusal> {
    let lines = answer_lines(new);
    let elided = (0..lines.len()).find(|&at| {
        let line = lines[at];
        stands_for_more(line)
            && !is_stub(&lines, at)
            && line.trim() != "..."
            && !old.is_some_and(|old| answer_lines(old).contains(&line))
    });
    let Some(at) = elided else {
        return Ok((new.into(), false));
    };
    let refusal = || Refusal::new(Reason::Elision).because(format!("`{}`", lines[at].trim()));
    let old = answer_lines(old.ok_or_else(refusal)?);
    let filled =
        expand(&lines, &old, |at| stands_for_more(lines[at]) && !is_stub(&lines, at)).ok_or_else(refusal)?;
    Ok(((filled.join("\n") + "\n").into(), true))
}

/// The new text as if only the lines that differ had been edited: the others keep their bytes, and line ends, the mark
/// at the beginning and the end of the last line are those of the old text.
pub fn shaped(old: &str, new: &str) -> String {
    if old.is_empty() {
        return new.to_owned();
    }
    let text = Text::new(old);
    let lines = answer_lines(new);
    let there: Vec<&str> = text.lines.iter().map(|line| line.text).collect();
    let changes = hunks_of(&there, &lines).into_iter().map(|hunk| {
        let (start, come) = (hunk.old_start as usize, hunk.new_start as usize);
        let come = &lines[come..come + hunk.new_len as usize];
        let come = come.iter().map(|line| (*line).to_owned()).collect();
        Change::replace(start, start + hunk.old_len as usize, come)
    });
    splice::write(&text, &mut changes.collect::<Vec<_>>(), new.len())
}

/// Refuses a text that would drop most of the one that is there: whoever writes a few lines of a file as the whole of it
/// has seldom seen the rest, and never says so.
///
/// A small file is rewritten often, and all of it is in view then: nothing is asked as long as about as many lines come
/// as go. Lines that were moved or indented in another way have not gone; blank ones do not count.
pub fn refuse_loss(old: &str, new: &str) -> Result<(), Refusal> {
    let mut stays: HashMap<&str, usize> = HashMap::new();
    let mut come = 0;
    for line in lines(new) {
        *stays.entry(line).or_default() += 1;
        come += 1;
    }
    let (mut all, mut gone) = (0, 0);
    for line in lines(old) {
        all += 1;
        match stays.get_mut(line) {
            Some(count) if *count > 0 => {
                *count -= 1;
                come -= 1;
            }
            _ => gone += 1,
        }
    }
    let fewer = gone >= come + FEWER || old.len() > 2 * new.len() + SHORTER;
    if 2 * gone > all && (fewer || gone >= MANY) {
        return Err(Refusal::new(Reason::DropsMost).because(format!("{gone} of the {all} lines")));
    }
    Ok(())
}

fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.trim_start_matches(BOM).split(['\n', '\r']).map(str::trim).filter(|line| !line.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(count: usize) -> String {
        (0..count).fold(String::new(), |text, row| text + &format!("row_{row} = {row}\n"))
    }

    /// As many lines, and none of them the same.
    fn others(count: usize) -> String {
        rows(count).replace("row", "other")
    }

    #[test]
    fn a_whole_text_takes_over_the_shape_of_the_file() {
        for (old, new, expected) in [
            ("a\r\nb\r\n", "a\nc\nd\n", "a\r\nc\r\nd\r\n"),
            ("a\r\nb\nc\r\n", "a\nb\nx\n", "a\r\nb\nx\r\n"),
            ("a\rb\r", "a\nc\n", "a\rc\r"),
            ("\u{feff}a\n", "b\n", "\u{feff}b\n"),
            ("\u{feff}a\n", "\u{feff}b\n", "\u{feff}b\n"),
            ("a\n", "\u{feff}b\r\n", "b\n"),
            ("a\nb", "a\nc\n", "a\nc"),
            ("a\nb", "x\nb\n", "x\nb"),
            ("a\nb\n", "a\nc", "a\nc\n"),
            ("\r\n", "a\nb\n", "a\r\nb\r\n"),
            ("", "a", "a"),
            ("a\n", "", ""),
        ] {
            assert_eq!(shaped(old, new), expected, "{old:?} {new:?}");
        }
    }

    #[test]
    fn a_text_that_drops_most_of_a_file_is_refused_at_any_size() {
        for count in [6, 10, 30, 1_000, 100_000] {
            let refusal = refuse_loss(&rows(count), "row_5 = 55\n").unwrap_err();
            assert_eq!(refusal.detail, [format!("{count} of the {count} lines")]);
            let refusal = refuse_loss(&rows(count).replace('\n', "\r\n"), &rows(1)).unwrap_err();
            assert_eq!(refusal.detail, [format!("{} of the {count} lines", count - 1)]);
            assert!(refuse_loss(&rows(count), "").is_err());
        }
        // Others in their place are no comfort where the lines are many; nor is it that they are one.
        assert!(refuse_loss(&rows(200), &others(200)).is_err());
        assert!(refuse_loss(&"{\"key\": 1}, ".repeat(200), "{}\n").is_err());
    }

    #[test]
    fn a_small_file_may_be_written_anew_and_a_large_one_changed() {
        for (old, new) in [
            ("# Rules\n".to_owned(), "# New\n".to_owned()),
            (rows(4), "one = 1\n".to_owned()),
            (rows(20), others(20)),
            (rows(1_000), rows(600)),
            (rows(1_000), rows(1_000).replace("row_7", "seven")),
            // Indented in another way, and in another order.
            (rows(300), rows(300).split_inclusive('\n').rev().collect::<Vec<_>>().join("    ")),
            ("x".repeat(5_000), "y".repeat(5_000)),
            (String::new(), rows(3)),
        ] {
            assert_eq!(refuse_loss(&old, &new), Ok(()), "{old:.20} {new:.20}");
        }
    }
}
