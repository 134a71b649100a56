//! What stands at a path, and what of that can be edited.

use std::borrow::Cow;

use super::edit::{Action, Edit};
use super::refusal::{Reason, Refusal};

/// A link to a link to another spelling: more steps than that lead in a circle.
const STEPS_MAX: usize = 4;
/// Bytes in which a zero shows that a file is no text, as git sees it.
const HEAD: usize = 8000;

/// What stands at a path. That there is nothing, and that nothing can be read, are two things.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source<'t> {
    /// A file with this text.
    Text(Cow<'t, str>),
    /// Nothing.
    Nothing,
    /// Nothing, but a file whose path is the same on some systems.
    Twin(String),
    /// A link to this path.
    Link(String),
    /// A file that is no UTF-8 text, but this.
    NotText(&'static str),
    /// Something that must not or cannot be edited: why, in sentences that name the path.
    Barred(String),
}

impl Source<'_> {
    /// What these bytes of a file are.
    ///
    /// ```
    /// use wainwright_diff::apply::Source;
    ///
    /// assert_eq!(Source::of(b"caf\xc3\xa9"), Source::Text("caf\u{e9}".into()));
    /// assert_eq!(Source::of(b"\xff\xfea\0"), Source::NotText("UTF-16 text"));
    /// ```
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
            return Self::NotText("UTF-16 text");
        }
        if memchr::memchr(0, &bytes[..bytes.len().min(HEAD)]).is_some() {
            return Self::NotText("binary data");
        }
        let text = std::str::from_utf8(bytes);
        text.map_or(Self::NotText("text in another encoding"), |text| Self::Text(text.to_owned().into()))
    }

    /// Whether something stands at exactly this path.
    pub(super) fn is_there(&self) -> bool {
        !matches!(self, Self::Nothing | Self::Twin(_))
    }
}

/// The file that a path leads to.
pub struct Opened<'t> {
    pub path: String,
    /// `None` if there is no such file.
    pub text: Option<Cow<'t, str>>,
    /// The path is or passes a link.
    linked: bool,
}

impl Opened<'_> {
    /// Refuses an edit that would take the file away where a link to it was named.
    pub fn may(&self, edit: &Edit<'_>, written: &str) -> Result<(), Refusal> {
        if self.linked && matches!(edit.action, Action::Delete | Action::Rename(_)) {
            let why = format!(
                "{written} is a link to {0}. Name {0} if that file is meant; a link cannot be deleted or moved by an \
                 edit.",
                self.path
            );
            return Err(Refusal::new(Reason::NotEditable).because(why));
        }
        Ok(())
    }
}

/// Follows a path to the file that it means.
pub fn open<'t>(path: &str, read: &mut impl FnMut(&str) -> Source<'t>) -> Result<Opened<'t>, Refusal> {
    let mut opened = Opened { path: path.to_owned(), text: None, linked: false };
    for _ in 0..STEPS_MAX {
        match read(&opened.path) {
            Source::Text(text) => return Ok(Opened { text: Some(text), ..opened }),
            Source::Nothing => return Ok(opened),
            Source::Twin(other) => opened.path = other,
            Source::Link(to) => opened = Opened { path: to, linked: true, ..opened },
            Source::NotText(what) => {
                return Err(Refusal::new(Reason::NotText).because(what).at(0, &opened.path));
            }
            Source::Barred(why) => {
                return Err(Refusal::new(Reason::NotEditable).because(why).at(0, &opened.path));
            }
        }
    }
    Err(Refusal::new(Reason::NotEditable).because(format!("{path} is a link that leads in a circle.")))
}
