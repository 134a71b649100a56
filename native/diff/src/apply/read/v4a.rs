//! `*** Begin Patch` to `*** End Patch`.

use super::super::edit::{Action, Edit, Hunk, Sign};
use super::super::refusal::{Reason, Refusal};
use super::super::tolerances::{Tolerance, Tolerances};
use super::rows::{fence, rows};
use super::unified::{body_line, new_text, trim_end};

pub fn read(answer: &str) -> Result<Vec<Edit<'_>>, Refusal> {
    let mut reader = Reader::default();
    for row in rows(answer) {
        if reader.ended && !row.text.trim_end().starts_with("*** Begin Patch") {
            continue;
        }
        reader.line(row.text)?;
    }
    if !reader.ended {
        return Err(Refusal::new(Reason::Truncated).because("there is no line *** End Patch"));
    }
    Ok(reader.edits)
}

#[derive(Debug, Default)]
struct Reader<'a> {
    edits: Vec<Edit<'a>>,
    begun: bool,
    ended: bool,
    file: Option<File<'a>>,
    hunk: Option<Hunk<'a>>,
}

#[derive(Debug, Clone, Copy)]
enum File<'a> {
    Update(&'a str),
    Add(&'a str),
    Delete,
}

impl<'a> Reader<'a> {
    fn line(&mut self, line: &'a str) -> Result<(), Refusal> {
        let trimmed = line.trim_end();
        if trimmed.starts_with("*** Begin Patch") {
            self.begun = true;
            self.ended = false;
        } else if trimmed.starts_with("*** End Patch") {
            self.end_file()?;
            self.ended = true;
        } else if let Some(path) = trimmed.strip_prefix("*** Update File:") {
            self.end_file()?;
            self.file = Some(File::Update(path.trim()));
        } else if let Some(path) = trimmed.strip_prefix("*** Add File:") {
            self.end_file()?;
            self.file = Some(File::Add(path.trim()));
            self.hunk = Some(Hunk { signed: true, ..Hunk::default() });
        } else if let Some(path) = trimmed.strip_prefix("*** Delete File:") {
            self.end_file()?;
            self.file = Some(File::Delete);
            self.edits.push(Edit::new(path.trim(), Action::Delete));
        } else if let Some(to) = trimmed.strip_prefix("*** Move to:") {
            if let Some(File::Update(path)) = self.file {
                self.end_hunk()?;
                self.edits.push(Edit::new(path, Action::Rename(to.trim().into())));
            }
        } else if trimmed == "*** End of File" {
            if let Some(hunk) = &mut self.hunk {
                hunk.at_end = true;
            }
        } else if let Some(anchor) = line.strip_prefix("@@") {
            self.anchor(anchor)?;
        } else {
            self.body(line);
        }
        Ok(())
    }

    fn anchor(&mut self, behind: &'a str) -> Result<(), Refusal> {
        if self.hunk.as_ref().is_none_or(|hunk| !hunk.lines.is_empty()) {
            self.end_hunk()?;
            self.hunk = Some(Hunk { signed: true, ..Hunk::default() });
        }
        let anchor = behind.trim();
        let anchor = anchor.strip_suffix("@@").unwrap_or(anchor).trim();
        if let Some(hunk) = self.hunk.as_mut().filter(|_| !anchor.is_empty()) {
            // Some models put the numbers of the unified format there.
            let numbers =
                anchor.strip_prefix('-').and_then(|rest| rest.split(|c: char| !c.is_ascii_digit()).next());
            match numbers.and_then(|digits| digits.parse().ok()) {
                Some(line) if anchor.contains('+') => hunk.first_line = Some(line),
                _ => hunk.anchors.push(anchor.into()),
            }
        }
        Ok(())
    }

    fn body(&mut self, line: &'a str) {
        let Some(File::Update(_) | File::Add(_)) = self.file else {
            return;
        };
        let signed = line.starts_with([' ', '+', '-']);
        // The space between two files, and the fence around it all.
        if !signed
            && self.hunk.as_ref().is_none_or(|hunk| hunk.lines.is_empty())
            && (line.trim().is_empty() || fence(line).is_some())
        {
            return;
        }
        let hunk = self.hunk.get_or_insert_with(|| Hunk { signed: true, ..Hunk::default() });
        body_line(hunk, line);
    }

    fn end_hunk(&mut self) -> Result<(), Refusal> {
        let Some(mut hunk) = self.hunk.take() else {
            return Ok(());
        };
        trim_end(&mut hunk);
        match self.file {
            Some(File::Update(path)) if !hunk.lines.is_empty() => {
                let edit = Edit { path: path.into(), action: Action::Hunk(hunk), tolerances: self.form() };
                self.edits.push(edit);
            }
            Some(File::Add(path)) => {
                for line in &mut hunk.lines {
                    if line.unsigned {
                        line.sign = Sign::Add;
                    } else if line.sign != Sign::Add {
                        let why = format!("the new file {path} has a line that does not begin with +");
                        return Err(Refusal::new(Reason::Unreadable).because(why));
                    }
                }
                self.edits.push(Edit::new(path, Action::Create(new_text(&hunk).into())));
            }
            _ => {}
        }
        Ok(())
    }

    fn end_file(&mut self) -> Result<(), Refusal> {
        self.end_hunk()?;
        self.file = None;
        Ok(())
    }

    fn form(&self) -> Tolerances {
        if self.begun { Tolerances::NOTHING } else { Tolerance::Markers.into() }
    }
}
