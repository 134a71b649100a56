//! Which file a path means.

use unicode_normalization::UnicodeNormalization;

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
/// Tolerances are `a/`, `b/`, `./` and `/` before it, backslashes, quotes, another case, composed letters for decomposed
/// ones, and missing folders at its beginning, as long as one file only can be meant. Folders that are not there are not
/// tolerances: they name another file. `proven` is whether lines of the edit will prove that the file is the right one;
/// where none will, missing folders are not tolerances, nor a letter that may be a folder of its own.
///
/// `there` tells whether something stands at a path that the tree does not list: then that is meant, and no other.
pub fn resolve(
    written: &str,
    tree: &[&str],
    proven: bool,
    there: &mut dyn FnMut(&str) -> bool,
) -> Result<Found, Refusal> {
    let outside = || Refusal::new(Reason::Outside).at(0, written);
    if tree.contains(&written) {
        return Ok(Found::As(written.to_owned()));
    }
    let unquoted = written.trim().trim_matches(['`', '"', '\'', '*']).replace('\\', "/");
    let rooted = unquoted.starts_with('/') || unquoted.starts_with("~/");
    let drive = unquoted.as_bytes().get(1) == Some(&b':');
    let letter = letter_of(&unquoted, tree).map_err(|refusal| refusal.at(0, written))?;
    let plain = plain(&unquoted).ok_or_else(outside)?;
    if plain.is_empty() {
        return Err(Refusal::new(Reason::Unreadable).because("an edit names no file"));
    }
    let listed = tree.contains(&plain.as_str());
    if !listed && (drive || unquoted.starts_with("~/")) {
        return Err(outside());
    }
    if listed || there(&plain) {
        return Ok(if plain == written { Found::As(plain) } else { Found::Otherwise(plain) });
    }
    // Each form only where those before it lead nowhere: a folder may really be named `a`.
    let stripped = plain.split_once('/').filter(|(first, _)| matches!(*first, "a" | "b"));
    let stripped = stripped.filter(|_| proven || letter != Letter::Folder).map(|(_, rest)| rest);
    let forms: Vec<&str> = std::iter::once(plain.as_str()).chain(stripped).collect();
    if let Some(form) = stripped.filter(|form| tree.contains(form) || there(form)) {
        return Ok(Found::Otherwise(form.to_owned()));
    }
    for form in &forms {
        if let Some(path) = namesake(form, tree, written)? {
            return Ok(Found::Otherwise(path));
        }
    }
    if rooted {
        return Err(outside());
    }
    for form in forms.iter().filter(|_| proven) {
        let tail = format!("/{form}");
        if let Some(path) = only(tree, written, |path| path.ends_with(&tail))? {
            return Ok(Found::Otherwise(path));
        }
    }
    Ok(Found::New(plain))
}

/// The path without `.`, `..` and slashes that say nothing; `None` if it leaves the root.
pub fn plain(path: &str) -> Option<String> {
    let mut parts = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// What stands before a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Letter {
    /// A folder of the tree that is named as the letters of a difference are.
    Folder,
    /// That letter, or another name.
    Other,
}

/// Behind the letter of a difference the path must not leave the root either, unless that is a folder.
fn letter_of(path: &str, tree: &[&str]) -> Result<Letter, Refusal> {
    let Some((letter @ ("a" | "b"), rest)) = path.split_once('/') else {
        return Ok(Letter::Other);
    };
    if tree.iter().any(|path| path.split_once('/').is_some_and(|(first, _)| first == letter)) {
        return Ok(Letter::Folder);
    }
    if leaves(rest) { Err(Refusal::new(Reason::Outside)) } else { Ok(Letter::Other) }
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

/// The one file whose path is this one in composed letters, or else in small ones: on some systems they are the same.
pub fn namesake(path: &str, tree: &[&str], written: &str) -> Result<Option<String>, Refusal> {
    let composed: String = path.nfc().collect();
    let same = |other: &str| !(other.is_ascii() && path.is_ascii()) && other.nfc().eq(composed.chars());
    if let Some(path) = only(tree, written, same)? {
        return Ok(Some(path));
    }
    let small = small(path);
    only(tree, written, |other| {
        if other.is_ascii() { other.eq_ignore_ascii_case(&small) } else { self::small(other) == small }
    })
}

/// Whether two paths are the same on some systems.
pub fn same_name(a: &str, b: &str) -> bool {
    small(a) == small(b)
}

fn small(path: &str) -> String {
    if path.is_ascii() {
        path.to_ascii_lowercase()
    } else {
        path.nfc().collect::<String>().to_lowercase().nfc().collect()
    }
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
