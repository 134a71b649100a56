//! The namespaces, and what is mounted in them.

use std::ffi::CString;
use std::fmt::Write as _;
use std::io::Write as _;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::Path;

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::mount::{MountFlags, MountPropagationFlags};
use rustix::process::{Pid, Signal};
use rustix::thread::UnshareFlags;

use crate::arguments::{Around, Overlay};

/// Enters the namespaces and mounts everything; what cannot be done is told in words.
pub fn set_up(asked: &Around) -> Result<(), String> {
    let parent = rustix::process::getppid();
    if !asked.overlays.is_empty() {
        enter_namespaces()?;
    }
    // After the namespaces: entering them would take it back.
    if asked.die_with_parent {
        die_with(parent, Signal::KILL)?;
    }
    asked.overlays.iter().try_for_each(mount)
}

/// Has the kernel send a signal to this process when its parent ends.
pub fn die_with(parent: Option<Pid>, signal: Signal) -> Result<(), String> {
    rustix::process::set_parent_process_death_signal(Some(signal))
        .map_err(|errno| format!("nobody would end this with its parent: {errno}"))?;
    if rustix::process::getppid() == parent { Ok(()) } else { Err("the parent has ended".into()) }
}

/// Root may mount as it is, and keeps sight of all owners; others, and root in a container, by a user namespace in
/// which they are who they are outside.
fn enter_namespaces() -> Result<(), String> {
    let (user, group) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
    let as_it_is = user == 0 && unshare(UnshareFlags::NEWNS).is_ok();
    if !as_it_is {
        unshare(UnshareFlags::NEWUSER | UnshareFlags::NEWNS)
            .map_err(|errno| format!("a user namespace is refused: {errno}"))?;
        for (file, text) in [
            ("setgroups", "deny".to_owned()),
            ("uid_map", format!("{user} {user} 1")),
            ("gid_map", format!("{group} {group} 1")),
        ] {
            write(file, &text).map_err(|error| format!("{file} of a user namespace is refused: {error}"))?;
        }
    }
    // What is mounted from here on must not appear outside.
    rustix::mount::mount_change("/", MountPropagationFlags::DOWNSTREAM | MountPropagationFlags::REC)
        .map_err(|errno| format!("mounts could not be kept inside: {errno}"))
}

#[expect(unsafe_code, reason = "no other thread runs here, and no descriptors are unshared")]
fn unshare(flags: UnshareFlags) -> Result<(), Errno> {
    // SAFETY: only the sharing of descriptors, which is not asked for, would touch what safe code relies on.
    unsafe { rustix::thread::unshare_unsafe(flags) }
}

fn write(file: &str, text: &str) -> std::io::Result<()> {
    let place = Path::new("/proc/self").join(file);
    std::fs::OpenOptions::new().write(true).open(place)?.write_all(text.as_bytes())
}

/// Directories are named by open descriptors: a path may be long, and hold what the options of a mount mean otherwise.
fn mount(overlay: &Overlay) -> Result<(), String> {
    let mut held: Vec<OwnedFd> = Vec::new();
    // Volatile: else the kernel writes the whole file system to the disk when a command has ended. What was written is
    // moved away then, and what a power cut takes of that a run has in its checkpoints.
    let mut options = String::from("userxattr,index=off,");
    if overlay.upper.is_some() {
        options.push_str("volatile,");
    }
    options.push_str("lowerdir=");
    for (position, place) in overlay.lower.iter().enumerate() {
        let separator = if position == 0 { "" } else { ":" };
        let _ = write!(options, "{separator}{}", open(place, &mut held)?);
    }
    if let Some((upper, work)) = &overlay.upper {
        let (upper, work) = (open(upper, &mut held)?, open(work, &mut held)?);
        let _ = write!(options, ",upperdir={upper},workdir={work}");
    }
    let options = CString::new(options).map_err(|_| "a NUL byte is in a path".to_owned())?;
    let flags = MountFlags::NODEV | MountFlags::NOSUID;
    rustix::mount::mount("overlay", overlay.target.as_path(), "overlay", flags, options.as_c_str())
        .map_err(|errno| format!("an overlay at {} is refused: {errno}", overlay.target.display()))
}

fn open(place: &Path, held: &mut Vec<OwnedFd>) -> Result<String, String> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let descriptor = rustix::fs::open(place, flags, Mode::empty())
        .map_err(|errno| format!("{} cannot be a layer: {errno}", place.display()))?;
    let name = format!("/proc/self/fd/{}", descriptor.as_raw_fd());
    held.push(descriptor);
    Ok(name)
}
