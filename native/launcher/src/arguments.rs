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

/// What is asked for outside, before bubblewrap.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Around {
    pub die_with_parent: bool,
    /// Control groups to enter.
    pub groups: Vec<PathBuf>,
    pub overlays: Vec<Overlay>,
}

/// What is asked for inside, before the command.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Inside {
    pub limits: Limits,
    /// The only places that can be written to.
    pub writable: Vec<PathBuf>,
    /// A descriptor to hand a listening socket out by, and its port.
    pub door: Option<(u32, u16)>,
}

/// How much a command may take.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Limits {
    pub processes: Option<u64>,
    pub file_bytes: Option<u64>,
    pub descriptors: Option<u64>,
}

/// What is asked for where there is no bubblewrap, by whoever sees a command through.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Over {
    /// Control groups to enter.
    pub groups: Vec<PathBuf>,
}

/// What is asked for there, before the command.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Alone {
    pub limits: Limits,
    /// The only places that can be read, beside those that can be written to.
    pub readable: Vec<PathBuf>,
    pub writable: Vec<PathBuf>,
}

/// What is asked for beside a service.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Forward {
    /// The port inside.
    pub port: u16,
    /// Files that stand for the namespaces to enter, in this order.
    pub namespaces: Vec<PathBuf>,
}

/// The program that the launcher becomes.
#[derive(Debug, PartialEq, Eq)]
pub struct Next {
    pub program: PathBuf,
    pub rest: Vec<OsString>,
}

/// What the launcher is needed for.
#[derive(Debug, PartialEq, Eq)]
pub enum Part {
    Around(Around, Next),
    Inside(Inside, Next),
    Over(Over, Next),
    Alone(Alone, Next),
    Forward(Forward),
}

/// All that is asked for.
#[derive(Debug, PartialEq, Eq)]
pub struct Arguments {
    /// The descriptor for what went wrong.
    pub report: u32,
    pub part: Part,
}

/// Why the arguments are not understood, and the descriptor for telling it.
#[derive(Debug, PartialEq, Eq)]
pub struct Unclear {
    pub report: u32,
    pub reason: String,
}

const STDERR: u32 = 2;
const UNKNOWN: &str = "an argument is not known";
const NEITHER: &str =
    "the second argument is none of \"around\", \"inside\", \"over\", \"alone\" and \"forward\"";

/// Reads the arguments after the program's own name.
pub fn parse(given: Vec<OsString>) -> Result<Arguments, Unclear> {
    let mut words = given.into_iter();
    let report = number(words.next().as_deref()).and_then(|number| u32::try_from(number).ok());
    let read = report.map_or(Err("the first argument is no descriptor"), |report| read(report, &mut words));
    read.map_err(|reason| Unclear { report: report.unwrap_or(STDERR), reason: reason.into() })
}

fn read(report: u32, words: &mut IntoIter<OsString>) -> Result<Arguments, &'static str> {
    let part = match words.next().as_deref().and_then(OsStr::to_str) {
        Some("around") => Part::Around(around(words)?, next(words)?),
        Some("inside") => Part::Inside(inside(words)?, next(words)?),
        Some("over") => Part::Over(over(words)?, next(words)?),
        Some("alone") => Part::Alone(alone(words)?, next(words)?),
        Some("forward") => Part::Forward(forward(words)?),
        _ => return Err(NEITHER),
    };
    Ok(Arguments { report, part })
}

fn next(words: &mut IntoIter<OsString>) -> Result<Next, &'static str> {
    let program = words.next().ok_or("no program is named")?.into();
    Ok(Next { program, rest: words.collect() })
}

fn forward(words: &mut IntoIter<OsString>) -> Result<Forward, &'static str> {
    let port = number(words.next().as_deref()).and_then(|number| u16::try_from(number).ok());
    Ok(Forward { port: port.ok_or("no port is named")?, namespaces: words.map(Into::into).collect() })
}

/// Up to the two dashes before the program.
fn around(words: &mut IntoIter<OsString>) -> Result<Around, &'static str> {
    let mut asked = Around::default();
    while let Some(word) = words.next() {
        match word.to_str() {
            Some("--die-with-parent") => asked.die_with_parent = true,
            Some("--group") => asked.groups.push(words.next().ok_or("a group is not named")?.into()),
            Some("--overlay") => asked.overlays.push(overlay(words).ok_or("an overlay is not complete")?),
            Some("--") => return Ok(asked),
            _ => return Err(UNKNOWN),
        }
    }
    Err("no program is named")
}

/// Up to the two dashes before the command.
fn inside(words: &mut IntoIter<OsString>) -> Result<Inside, &'static str> {
    let mut asked = Inside::default();
    while let Some(word) = words.next() {
        match word.to_str() {
            Some("--writable") => asked.writable.push(words.next().ok_or("a place is not named")?.into()),
            Some("--door") => asked.door = Some(door(words).ok_or("a door is not complete")?),
            Some("--") => return Ok(asked),
            Some(other) => limit(&mut asked.limits, other, words)?,
            None => return Err(UNKNOWN),
        }
    }
    Err("no program is named")
}

fn over(words: &mut IntoIter<OsString>) -> Result<Over, &'static str> {
    let mut asked = Over::default();
    while let Some(word) = words.next() {
        match word.to_str() {
            Some("--group") => asked.groups.push(words.next().ok_or("a group is not named")?.into()),
            Some("--") => return Ok(asked),
            _ => return Err(UNKNOWN),
        }
    }
    Err("no program is named")
}

fn alone(words: &mut IntoIter<OsString>) -> Result<Alone, &'static str> {
    let mut asked = Alone::default();
    while let Some(word) = words.next() {
        let place =
            |words: &mut IntoIter<OsString>| words.next().ok_or("a place is not named").map(Into::into);
        match word.to_str() {
            Some("--readable") => asked.readable.push(place(words)?),
            Some("--writable") => asked.writable.push(place(words)?),
            Some("--") => return Ok(asked),
            Some(other) => limit(&mut asked.limits, other, words)?,
            None => return Err(UNKNOWN),
        }
    }
    Err("no program is named")
}

fn limit(limits: &mut Limits, word: &str, words: &mut IntoIter<OsString>) -> Result<(), &'static str> {
    let set = match word {
        "--processes" => &mut limits.processes,
        "--file-bytes" => &mut limits.file_bytes,
        "--descriptors" => &mut limits.descriptors,
        _ => return Err(UNKNOWN),
    };
    *set = Some(number(words.next().as_deref()).ok_or("a limit is no number")?);
    Ok(())
}

fn door(words: &mut IntoIter<OsString>) -> Option<(u32, u16)> {
    let descriptor = number(words.next().as_deref())?.try_into().ok()?;
    Some((descriptor, number(words.next().as_deref())?.try_into().ok()?))
}

fn overlay(words: &mut IntoIter<OsString>) -> Option<Overlay> {
    let target = words.next()?.into();
    let (upper, work) = (words.next()?, words.next()?);
    let count = usize::try_from(number(words.next().as_deref())?).ok()?;
    let lower: Vec<PathBuf> = words.take(count).map(Into::into).collect();
    let upper = (!upper.is_empty()).then(|| (upper.into(), work.into()));
    (lower.len() == count && count > 0).then_some(Overlay { target, upper, lower })
}

fn number(word: Option<&OsStr>) -> Option<u64> {
    word?.to_str()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Arguments, Unclear> {
        parse(line.split(' ').map(|word| OsString::from(if word == "''" { "" } else { word })).collect())
    }

    #[test]
    fn everything_that_can_be_asked_for_outside() {
        let line = "7 around --die-with-parent --group g --overlay t u w 2 l1 l2 --overlay ro '' '' 1 l \
                    -- bwrap --overlay -- x";
        let writable = Overlay {
            target: "t".into(),
            upper: Some(("u".into(), "w".into())),
            lower: vec!["l1".into(), "l2".into()],
        };
        let read_only = Overlay { target: "ro".into(), upper: None, lower: vec!["l".into()] };
        let around =
            Around { die_with_parent: true, groups: vec!["g".into()], overlays: vec![writable, read_only] };
        let rest = vec!["--overlay".into(), "--".into(), "x".into()];
        let part = Part::Around(around, Next { program: "bwrap".into(), rest });
        let expected = Arguments { report: 7, part };
        assert_eq!(parsed(line), Ok(expected));
    }

    #[test]
    fn everything_that_can_be_asked_for_inside() {
        let limits = Limits { processes: Some(9), file_bytes: Some(1 << 40), descriptors: Some(8) };
        let inside = Inside { limits, writable: vec!["/tmp".into(), "/w".into()], door: Some((5, 3128)) };
        let next = Next { program: "make".into(), rest: vec!["--".into(), "all".into()] };
        let expected = Arguments { report: 2, part: Part::Inside(inside, next) };
        let line = "2 inside --processes 9 --file-bytes 1099511627776 --descriptors 8 --writable /tmp --writable /w \
             --door 5 3128 -- make -- all";
        assert_eq!(parsed(line), Ok(expected));
    }

    #[test]
    fn everything_that_can_be_asked_for_without_bubblewrap() {
        let next = |program: &str| Next { program: program.into(), rest: vec!["x".into()] };
        let over = Part::Over(Over { groups: vec!["g".into()] }, next("launch"));
        assert_eq!(parsed("7 over --group g -- launch x"), Ok(Arguments { report: 7, part: over }));
        let limits = Limits { processes: Some(9), ..Limits::default() };
        let alone = Alone { limits, readable: vec!["/usr".into()], writable: vec!["/w".into()] };
        let expected = Arguments { report: 2, part: Part::Alone(alone, next("make")) };
        assert_eq!(parsed("2 alone --readable /usr --writable /w --processes 9 -- make x"), Ok(expected));
    }

    #[test]
    fn everything_that_can_be_asked_for_beside_a_service() {
        let forward = Forward { port: 8080, namespaces: vec!["/proc/self/fd/4".into(), "n".into()] };
        let expected = Arguments { report: 3, part: Part::Forward(forward) };
        assert_eq!(parsed("3 forward 8080 /proc/self/fd/4 n"), Ok(expected));
    }

    #[test]
    fn what_is_not_understood_is_told_to_the_descriptor() {
        let cases = [
            ("x around -- true", STDERR, "the first argument is no descriptor"),
            ("5", 5, NEITHER),
            ("5 -- true", 5, NEITHER),
            ("5 around", 5, "no program is named"),
            ("5 around --", 5, "no program is named"),
            ("5 around --writable /tmp -- true", 5, UNKNOWN),
            ("5 around --group", 5, "a group is not named"),
            ("5 around --overlay t u w 3 l -- true", 5, "no program is named"),
            ("5 around --overlay t u w 0 -- true", 5, "an overlay is not complete"),
            ("5 around --overlay t u", 5, "an overlay is not complete"),
            ("5 inside --processes many -- true", 5, "a limit is no number"),
            ("5 inside --overlay t u w 1 l -- true", 5, UNKNOWN),
            ("5 inside --writable", 5, "a place is not named"),
            ("5 inside --door 5 -- true", 5, "a door is not complete"),
            ("5 over --die-with-parent -- true", 5, UNKNOWN),
            ("5 alone --readable", 5, "a place is not named"),
            ("5 alone --door 5 80 -- true", 5, UNKNOWN),
            ("5 forward", 5, "no port is named"),
            ("5 forward 65536 n", 5, "no port is named"),
        ];
        for (line, report, reason) in cases {
            assert_eq!(parsed(line), Err(Unclear { report, reason: reason.into() }), "{line}");
        }
    }
}
