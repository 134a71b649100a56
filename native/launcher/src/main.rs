//! Mounts the layers of a task, then becomes the program that is named: bubblewrap, which shows what is mounted here.
//!
//! `wainwright-launch FD [--die-with-parent] [--overlay TARGET UPPER WORK COUNT LOWER...]... -- PROGRAM [ARGUMENT]...`
//!
//! What cannot be done is written to descriptor FD as one line that begins with `wainwright-launch: `, and the exit
//! code is 125. FD and all other descriptors are passed on. An overlay whose UPPER is empty is read-only.

mod arguments;
#[cfg(target_os = "linux")]
mod layers;

use std::process::ExitCode;

use arguments::{Arguments, parse};

const FAILED: u8 = 125;

fn main() -> ExitCode {
    let given = std::env::args_os().skip(1).collect();
    let (report, failure) = match parse(given) {
        Ok(arguments) => (arguments.report, become_program(&arguments)),
        Err(unclear) => (unclear.report, unclear.reason),
    };
    report_failure(report, &failure);
    ExitCode::from(FAILED)
}

/// Returns only what went wrong.
#[cfg(target_os = "linux")]
fn become_program(arguments: &Arguments) -> String {
    use std::os::unix::process::CommandExt;

    if let Err(failure) = layers::set_up(arguments) {
        return failure;
    }
    let error = std::process::Command::new(&arguments.program).args(&arguments.rest).exec();
    format!("{} could not be started: {error}", arguments.program.display())
}

#[cfg(not(target_os = "linux"))]
fn become_program(_: &Arguments) -> String {
    "layers are mounted on Linux only".into()
}

/// A reader who is gone needs no words.
fn report_failure(report: u32, failure: &str) {
    use std::io::Write;

    let line = format!("wainwright-launch: {}\n", failure.replace('\n', " "));
    if let Ok(mut file) = std::fs::OpenOptions::new().write(true).open(format!("/proc/self/fd/{report}")) {
        let _ = file.write_all(line.as_bytes());
    }
}
