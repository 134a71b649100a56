//! What a process has of whoever started it, and is to have of its own: control groups, a keyring, descriptors.

use std::io::Write;
use std::os::fd::{IntoRawFd, OwnedFd};
use std::path::{Path, PathBuf};

/// The kernel shall choose this tree of processes when memory runs out.
const FIRST_TO_GO: &[u8] = b"800";

/// Enters the groups that are named, and leaves the keyring of the person's session.
pub fn leave(groups: &[PathBuf]) -> Result<(), String> {
    // Where it is refused the order stays as it was.
    let _ = write(Path::new("/proc/self/oom_score_adj"), FIRST_TO_GO);
    for group in groups {
        enter(group).map_err(|error| format!("{} cannot be entered: {error}", group.display()))?;
    }
    leave_keyring();
    Ok(())
}

/// A process that moves itself, as a single thread, need not wait until no processor is about to fork: that takes ten
/// times as long as all else here. Version 2 has no `tasks`.
fn enter(group: &Path) -> std::io::Result<()> {
    write(&group.join("tasks"), b"0").or_else(|_| write(&group.join("cgroup.procs"), b"0"))
}

fn write(place: &Path, text: &[u8]) -> std::io::Result<()> {
    std::fs::OpenOptions::new().write(true).open(place)?.write_all(text)
}

/// Keys are out of reach by the filter of calls; whoever looks past it finds an empty keyring. A kernel without keys,
/// a person with too many of them and a container that forbids it are no reason to run nothing.
#[expect(unsafe_code, reason = "no wrapper knows this call; it touches no memory of ours")]
fn leave_keyring() {
    let nameless = std::ptr::null::<libc::c_char>();
    // SAFETY: the call reads the name only, and there is none.
    unsafe { libc::syscall(libc::SYS_keyctl, libc::KEYCTL_JOIN_SESSION_KEYRING, nameless) };
}

/// The number of a descriptor that the next program shall have.
pub fn passed_on(descriptor: OwnedFd) -> String {
    descriptor.into_raw_fd().to_string()
}
