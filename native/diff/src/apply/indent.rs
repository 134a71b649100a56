//! How the indentation of an edit becomes that of the file.

use super::tolerances::{Tolerance, Tolerances};

/// What all lines of an edit have in common with those of the file before their text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Relation {
    /// The same.
    Same,
    /// The file has this in addition.
    Deeper(String),
    /// The file lacks this.
    Shallower(String),
    /// Tabs on one side, spaces on the other: a tab is `width` columns wide, the file is `shift` columns deeper.
    Columns {
        /// Columns of a tab.
        width: usize,
        /// Columns that the file has in addition.
        shift: isize,
        /// Whether the file writes tabs.
        tabs: bool,
        /// Indentations whose counterpart is known.
        known: Vec<(String, String)>,
    },
}

/// A pair of indentations: of the file and of the edit.
pub type Pair<'a> = (&'a str, &'a str);

impl Relation {
    /// The relation that all pairs have.
    pub fn of(pairs: &[Pair<'_>]) -> Option<Self> {
        let Some(&(file, edit)) = pairs.iter().find(|(file, edit)| file != edit) else {
            return Some(Self::Same);
        };
        let uniform = if let Some(more) = file.strip_suffix(edit) {
            Some(Self::Deeper(more.to_owned()))
        } else {
            edit.strip_suffix(file).map(|more| Self::Shallower(more.to_owned()))
        };
        if let Some(uniform) = uniform.filter(|relation| pairs.iter().all(|pair| relation.holds(*pair))) {
            return Some(uniform);
        }
        // The width that needs no shift goes before any other.
        let widths = [4, 8, 2, 3, 1, 5, 6, 7];
        let shifts = widths.iter().filter_map(|&width| {
            let mut shifts = pairs.iter().map(|(file, edit)| columns(file, width) - columns(edit, width));
            let first = shifts.next()?;
            shifts.all(|shift| shift == first).then_some((width, first))
        });
        let (width, shift) = shifts.min_by_key(|(_, shift)| shift.unsigned_abs())?;
        let mut known: Vec<(String, String)> = Vec::new();
        for (file, edit) in pairs {
            match known.iter().find(|(of_edit, _)| of_edit == edit) {
                // The same indentation of the edit stands for two of the file: no rule.
                Some((_, of_file)) if of_file != file => return None,
                Some(_) => {}
                None => known.push(((*edit).to_owned(), (*file).to_owned())),
            }
        }
        let tabs = pairs.iter().any(|(file, _)| file.contains('\t'));
        Some(Self::Columns { width: usize::try_from(width).ok()?, shift, tabs, known })
    }

    /// Whether the pair has this relation.
    pub fn holds(&self, (file, edit): Pair<'_>) -> bool {
        self.apply(edit).is_some_and(|indent| indent == file)
    }

    /// The indentation of the file for one of the edit; `None` if there is none.
    pub fn apply(&self, edit: &str) -> Option<String> {
        match self {
            Self::Same => Some(edit.to_owned()),
            Self::Deeper(more) => Some(format!("{more}{edit}")),
            Self::Shallower(more) => edit.strip_prefix(more.as_str()).map(str::to_owned),
            Self::Columns { width, shift, tabs, known } => {
                if let Some((_, of_file)) = known.iter().find(|(of_edit, _)| of_edit == edit) {
                    return Some(of_file.clone());
                }
                let column = columns(edit, isize::try_from(*width).ok()?) + shift;
                let column = usize::try_from(column).ok()?;
                Some(if *tabs {
                    "\t".repeat(column / width) + &" ".repeat(column % width)
                } else {
                    " ".repeat(column)
                })
            }
        }
    }

    /// What it forgives.
    pub fn tolerances(&self) -> Tolerances {
        match self {
            Self::Same => Tolerances::NOTHING,
            Self::Deeper(_) | Self::Shallower(_) => Tolerance::Indentation.into(),
            Self::Columns { shift: 0, .. } => Tolerance::Tabs.into(),
            Self::Columns { .. } => Tolerances::from(Tolerance::Tabs).with(Tolerance::Indentation),
        }
    }
}

fn columns(indent: &str, width: isize) -> isize {
    indent
        .bytes()
        .fold(0, |column, byte| if byte == b'\t' { column + width - column % width } else { column + 1 })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn relation(pairs: &[Pair<'_>]) -> Option<Relation> {
        Relation::of(pairs)
    }

    #[test]
    fn uniform_shifts() {
        assert_eq!(relation(&[("  ", "  "), ("", "")]), Some(Relation::Same));
        assert_eq!(relation(&[("    ", ""), ("      ", "  ")]), Some(Relation::Deeper("    ".into())));
        assert_eq!(relation(&[("", "\t"), ("\t", "\t\t")]), Some(Relation::Shallower("\t".into())));
        assert_eq!(relation(&[("", ""), ("  ", "    ")]), None);
        assert_eq!(Relation::Shallower("  ".into()).apply(" "), None);
    }

    #[test]
    fn tabs_and_spaces() {
        let found = relation(&[("", ""), ("\t", "    "), ("\t\t", "        ")]).unwrap();
        assert_eq!(found.apply("            ").as_deref(), Some("\t\t\t"));
        assert_eq!(found.apply("      ").as_deref(), Some("\t  "));
        let found = relation(&[("        ", "\t\t"), ("    ", "\t")]).unwrap();
        assert_eq!(found.apply("\t\t\t").as_deref(), Some("            "));
        let found = relation(&[("\t\t", "    "), ("\t", "")]).unwrap();
        assert_eq!(found.apply("        ").as_deref(), Some("\t\t\t"));
    }
}
