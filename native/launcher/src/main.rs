//! Two programs on the way to a command, before bubblewrap and behind it; each does its part and becomes the next. And
//! one beside a service that runs there.
//!
//! `wainwright-launch FD around [--die-with-parent] [--group DIRECTORY]...
//!  [--overlay TARGET UPPER WORK COUNT LOWER...]... -- BUBBLEWRAP [ARGUMENT]...`
//!
//! enters control groups and a session keyring of its own, mounts the layers of a task, and tells bubblewrap which
//! kernel calls it shall refuse. An overlay whose UPPER is empty is read-only.
//!
//! `wainwright-launch FD inside [--processes N] [--file-bytes N] [--writable PATH]... -- COMMAND [ARGUMENT]...`
//!
//! sets limits, and lets nothing be written but beneath the paths that are named, where the kernel has Landlock.
//!
//! `wainwright-launch FD forward PORT [NAMESPACE]...`
//!
//! enters the namespaces that the files stand for, and carries each connection that comes to the listening socket at
//! standard input to PORT of the loopback there. It writes `ready` to FD, and ends with the process that standard
//! output is a descriptor of.
//!
//! What cannot be done is written to descriptor FD as one line that begins with `wainwright-launch: `, and the exit
//! code is 125; 127 or 126 when a command is not there or may not be started. All other descriptors are passed on.

mod arguments;
#[cfg(target_os = "linux")]
mod calls;
#[cfg(target_os = "linux")]
mod fence;
#[cfg(target_os = "linux")]
mod forward;
#[cfg(target_os = "linux")]
mod layers;
#[cfg(target_os = "linux")]
mod standing;

use std::process::ExitCode;

use arguments::{Arguments, Part, parse};

const FAILED: u8 = 125;

fn main() -> ExitCode {
    let given = std::env::args_os().skip(1).collect();
    let (report, ended) = match parse(given) {
        Ok(Arguments { report, part }) => (report, act(report, &part)),
        Err(unclear) => (unclear.report, Err((FAILED, unclear.reason))),
    };
    let Err((code, failure)) = ended else { return ExitCode::SUCCESS };
    tell(report, &format!("wainwright-launch: {}", failure.replace('\n', " ")));
    ExitCode::from(code)
}

/// Returns only what went wrong, but for what is beside a service.
#[cfg(target_os = "linux")]
fn act(report: u32, part: &Part) -> Result<(), (u8, String)> {
    use std::io::ErrorKind;
    use std::os::unix::process::CommandExt;
    use std::process::Command;

    let failed = |failure| (FAILED, failure);
    let (next, mut program) = match part {
        Part::Forward(asked) => return forward::forward(asked, || tell(report, "ready")).map_err(failed),
        Part::Around(asked, next) => {
            standing::leave(asked).and_then(|()| layers::set_up(asked)).map_err(failed)?;
            let mut program = Command::new(&next.program);
            program.arg("--seccomp").arg(standing::passed_on(calls::filter().map_err(failed)?));
            (next, program)
        }
        Part::Inside(asked, next) => {
            fence::set_up(asked).map_err(failed)?;
            (next, Command::new(&next.program))
        }
    };
    let error = program.args(&next.rest).exec();
    let code = match (part, error.kind()) {
        (Part::Inside(..), ErrorKind::NotFound) => 127,
        (Part::Inside(..), ErrorKind::PermissionDenied) => 126,
        _ => FAILED,
    };
    Err((code, format!("{} could not be started: {error}", next.program.display())))
}

#[cfg(not(target_os = "linux"))]
fn act(_: u32, _: &Part) -> Result<(), (u8, String)> {
    Err((FAILED, "commands are fenced on Linux only".into()))
}

/// A reader who is gone needs no words.
fn tell(report: u32, line: &str) {
    use std::io::Write;

    if let Ok(mut file) = std::fs::OpenOptions::new().write(true).open(format!("/proc/self/fd/{report}")) {
        let _ = writeln!(file, "{line}");
    }
}
