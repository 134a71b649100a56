//! Several files changed as one, each only while it is what was expected.
//!
//! Nothing that another program wrote is removed: a name goes only when its content, seen through a handle, is what we
//! wrote or what was expected. A file that is found changed at the exchange takes the whole batch back, which keeps to
//! all or nothing. Taking back can lose nothing either: where somebody has saved over what we wrote, the newest text
//! stays, the old one is kept beside it, and both are told.
//!
//! Here is decided whether a batch may begin, and in which order its targets are changed and taken back; how one of
//! them is exchanged stands in [`step`].

mod folders;
mod step;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::Path;

use self::folders::Folders;
use self::step::Step;
use crate::beneath::open_root;
use crate::temporary::{beside, new_id};
use crate::{Change, FsError};

/// Changes that are ready to happen. Dropping it removes whatever it left beside the targets.
pub struct Batch<'a> {
    /// Names the files that lie beside the targets for a while.
    pub id: u64,
    pub steps: Vec<Step<'a>>,
    // Dropped after the steps: a folder that was made is empty only then.
    folders: Folders,
    synced: bool,
}

impl<'a> Batch<'a> {
    /// Looks at all targets and changes nothing. `synced`: what is written reaches the disk before it counts.
    pub fn plan(root: &Path, changes: &[Change<'a>], synced: bool) -> Result<Self, FsError> {
        Self::plan_as(new_id(), root, changes, synced)
    }

    /// The same, with a number that the caller chooses.
    pub fn plan_as(id: u64, root: &Path, changes: &[Change<'a>], synced: bool) -> Result<Self, FsError> {
        let steps = Vec::with_capacity(changes.len());
        let mut batch = Self { id, steps, folders: Folders::new(open_root(root)?), synced };
        let mut writes = BTreeMap::new();
        for change in changes {
            let step = Step::plan(change, &mut batch.folders, beside(id, batch.steps.len()))?;
            let invalid = |reason| FsError::Invalid { path: change.path.to_path_buf(), reason };
            if writes.insert(step.plain.clone(), step.content.is_some()).is_some() {
                return Err(invalid("the path stands twice in one batch"));
            }
            batch.steps.push(step);
        }
        for step in &batch.steps {
            if step.plain.ancestors().skip(1).any(|above| writes.get(above) == Some(&true)) {
                let path = step.path.to_path_buf();
                return Err(FsError::Invalid {
                    path,
                    reason: "the path lies beneath another file of the batch",
                });
            }
        }
        let moved = batch.steps.iter().filter(|step| step.has_changed());
        let paths: Vec<_> = moved.map(|step| step.path.to_path_buf()).collect();
        if !paths.is_empty() {
            return Err(FsError::Changed { paths, busy: false });
        }
        Ok(batch)
    }

    /// Writes all new content beside its target; changes no target.
    pub fn stage(&mut self) -> Result<(), FsError> {
        for step in &mut self.steps {
            step.stage(&mut self.folders, self.synced)?;
        }
        Ok(())
    }

    /// Puts everything in place, or takes back what was put.
    pub fn commit(mut self) -> Result<(), FsError> {
        for index in 0..self.steps.len() {
            if let Err(failure) = self.steps[index].take() {
                return Err(self.take_back(index).unwrap_or(failure));
            }
        }
        // Somebody who had a file open all the time may have written to it since.
        for index in 0..self.steps.len() {
            if let Err(failure) = self.steps[index].check_again() {
                return Err(self.take_back(self.steps.len()).unwrap_or(failure));
            }
        }
        self.folders.keep(self.synced);
        Ok(())
    }

    /// Takes some steps and no more.
    #[cfg(test)]
    pub fn die_after(&mut self, steps: usize) {
        for step in self.steps.iter_mut().take(steps) {
            assert!(step.take().is_ok());
        }
    }

    /// Puts one file in place and does not come to look at what was there.
    #[cfg(test)]
    pub fn die_before_the_look(&mut self, index: usize) {
        assert!(self.steps[index].put().is_ok());
    }

    /// Takes back the steps before `index`, the last first, and goes on if one cannot be taken back.
    fn take_back(&mut self, index: usize) -> Option<FsError> {
        let mut torn = None;
        for step in self.steps[..index].iter_mut().rev() {
            torn = step.take_back().err().or(torn);
        }
        torn
    }
}
