//! The fence that a process puts around itself: limits, places beyond which nothing can be written, and where there are
//! no walls around it, nothing be read.

use std::path::{Path, PathBuf};

use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, PathBeneath, Ruleset, RulesetAttr,
    RulesetCreated, RulesetCreatedAttr, RulesetError, Scope, path_beneath_rules,
};
use rustix::process::{Resource, Rlimit};

use crate::arguments::{Alone, Inside, Limits};

/// The newest that is known here; an older kernel enforces what it knows, and one without Landlock nothing.
const KNOWN: ABI = ABI::V9;
/// The oldest that can stand alone: from here on files cannot be cut short either.
const NEEDED: ABI = ABI::V3;
/// What programs need of the devices.
const DEVICES: [&str; 7] =
    ["/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/ptmx", "/dev/pts"];

/// Sets everything up for this process and all that it becomes or starts.
pub fn set_up(asked: &Inside) -> Result<(), String> {
    limit_all(&asked.limits)?;
    restrict(&asked.writable).map_err(|error| format!("writing could not be restricted: {error}"))
}

/// Sets up all that there is where no walls stand around this process.
pub fn set_up_alone(asked: &Alone) -> Result<(), String> {
    limit_all(&asked.limits)?;
    restrict_alone(asked).map_err(|error| format!("reading and writing could not be restricted: {error}"))
}

fn limit_all(limits: &Limits) -> Result<(), String> {
    for (resource, most) in [
        (Resource::Nproc, limits.processes),
        (Resource::Fsize, limits.file_bytes),
        (Resource::Nofile, limits.descriptors),
        (Resource::Core, Some(0)),
    ] {
        if let Some(most) = most {
            limit(resource, most)?;
        }
    }
    Ok(())
}

fn limit(resource: Resource, most: u64) -> Result<(), String> {
    let allowed = rustix::process::getrlimit(resource).maximum;
    let most = Some(allowed.map_or(most, |allowed| allowed.min(most)));
    rustix::process::setrlimit(resource, Rlimit { current: most, maximum: most })
        .map_err(|errno| format!("a limit is refused: {errno}"))
}

fn restrict(writable: &[PathBuf]) -> Result<(), RulesetError> {
    let everything = AccessFs::from_all(KNOWN);
    let rules = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(everything)?
        .scope(Scope::from_all(KNOWN))?
        .create()?
        .add_rules(path_beneath_rules([Path::new("/")], AccessFs::from_read(KNOWN)))?
        .add_rules(path_beneath_rules(["/dev"], everything))?
        .add_rules(path_beneath_rules(writable, everything))?;
    standard_streams(rules)?.restrict_self()?;
    Ok(())
}

fn restrict_alone(asked: &Alone) -> Result<(), RulesetError> {
    let everything = AccessFs::from_all(KNOWN);
    let rules = Ruleset::default()
        .set_compatibility(CompatLevel::HardRequirement)
        .handle_access(AccessFs::from_all(NEEDED))?
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(everything)?
        .handle_access(AccessNet::from_all(KNOWN))?
        .scope(Scope::from_all(KNOWN))?
        .create()?
        .add_rules(path_beneath_rules(&asked.readable, AccessFs::from_read(KNOWN)))?
        .add_rules(path_beneath_rules(DEVICES, everything))?
        .add_rules(path_beneath_rules(&asked.writable, everything))?;
    standard_streams(rules)?.restrict_self()?;
    Ok(())
}

/// A program may open its own output by name (`/dev/stderr`), and that lies outside: what was given may be used.
fn standard_streams(mut rules: RulesetCreated) -> Result<RulesetCreated, RulesetError> {
    for stream in [rustix::stdio::stdin(), rustix::stdio::stdout(), rustix::stdio::stderr()] {
        let Ok(status) = rustix::fs::fstat(stream) else { continue };
        let kind = rustix::fs::FileType::from_raw_mode(status.st_mode);
        if kind.is_file() || kind.is_char_device() {
            rules = rules.add_rule(PathBeneath::new(stream, AccessFs::from_file(KNOWN)))?;
        }
    }
    Ok(rules)
}
