//! Two programs on the way to a command, before bubblewrap and behind it; each does its part and becomes the next.
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
//! What cannot be done is written to descriptor FD as one line that begins with `wainwright-launch: `, and the exit
//! code is 125; 127 or 126 when a command is not there or may not be started. All other descriptors are passed on.

mod arguments;
#[cfg(target_os = "linux")]
mod calls;
#[cfg(target_os = "linux")]
mod fence;
#[cfg(target_os = "linux")]
mod layers;
#[cfg(target_os = "linux")]
mod standing;

use std::process::ExitCode;

use arguments::{Arguments, parse};

const FAILED: u8 = 125;

fn main() -> ExitCode {
    let given = std::env::args_os().skip(1).collect();
    let (report, (code, failure)) = match parse(given) {
        Ok(arguments) => (arguments.report, become_program(&arguments)),
        Err(unclear) => (unclear.report, (FAILED, unclear.reason)),
    };
    report_failure(report, &failure);
    ExitCode::from(code)
}

/// Returns only what went wrong.
#[cfg(target_os = "linux")]
fn become_program(arguments: &Arguments) -> (u8, String) {
    use std::io::ErrorKind;
    use std::os::unix::process::CommandExt;

    use arguments::Part;

    let mut program = std::process::Command::new(&arguments.program);
    let prepared = match &arguments.part {
        Part::Around(asked) => standing::leave(asked)
            .and_then(|()| layers::set_up(asked))
            .and_then(|()| calls::filter())
            .map(|filter| {
                program.arg("--seccomp").arg(standing::passed_on(filter));
            }),
        Part::Inside(asked) => fence::set_up(asked),
    };
    if let Err(failure) = prepared {
        return (FAILED, failure);
    }
    let error = program.args(&arguments.rest).exec();
    let code = match (&arguments.part, error.kind()) {
        (Part::Inside(_), ErrorKind::NotFound) => 127,
        (Part::Inside(_), ErrorKind::PermissionDenied) => 126,
        _ => FAILED,
    };
    (code, format!("{} could not be started: {error}", arguments.program.display()))
}

#[cfg(not(target_os = "linux"))]
fn become_program(_: &Arguments) -> (u8, String) {
    (FAILED, "commands are fenced on Linux only".into())
}

/// A reader who is gone needs no words.
fn report_failure(report: u32, failure: &str) {
    use std::io::Write;

    let line = format!("wainwright-launch: {}\n", failure.replace('\n', " "));
    if let Ok(mut file) = std::fs::OpenOptions::new().write(true).open(format!("/proc/self/fd/{report}")) {
        let _ = file.write_all(line.as_bytes());
    }
}
