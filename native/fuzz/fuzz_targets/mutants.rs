//! Of any text in any language: mutants lie within the text and the lines, change it, and do not make it harder to read.
#![no_main]

use libfuzzer_sys::arbitrary::{Result, Unstructured};
use libfuzzer_sys::fuzz_target;
use wainwright_syntax::{Language, mutants, syntax_errors};

#[path = "../../syntax/tests/laws/mod.rs"]
mod laws;
mod samples;

use samples::sample;

/// A sample into which pieces were put, or anything.
fn text(input: &mut Unstructured<'_>, language: Language) -> Result<Vec<u8>> {
    if input.ratio(1, 4)? {
        return Ok(input.bytes(input.len())?.to_vec());
    }
    let mut text = sample(language).to_vec();
    for _ in 0..input.int_in_range(0..=4)? {
        let at = input.int_in_range(0..=text.len())?;
        let gone = usize::from(input.arbitrary::<u8>()? % 16).min(text.len() - at);
        let piece = input.choose(&laws::PIECES)?.repeat(input.int_in_range(1..=8)?);
        text.splice(at..at + gone, piece.into_bytes());
    }
    Ok(text)
}

fn check(data: &[u8]) -> Result<()> {
    let mut input = Unstructured::new(data);
    let language = *input.choose(&Language::ALL)?;
    let most = input.int_in_range(0..=20_usize)?;
    let mut lines = Vec::new();
    for _ in 0..input.int_in_range(0..=3)? {
        lines.push((u32::from(input.arbitrary::<u16>()?), u32::from(input.arbitrary::<u16>()?)));
    }
    if input.arbitrary()? {
        lines.push((1, u32::MAX));
    }
    let text = text(&mut input, language)?;
    let made = mutants(language, &text, &lines, most);
    assert!(made.len() <= most);
    assert_eq!(made, mutants(language, &text, &lines, most), "always the same");
    let wrong = syntax_errors(language, &text);
    for mutant in &made {
        let source = std::str::from_utf8(&text).expect("nothing is made of what is no text");
        assert!(lines.iter().any(|(first, last)| (*first..=*last).contains(&mutant.line)), "{mutant:?}");
        let before = source.get(mutant.at.clone()).expect("whole characters of the text");
        assert_ne!(before, mutant.text, "{mutant:?}");
        let line = 1 + source[..mutant.at.start].matches('\n').count();
        assert_eq!(usize::try_from(mutant.line), Ok(line), "{mutant:?}");
        let changed = [&source[..mutant.at.start], &mutant.text, &source[mutant.at.end..]].concat();
        assert!(syntax_errors(language, changed.as_bytes()) <= wrong, "{mutant:?}");
    }
    Ok(())
}

fuzz_target!(|data: &[u8]| {
    let _ = check(data);
});
