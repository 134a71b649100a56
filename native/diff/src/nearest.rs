//! The lines most similar to a text that was not found.

use std::ops::Range;

use crate::lines::split_end;

/// No place shows, and no comparison reads, more lines than this.
pub const PLACE_LINES_MAX: usize = 40;

/// Two texts are similar if they share at least this part of their characters (numerator, denominator).
const SIMILAR_MIN: (u64, u64) = (2, 5);

/// The range of lines most similar to the searched ones; `None` if none are similar. Of equals, the first.
///
/// Each line is compared by what it shares with its counterpart at its beginning and its end: cheap, and just
/// right for a line in which one word is wrong.
pub fn nearest(lines: &[&str], search: &[&str]) -> Option<Range<usize>> {
    let length = search.len().min(lines.len()).min(PLACE_LINES_MAX);
    if length == 0 {
        return None;
    }
    let lines: Vec<_> = lines.iter().map(text_of).collect();
    let search: Vec<_> = search.iter().take(length).map(text_of).collect();
    let mut best = SIMILAR_MIN;
    let mut start_of_best = None;
    for (start, window) in lines.windows(length).enumerate() {
        let score = similarity(window, &search);
        let better = score.0 * best.1 > best.0 * score.1;
        let just_similar = start_of_best.is_none() && score.0 * best.1 == best.0 * score.1;
        if score.1 > 0 && (better || just_similar) {
            best = score;
            start_of_best = Some(start);
        }
    }
    start_of_best.map(|start| start..start + length)
}

fn text_of<'a>(line: &&'a str) -> &'a [u8] {
    split_end(line).0.trim().as_bytes()
}

/// Shared bytes and all bytes of two lists of lines: long lines weigh more than short ones, blank lines
/// nothing.
fn similarity(a: &[&[u8]], b: &[&[u8]]) -> (u64, u64) {
    a.iter().zip(b).fold((0, 0), |(shared, all), (a, b)| {
        (shared + 2 * shared_ends(a, b) as u64, all + (a.len() + b.len()) as u64)
    })
}

fn shared_ends(a: &[u8], b: &[u8]) -> usize {
    let prefix = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    let suffix = a[prefix..].iter().rev().zip(b[prefix..].iter().rev()).take_while(|(a, b)| a == b).count();
    prefix + suffix
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lines::split_lines;

    #[expect(clippy::needless_pass_by_value, reason = "the cases read better")]
    fn check(text: &str, search: &str, expected: Option<Range<usize>>) {
        assert_eq!(nearest(&split_lines(text), &split_lines(search)), expected);
    }

    #[test]
    fn finds_the_most_similar_lines() {
        let text = "fn a() {\n    one(1);\n}\n\nfn b() {\n    two(2);\n}\n";
        check(text, "fn b() {\n  two(3);\n}\n", Some(4..7));
        check(text, "one( 1 );", Some(1..2));
    }

    #[test]
    fn nothing_similar_is_nothing() {
        check("alpha\nbeta\n", "12345\n", None);
        check("\n\n", "\n", None);
        check("", "a", None);
        check("a", "", None);
    }

    #[test]
    fn a_text_longer_than_the_file_is_compared_as_far_as_it_goes() {
        check("a\nb\n", "a\nb\nc\nd\n", Some(0..2));
    }
}
