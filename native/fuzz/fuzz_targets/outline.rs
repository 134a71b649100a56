//! Any text in any language has an outline within the text, in bounded time; a document that was edited has that of a fresh one.
#![no_main]

use libfuzzer_sys::arbitrary::{Result, Unstructured};
use libfuzzer_sys::fuzz_target;
use wainwright_syntax::{Document, Language, Limits, outline, syntax_errors};

#[path = "../../syntax/tests/laws/mod.rs"]
mod laws;
mod samples;

use samples::sample;

fn edit(input: &mut Unstructured<'_>, length: usize) -> Result<(usize, usize, Vec<u8>)> {
    let start = input.int_in_range(0..=length)?;
    let end = (start + usize::from(input.arbitrary::<u8>()? % 16)).min(length);
    let piece = match input.arbitrary::<u8>()? {
        // Nesting is what parsers and scanners keep a state of.
        deep @ 200.. => input.choose(&laws::PIECES)?.repeat(usize::from(deep - 199) * 8).into_bytes(),
        raw @ 150..200 => input.bytes(usize::from(raw % 6).min(input.len()))?.to_vec(),
        other => laws::PIECES[usize::from(other) % laws::PIECES.len()].into(),
    };
    Ok((start, end, piece))
}

fn check(data: &[u8]) -> Result<()> {
    let mut input = Unstructured::new(data);
    let language = *input.choose(&Language::ALL)?;
    let edits = input.int_in_range(0..=6)?;
    let mut document = Document::new(language, Vec::new());
    let mut planned = Vec::new();
    for _ in 0..edits {
        planned.push((
            input.arbitrary::<u16>()?,
            input.arbitrary::<u32>()?.to_le_bytes(),
            input.arbitrary::<bool>()?,
        ));
    }
    let from_sample = input.arbitrary::<bool>()?;
    let rest = input.take_rest();
    let text = if from_sample { [sample(language), rest].concat() } else { rest.to_vec() };
    document.edit(0, 0, &text).expect("an edit inside the text");
    document.outline();
    for (at, how, look) in planned {
        let bytes = [&at.to_le_bytes()[..], &how, &how].concat();
        let (start, end, piece) = edit(&mut Unstructured::new(&bytes), document.text().len())?;
        document.edit(start, end, &piece).expect("an edit inside the text");
        if look {
            document.outline();
        }
    }
    let found = document.outline();
    let fresh = outline(language, document.text(), &Limits::default());
    assert_eq!(found, fresh);
    laws::check(document.text(), &fresh);
    assert_eq!(fresh.errors, syntax_errors(language, document.text()));
    let head = &document.text()[..document.text().len().min(100)];
    let _ = Language::of(&String::from_utf8_lossy(head), document.text());
    Ok(())
}

fuzz_target!(|data: &[u8]| {
    let _ = check(data);
});
