//! Differences put in give the new text; merges and rebased hunks lose no line; positions lead there and back.
#![no_main]

use libfuzzer_sys::arbitrary::{Result, Unstructured};
use libfuzzer_sys::fuzz_target;
use wainwright_diff::{Encoding, Hunk, Positions, Side, line_hunks, merge, rebase, unified, word_hunks};

const PIECES: [&str; 20] = [
    "a\n",
    "b\n",
    "c\n",
    "d\n",
    "a",
    "b",
    "é",
    "\u{1f600}",
    "\n",
    "\r",
    "\r\n",
    "    a\n",
    "}\n",
    "{\n",
    "\u{2028}",
    "\u{c}",
    "\\ No newline at end of file\n",
    "word other\n",
    "\t",
    "@@ -1 +1 @@\n",
];

fn text(input: &mut Unstructured<'_>) -> Result<String> {
    let mut text = String::new();
    for _ in 0..input.int_in_range(0..=40)? {
        text.push_str(PIECES[usize::from(input.arbitrary::<u8>()?) % PIECES.len()]);
    }
    Ok(text)
}

/// A text like another: most lines stay.
fn like(input: &mut Unstructured<'_>, base: &str) -> Result<String> {
    let mut lines: Vec<&str> = lines(base);
    for _ in 0..input.int_in_range(0..=6)? {
        let at = input.int_in_range(0..=lines.len())?;
        let end = (at + usize::from(input.arbitrary::<u8>()? % 4)).min(lines.len());
        let piece = PIECES[usize::from(input.arbitrary::<u8>()?) % PIECES.len()];
        lines.splice(at..end, (piece != "a").then_some(piece));
    }
    Ok(lines.concat())
}

/// A line ends at `\n`, `\r\n` or `\r`.
fn lines(text: &str) -> Vec<&str> {
    let mut lines = Vec::new();
    let mut start = 0;
    for (at, byte) in text.bytes().enumerate() {
        if byte == b'\n' || byte == b'\r' && text.as_bytes().get(at + 1) != Some(&b'\n') {
            lines.push(&text[start..=at]);
            start = at + 1;
        }
    }
    if start < text.len() {
        lines.push(&text[start..]);
    }
    lines
}

fn put_in<'t>(base: &mut Vec<&'t str>, hunks: &[Hunk], new: &[&'t str], starts: &[u32]) {
    for (hunk, new_start) in hunks.iter().zip(starts).rev() {
        let (start, end) = (hunk.old_start as usize, (hunk.old_start + hunk.old_len) as usize);
        let come = *new_start as usize..(*new_start + hunk.new_len) as usize;
        base.splice(start..end, new[come].iter().copied());
    }
}

fn differences(old: &str, new: &str) -> Vec<Hunk> {
    let hunks = line_hunks(old, new);
    let mut made = lines(old);
    let starts: Vec<u32> = hunks.iter().map(|hunk| hunk.new_start).collect();
    put_in(&mut made, &hunks, &lines(new), &starts);
    assert_eq!(made.concat(), new);
    assert!(hunks.windows(2).all(|pair| pair[0].old_start + pair[0].old_len < pair[1].old_start));
    assert!(hunks.iter().all(|hunk| hunk.old_len + hunk.new_len > 0));
    let mut text = old.to_owned();
    for hunk in word_hunks(old, new).into_iter().rev() {
        text.replace_range(hunk.old, &new[hunk.new]);
    }
    assert_eq!(text, new);
    assert_eq!(unified(old, new, "a/f", "b/f", 3).is_empty(), old == new);
    hunks
}

fn merges(base: &str, ours: &str, theirs: &str, mine: &[Hunk], other: &[Hunk]) {
    let merged = merge(base, ours, theirs);
    let back = merge(base, theirs, ours);
    assert_eq!(merged.text(), back.text());
    let mut ends = (0, 0, 0);
    let (base_lines, our_lines, their_lines) = (lines(base), lines(ours), lines(theirs));
    let cut =
        |all: &[&str], range: &std::ops::Range<u32>| all[range.start as usize..range.end as usize].concat();
    for part in &merged.parts {
        assert_eq!((part.base.start, part.ours.start, part.theirs.start), ends);
        ends = (part.base.end, part.ours.end, part.theirs.end);
        let (was, one, two) =
            (cut(&base_lines, &part.base), cut(&our_lines, &part.ours), cut(&their_lines, &part.theirs));
        match part.side {
            Side::Both => assert_eq!(one, two),
            Side::Ours => assert_eq!(was, two),
            Side::Theirs => assert_eq!(was, one),
            Side::Conflict => assert_ne!(one, two),
        }
    }
    assert_eq!(ends, (base_lines.len() as u32, our_lines.len() as u32, their_lines.len() as u32));
    if let Ok(moved) = rebase(mine, other) {
        assert_eq!(rebase(other, mine).map(|hunks| hunks.len()), Ok(other.len()));
        let mut text = lines(theirs);
        let starts: Vec<u32> = mine.iter().map(|hunk| hunk.new_start).collect();
        put_in(&mut text, &moved, &our_lines, &starts);
        let landed: Vec<u32> = moved.iter().map(|hunk| hunk.new_start).collect();
        for ((hunk, was), start) in moved.iter().zip(mine).zip(landed) {
            let (start, from) = (start as usize, was.new_start as usize);
            let length = hunk.new_len as usize;
            assert_eq!(text[start..start + length], our_lines[from..from + length]);
        }
    }
}

fn positions(text: &str, numbers: &[u8]) {
    let positions = Positions::new(text);
    for pair in numbers.chunks_exact(2) {
        let (line, character) = (usize::from(pair[0]) % (positions.lines() + 2), usize::from(pair[1]) % 40);
        for encoding in [Encoding::Utf8, Encoding::Utf16, Encoding::Utf32] {
            let offset = positions.offset(line, character, encoding);
            assert!(text.is_char_boundary(offset));
            let (line, character) = positions.position(offset, encoding);
            assert_eq!(positions.offset(line, character, encoding), offset);
            let (line, _) = positions.position(usize::from(pair[1]) * 3, encoding);
            assert!(line < positions.lines());
        }
    }
}

fn run(data: &[u8]) -> Result<()> {
    let mut input = Unstructured::new(data);
    let base = text(&mut input)?;
    let ours = like(&mut input, &base)?;
    let theirs = if input.arbitrary()? { like(&mut input, &base)? } else { text(&mut input)? };
    let (mine, other) = (differences(&base, &ours), differences(&base, &theirs));
    differences(&ours, &theirs);
    merges(&base, &ours, &theirs, &mine, &other);
    positions(&base, input.take_rest());
    Ok(())
}

fuzz_target!(|data: &[u8]| {
    let _ = run(data);
});
