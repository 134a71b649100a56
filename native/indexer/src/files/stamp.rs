//! Whether a file is still the one that was read, without reading it again.

use std::fs::Metadata;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// What the file system says of a file. Two equal stamps, neither of them fresh, mean equal contents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Stamp {
    /// Bytes.
    pub size: u64,
    /// Nanoseconds since 1970.
    pub modified: i64,
    /// Nanoseconds since 1970; 0 where the platform has no such thing, and for a file with several names: each name
    /// that is given or taken would look like a change. Files of task trees are such, and are replaced to be changed.
    pub changed: i64,
    /// 0 where the platform has no such thing.
    pub inode: u64,
}

/// The clock of a file system may be so many nanoseconds behind the system's.
const TICK: i64 = 50_000_000;
/// The same, where times are whole seconds.
const COARSE_TICK: i64 = 2_100_000_000;

impl Stamp {
    /// The stamp of a file or folder.
    pub fn of(metadata: &Metadata) -> Self {
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt;
            let nanos = |seconds: i64, rest: i64| seconds.saturating_mul(1_000_000_000).saturating_add(rest);
            Self {
                size: metadata.size(),
                modified: nanos(metadata.mtime(), metadata.mtime_nsec()),
                changed: if metadata.nlink() > 1 {
                    0
                } else {
                    nanos(metadata.ctime(), metadata.ctime_nsec())
                },
                inode: metadata.ino(),
            }
        }
        #[cfg(not(unix))]
        {
            let modified = metadata.modified().map_or(0, nanos_since_1970);
            Self { size: metadata.len(), modified, changed: 0, inode: 0 }
        }
    }

    /// True if the file may have been changed since `now` (nanoseconds since 1970) without showing it: it was
    /// written within the last tick of its clock.
    pub fn is_fresh(&self, now: i64) -> bool {
        let tick = if self.modified % 1_000_000_000 == 0 { COARSE_TICK } else { TICK };
        self.modified.max(self.changed) > now.saturating_sub(tick)
    }
}

/// Nanoseconds since 1970.
pub(crate) fn now() -> i64 {
    nanos_since_1970(SystemTime::now())
}

fn nanos_since_1970(time: SystemTime) -> i64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
}
