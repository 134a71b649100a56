//! Reads and writes beneath a root that no path can leave, several files as one.
//!
//! The root is opened once; everything beneath it is reached through that handle (on Linux by `openat2`,
//! elsewhere, and on kernels without it, component by component), so a folder that is swapped for a link
//! while the call runs cannot lead it elsewhere. Nothing is written through a link. Reading follows links
//! that stay beneath the root, where `openat2` can tell; elsewhere it follows none.

use std::path::Path;

#[cfg(unix)]
mod batch;
#[cfg(unix)]
mod beneath;
#[cfg(unix)]
mod exchange;
#[cfg(unix)]
mod laying;
mod reading;
#[cfg(unix)]
mod removing;
#[cfg(unix)]
mod snapshots;
#[cfg(unix)]
mod temporary;
#[cfg(unix)]
mod tree;
mod values;
#[cfg(unix)]
mod write_log;

pub use reading::{open_beneath, open_folder_beneath, read_beneath};
#[cfg(unix)]
pub use snapshots::{KeptFile, Restored, Snapshots};
#[cfg(unix)]
pub use tree::{Item, Kind, Tree};
pub use values::{Change, Expected, FsError, Hash, Recovery};

/// Writes and deletes all files beneath `root`, or none.
///
/// New content is written to temporary files beside the targets first; then each target is replaced in one step,
/// and the old content is kept until the last, so that a reader sees the old file or the new one. If a step fails,
/// those before it are taken back. Missing folders are made. Modes of existing files are kept.
///
/// Each file is changed only while it is what its change expects. That is looked at first, for all of them, and again at
/// the moment of the exchange, on the file that came out: through its handle, with its mode, and (where the system
/// tells: Linux, for files of the own user) with the certainty that nobody has it open for writing. If it is another,
/// the batch is taken back and the path told. Nothing that another program saved is lost, whichever way it saves; what
/// it saves after the exchange replaces what the batch wrote, as after any other save. Two things cannot be promised.
/// On file systems that cannot exchange names (`RENAME_EXCHANGE`) the look comes right before the rename, and a file
/// that is put there by a rename between the two is replaced. And where the system does not tell who has a file open,
/// a program that had it open before, and writes to it after the second look at the end of the batch, writes to a
/// file that has no name any more.
///
/// With a `write_log`, an existing folder outside `root` that serves this root only, all or nothing also holds when the
/// process is killed or the power goes: as soon as the log is synced, which is the one thing this call waits for,
/// the batch will be completed, by [`recover`] if need be. Call that at start, and after a batch off the path, which
/// frees the log; a batch that finds it full has to do so itself. Without one, a process that is killed in
/// the middle leaves whole files, old or new, and temporary ones named `.wainwright-*.tmp`; what a power cut leaves
/// is up to the file system.
///
/// # Errors
/// [`FsError`]; a target that is a link is [`FsError::Outside`], and one that is to be deleted but is not
/// there [`FsError::NotFound`].
pub fn write_batch(root: &Path, changes: &[Change<'_>], write_log: Option<&Path>) -> Result<(), FsError> {
    #[cfg(unix)]
    return if let Some(folder) = write_log {
        write_log::write(folder, root, changes)
    } else {
        let mut batch = batch::Batch::plan(root, changes, false)?;
        batch.stage()?;
        batch.commit()
    };
    #[cfg(not(unix))]
    {
        let _ = (root, changes, write_log);
        Err(FsError::Unsupported)
    }
}

/// Lays the files beneath `source` over those beneath `target`: as further names of the same files, or as copies.
///
/// Folders are made. What the target has at a path stays, and nothing is written through a link.
///
/// # Errors
/// [`FsError`]; what was laid until then stays.
#[cfg(unix)]
pub fn lay(source: &Path, target: &Path, linked: bool) -> Result<(), FsError> {
    laying::lay(source, target, linked)
}

/// Makes `target` hold the files beneath `source` and nothing else, as further names of the same files.
///
/// What it holds of them already stays, so that little is to be done for a folder which once was laid from there.
/// Modes of folders become those of the source. Nothing is followed or written through a link.
///
/// # Errors
/// [`FsError`]; the target is anything between what it was and what it should be then.
#[cfg(unix)]
pub fn align(source: &Path, target: &Path) -> Result<(), FsError> {
    laying::align(source, target)
}

/// Removes a folder and all beneath it, whatever its names and modes and however deep; nothing where there is none.
///
/// Links are removed and never followed, also when somebody swaps folders for links meanwhile. Nothing is moved out of
/// the folder: what a kill leaves lies in it.
///
/// # Errors
/// [`FsError::Io`] where this user may not remove something, or where it is filled again and again.
#[cfg(unix)]
pub fn remove(folder: &Path) -> Result<(), FsError> {
    removing::remove(folder)
}

/// Completes the batches in a write log that a kill or a power cut may have left half done, makes sure that the disk
/// has them, and removes what they left behind. A write log that was never made is empty.
///
/// A batch whose record was not complete has changed nothing and is forgotten. A file that somebody else has changed
/// since the batch looked at it is left alone, or gets back what they saved, and the others are completed. May be
/// called at any time, also again after it was killed itself.
///
/// # Errors
/// [`FsError::Invalid`] if the write log holds batches of another root; [`FsError::Io`] if a file cannot be
/// written: the log is kept then.
pub fn recover(write_log: &Path, root: &Path) -> Result<Recovery, FsError> {
    #[cfg(unix)]
    return write_log::recover(write_log, root);
    #[cfg(not(unix))]
    {
        let _ = (root, write_log);
        Err(FsError::Unsupported)
    }
}
