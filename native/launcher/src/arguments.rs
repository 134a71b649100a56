//! What the launcher is asked to do.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::vec::IntoIter;

/// One overlay to mount; the uppermost of `lower` comes first.
#[derive(Debug, PartialEq, Eq)]
pub struct Overlay {
    pub target: PathBuf,
    /// The directory for what is written, and the one that the kernel works in; `None`: nothing can be written.
    pub upper: Option<(PathBuf, PathBuf)>,
    pub lower: Vec<PathBuf>,
}

/// All that is asked for.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Arguments {
    /// The descriptor for what went wrong.
    pub report: u32,
    pub die_with_parent: bool,
    pub overlays: Vec<Overlay>,
    pub program: PathBuf,
    pub rest: Vec<OsString>,
}

/// Why the arguments are not understood, and the descriptor for telling it.
#[derive(Debug, PartialEq, Eq)]
pub struct Unclear {
    pub report: u32,
    pub reason: String,
}

const STDERR: u32 = 2;

/// Reads the arguments after the program's own name.
pub fn parse(given: Vec<OsString>) -> Result<Arguments, Unclear> {
    let mut words = given.into_iter();
    let report = number(words.next().as_deref());
    let mut arguments = Arguments { report: report.unwrap_or(STDERR), ..Arguments::default() };
    match report.map_or(Err("the first argument is no descriptor"), |_| read(&mut words, &mut arguments)) {
        Ok(()) => Ok(arguments),
        Err(reason) => Err(Unclear { report: arguments.report, reason: reason.into() }),
    }
}

fn read(words: &mut IntoIter<OsString>, arguments: &mut Arguments) -> Result<(), &'static str> {
    while let Some(word) = words.next() {
        match word.to_str() {
            Some("--die-with-parent") => arguments.die_with_parent = true,
            Some("--overlay") => arguments.overlays.push(overlay(words).ok_or("an overlay is not complete")?),
            Some("--") => {
                arguments.program = words.next().ok_or("no program is named")?.into();
                arguments.rest = words.collect();
                return Ok(());
            }
            _ => return Err("an argument is not known"),
        }
    }
    Err("no program is named")
}

fn overlay(words: &mut IntoIter<OsString>) -> Option<Overlay> {
    let target = words.next()?.into();
    let (upper, work) = (words.next()?, words.next()?);
    let count = number(words.next().as_deref())? as usize;
    let lower: Vec<PathBuf> = words.take(count).map(Into::into).collect();
    let upper = (!upper.is_empty()).then(|| (upper.into(), work.into()));
    (lower.len() == count && count > 0).then_some(Overlay { target, upper, lower })
}

fn number(word: Option<&OsStr>) -> Option<u32> {
    word?.to_str()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Arguments, Unclear> {
        parse(line.split(' ').map(|word| OsString::from(if word == "''" { "" } else { word })).collect())
    }

    #[test]
    fn everything_that_can_be_asked_for() {
        let line =
            "7 --die-with-parent --overlay t u w 2 l1 l2 --overlay ro '' '' 1 l -- bwrap --overlay -- x";
        let writable = Overlay {
            target: "t".into(),
            upper: Some(("u".into(), "w".into())),
            lower: vec!["l1".into(), "l2".into()],
        };
        let read_only = Overlay { target: "ro".into(), upper: None, lower: vec!["l".into()] };
        let expected = Arguments {
            report: 7,
            die_with_parent: true,
            overlays: vec![writable, read_only],
            program: "bwrap".into(),
            rest: vec!["--overlay".into(), "--".into(), "x".into()],
        };
        assert_eq!(parsed(line), Ok(expected));
    }

    #[test]
    fn what_is_not_understood_is_told_to_the_descriptor() {
        let cases = [
            ("x -- true", STDERR, "the first argument is no descriptor"),
            ("5", 5, "no program is named"),
            ("5 --", 5, "no program is named"),
            ("5 --other -- true", 5, "an argument is not known"),
            ("5 --overlay t u w 3 l -- true", 5, "no program is named"),
            ("5 --overlay t u w 0 -- true", 5, "an overlay is not complete"),
            ("5 --overlay t u", 5, "an overlay is not complete"),
        ];
        for (line, report, reason) in cases {
            assert_eq!(parsed(line), Err(Unclear { report, reason: reason.into() }), "{line}");
        }
    }
}
