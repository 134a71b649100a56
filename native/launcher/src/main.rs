//! Two programs on the way to a command, before bubblewrap and behind it; each does its part and becomes the next. And
//! one beside a service that runs there.
//!
//! `wainwright-launch FD around [--die-with-parent] [--group DIRECTORY]...
//!  [--overlay TARGET UPPER WORK COUNT LOWER...]... -- BUBBLEWRAP [ARGUMENT]...`
//!
//! enters control groups and a session keyring of its own, mounts the layers of a task, and tells bubblewrap which
//! kernel calls it shall refuse. An overlay whose UPPER is empty is read-only.
//!
//! `wainwright-launch FD inside [--processes N] [--file-bytes N] [--descriptors N] [--writable PATH]...
//!  [--door DESCRIPTOR PORT] -- COMMAND [ARGUMENT]...`
//!
//! sets limits, and lets nothing be written but beneath the paths that are named, where the kernel has Landlock. A door is
//! a socket that listens on PORT of the loopback here, sent to the other end of DESCRIPTOR.
//!
//! Where there is no bubblewrap two others stand in its place:
//!
//! `wainwright-launch FD over [--group DIRECTORY]... -- PROGRAM [ARGUMENT]...`
//!
//! sees the program through, ends all that it leaves, and tells its exit code to FD as bubblewrap does; told to end, it
//! ends all of it.
//!
//! `wainwright-launch FD alone [--processes N] [--file-bytes N] [--descriptors N] [--readable PATH]...
//!  [--writable PATH]... -- COMMAND [ARGUMENT]...`
//!
//! gives up all power, and lets nothing be read or written but beneath the paths that are named, and nothing be called
//! that reaches beyond them.
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
mod door;
#[cfg(target_os = "linux")]
mod fence;
#[cfg(target_os = "linux")]
mod forward;
#[cfg(target_os = "linux")]
mod layers;
#[cfg(target_os = "linux")]
mod over;
#[cfg(target_os = "linux")]
mod power;
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
    let (code, failure) = match ended {
        Ok(code) => return ExitCode::from(code),
        Err(failed) => failed,
    };
    tell(report, &format!("wainwright-launch: {}", failure.replace('\n', " ")));
    ExitCode::from(code)
}

/// Returns only what went wrong, but for what is beside a service or over a command.
#[cfg(target_os = "linux")]
fn act(report: u32, part: &Part) -> Result<u8, (u8, String)> {
    use std::io::ErrorKind;
    use std::os::unix::process::CommandExt;
    use std::process::Command;

    let failed = |failure| (FAILED, failure);
    let (next, mut program) = match part {
        Part::Forward(asked) => {
            return forward::forward(asked, || tell(report, "ready")).map(|()| 0).map_err(failed);
        }
        Part::Over(asked, next) => return over::see_through(report, asked, next).map_err(failed),
        Part::Around(asked, next) => {
            standing::leave(&asked.groups).and_then(|()| layers::set_up(asked)).map_err(failed)?;
            let mut program = Command::new(&next.program);
            program.arg("--seccomp").arg(standing::passed_on(calls::filter().map_err(failed)?));
            (next, program)
        }
        Part::Alone(asked, next) => {
            power::give_up()
                .map_err(|error| format!("a capability could not be given up: {error}"))
                .and_then(|()| fence::set_up_alone(asked))
                .and_then(|()| calls::refuse_alone())
                .map_err(failed)?;
            (next, Command::new(&next.program))
        }
        Part::Inside(asked, next) => {
            asked
                .door
                .map_or(Ok(()), |(descriptor, port)| door::hand_out(descriptor, port))
                .map_err(failed)?;
            fence::set_up(asked).map_err(failed)?;
            (next, Command::new(&next.program))
        }
    };
    let error = program.args(&next.rest).exec();
    let code = match (part, error.kind()) {
        (Part::Inside(..) | Part::Alone(..), ErrorKind::NotFound) => 127,
        (Part::Inside(..) | Part::Alone(..), ErrorKind::PermissionDenied) => 126,
        _ => FAILED,
    };
    Err((code, format!("{} could not be started: {error}", next.program.display())))
}

#[cfg(not(target_os = "linux"))]
fn act(_: u32, _: &Part) -> Result<u8, (u8, String)> {
    Err((FAILED, "commands are fenced on Linux only".into()))
}

/// A reader who is gone needs no words.
fn tell(report: u32, line: &str) {
    use std::io::Write;

    if let Ok(mut file) = std::fs::OpenOptions::new().write(true).open(format!("/proc/self/fd/{report}")) {
        let _ = writeln!(file, "{line}");
    }
}
