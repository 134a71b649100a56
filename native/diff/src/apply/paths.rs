//! Which file a path means.

use super::refusal::{Reason, Refusal};

/// A file of the tree and how its path was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// As it is written.
    As(String),
    /// Under another spelling.
    Otherwise(String),
    /// It is not there; this would be its path.
    New(String),
}

/// Finds the file that a path of an answer means.
///
/// Forgiven are `a/`, `b/`, `./` and `/` before it, backslashes, quotes, another case, and missing folders at its
/// beginning, as long as one file only can be meant. Folders that are not there are not forgiven: they name another
/// file. Where no lines of the edit will prove that the file is the right one, only the form is: `known` is false.
pub fn resolve(written: &str, tree: &[&str], known: bool) -> Result<Found, Refusal> {
    let outside = || Refusal::new(Reason::Outside).at(0, written);
    if tree.contains(&written) {
        return Ok(Found::As(written.to_owned()));
    }
    let unquoted = written.trim().trim_matches(['`', '"', '\'', '*']).replace('\\', "/");
    let rooted = unquoted.starts_with('/') || unquoted.starts_with("~/");
    let drive = unquoted.as_bytes().get(1) == Some(&b':');
    let mut parts = Vec::new();
    for part in unquoted.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop().ok_or_else(outside)?;
            }
            part => parts.push(part),
        }
    }
    // Behind the letter of a difference the path must not leave the root either, unless that is a folder.
    if let Some((letter @ ("a" | "b"), rest)) = unquoted.split_once('/') {
        let folder =
            || tree.iter().any(|path| path.split_once('/').is_some_and(|(first, _)| first == letter));
        if leaves(rest) && !folder() {
            return Err(outside());
        }
    }
    let plain = parts.join("/");
    if plain.is_empty() {
        return Err(Refusal::new(Reason::Unreadable).because("an edit names no file"));
    }
    // Each form only where those before it lead nowhere: a folder may really be named `a`.
    let stripped = match parts.first() {
        Some(&("a" | "b")) if parts.len() > 1 && known => Some(parts[1..].join("/")),
        _ => None,
    };
    let forms: Vec<&str> = std::iter::once(plain.as_str()).chain(stripped.as_deref()).collect();
    for form in &forms {
        if tree.contains(form) {
            return Ok(Found::Otherwise((*form).to_owned()));
        }
    }
    if drive || unquoted.starts_with("~/") {
        return Err(outside());
    }
    for form in forms.iter().filter(|_| known) {
        if let Some(path) = only(tree, written, |path| same_but_case(path, form))? {
            return Ok(Found::Otherwise(path));
        }
    }
    if rooted {
        return Err(outside());
    }
    for form in forms.iter().filter(|_| known) {
        let tail = format!("/{form}");
        if let Some(path) = only(tree, written, |path| path.ends_with(&tail))? {
            return Ok(Found::Otherwise(path));
        }
    }
    Ok(Found::New(plain))
}

/// Whether `..` leads above the folder at which the path begins.
fn leaves(path: &str) -> bool {
    let mut depth = 0_usize;
    path.split('/').any(|part| {
        match part {
            "" | "." => {}
            ".." if depth == 0 => return true,
            ".." => depth -= 1,
            _ => depth += 1,
        }
        false
    })
}

fn only(tree: &[&str], written: &str, fits: impl Fn(&str) -> bool) -> Result<Option<String>, Refusal> {
    let found: Vec<&str> = tree.iter().copied().filter(|path| fits(path)).collect();
    match found.as_slice() {
        [] => Ok(None),
        [one] => Ok(Some((*one).to_owned())),
        several => {
            let mut refusal = Refusal::new(Reason::SeveralFiles).at(0, written);
            refusal.detail = several.iter().take(8).map(|path| (*path).to_owned()).collect();
            Err(refusal)
        }
    }
}

fn same_but_case(a: &str, b: &str) -> bool {
    a.len() == b.len() && a.eq_ignore_ascii_case(b) || a.to_lowercase() == b.to_lowercase()
}

/// Files whose names are like the one that is not there.
pub fn similar(missing: &str, tree: &[&str]) -> Vec<String> {
    let name = missing.rsplit('/').next().unwrap_or(missing).to_lowercase();
    let stem = name.split('.').next().unwrap_or(&name);
    let alike = |path: &&str| {
        let other = path.rsplit('/').next().unwrap_or(path).to_lowercase();
        other == name || stem.len() > 3 && other.starts_with(stem)
    };
    tree.iter().copied().filter(alike).take(5).map(str::to_owned).collect()
}
