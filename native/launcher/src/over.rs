//! Sees a command through where no namespace does: whatever it leaves behind is ended, wherever that went.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{Error, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, FromRawFd};
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus};
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitOptions};

use crate::arguments::{Next, Over};
use crate::{layers, standing};

const A_MOMENT: Duration = Duration::from_millis(1);

/// Runs a command to its end, or until this process is told to end; tells its exit code to `report`, as bubblewrap does.
pub fn see_through(report: u32, asked: &Over, next: &Next) -> Result<u8, String> {
    let parent = rustix::process::getppid();
    let report = kept(report).map_err(|error| format!("there is nobody to report to: {error}"))?;
    standing::leave(&asked.groups)?;
    rustix::process::set_child_subreaper(Some(rustix::process::getpid()))
        .map_err(|errno| format!("what a command leaves could not be found: {errno}"))?;
    let signals = blocked().map_err(|error| format!("signals cannot be waited for: {error}"))?;
    layers::die_with(parent, Signal::TERM)?;
    let child = Command::new(&next.program).args(&next.rest).spawn();
    let child = child.map_err(|error| format!("{} could not be started: {error}", next.program.display()))?;
    let ended = wait(&signals, Pid::from_child(&child));
    end_all();
    Ok(match ended {
        Some(status) => told(report, status),
        None => 0,
    })
}

/// The descriptor for the report, which no command shall have.
#[expect(unsafe_code, reason = "a descriptor by its number is only known to whoever passed it on")]
fn kept(report: u32) -> Result<File, Error> {
    let number = i32::try_from(report).map_err(Error::other)?;
    // SAFETY: it was passed on for this, and what tells of failures opens it by its name.
    let report = unsafe { File::from_raw_fd(number) };
    rustix::io::fcntl_setfd(report.as_fd(), rustix::io::FdFlags::CLOEXEC)?;
    Ok(report)
}

/// Has the signals wait that this process lives by; the standard library undoes that for a child.
#[expect(unsafe_code, reason = "no wrapper knows sets of signals")]
fn blocked() -> Result<libc::sigset_t, Error> {
    let mut set = MaybeUninit::uninit();
    // SAFETY: the set is made by the first call, and no other thread runs here.
    let (set, done) = unsafe {
        libc::sigemptyset(set.as_mut_ptr());
        libc::sigaddset(set.as_mut_ptr(), libc::SIGCHLD);
        libc::sigaddset(set.as_mut_ptr(), libc::SIGTERM);
        (set.assume_init(), libc::pthread_sigmask(libc::SIG_BLOCK, set.as_ptr(), std::ptr::null_mut()))
    };
    if done == 0 { Ok(set) } else { Err(Error::from_raw_os_error(done)) }
}

/// How the command ended; `None` when this process was told to end first.
fn wait(signals: &libc::sigset_t, command: Pid) -> Option<ExitStatus> {
    loop {
        if next_signal(signals) == libc::SIGTERM {
            return None;
        }
        while let Ok(Some((pid, status))) = rustix::process::wait(WaitOptions::NOHANG) {
            if pid == command {
                return Some(ExitStatus::from_raw(status.as_raw()));
            }
        }
    }
}

#[expect(unsafe_code, reason = "no wrapper knows sets of signals")]
fn next_signal(signals: &libc::sigset_t) -> libc::c_int {
    // SAFETY: the set is read, and nothing is asked to be written.
    unsafe { libc::sigwaitinfo(signals, std::ptr::null_mut()) }
}

/// Ends all that began here. An orphan's parent is this process, so that it is found.
fn end_all() {
    loop {
        for pid in descendants() {
            let _ = rustix::process::kill_process(pid, Signal::KILL);
        }
        if all_gone() {
            return;
        }
        std::thread::sleep(A_MOMENT);
    }
}

/// Takes leave of those that have ended, and tells whether there are no others.
fn all_gone() -> bool {
    loop {
        match rustix::process::wait(WaitOptions::NOHANG) {
            Ok(Some(_)) | Err(Errno::INTR) => {}
            Ok(None) => return false,
            Err(_) => return true,
        }
    }
}

fn descendants() -> Vec<Pid> {
    let mut found = Vec::new();
    let mut waiting = VecDeque::from([rustix::process::getpid()]);
    while let Some(parent) = waiting.pop_front() {
        let tasks =
            std::fs::read_dir(format!("/proc/{}/task", parent.as_raw_pid())).into_iter().flatten().flatten();
        for task in tasks {
            let children = std::fs::read_to_string(task.path().join("children")).unwrap_or_default();
            let children = children.split_whitespace().filter_map(|pid| Pid::from_raw(pid.parse().ok()?));
            for child in children {
                found.push(child);
                waiting.push_back(child);
            }
        }
    }
    found
}

/// Tells how a command ended, and gives the code for this process to end with.
fn told(mut report: File, status: ExitStatus) -> u8 {
    let signalled = status.signal().map(|signal| 128 + signal);
    let code = u8::try_from(status.code().or(signalled).unwrap_or_default()).unwrap_or(u8::MAX);
    // A reader who is gone needs no words.
    let _ = writeln!(report, "{{ \"exit-code\": {code} }}");
    code
}
