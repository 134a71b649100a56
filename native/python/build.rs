//! Builds the launcher, which the extension module carries: a wheel and an editable install bring the same program.

#![expect(
    clippy::disallowed_methods,
    reason = "a build script is told by variables, and writes where cargo says"
)]

use std::path::PathBuf;
use std::process::Command;
use std::{env, fs};

fn main() {
    let launcher = "../launcher";
    println!("cargo:rerun-if-changed=../../Cargo.lock");
    for part in ["Cargo.toml", "src"] {
        println!("cargo:rerun-if-changed={launcher}/{part}");
    }
    let built = PathBuf::from(value("OUT_DIR")).join("wainwright-launch");
    let program = if value("CARGO_CFG_TARGET_OS") == "linux" { build(launcher) } else { Vec::new() };
    fs::write(built, program).expect("the output directory can be written");
}

/// With the C library in it, where that is at hand: it is started twice for each command, and needs no loader then.
fn build(launcher: &str) -> Vec<u8> {
    built(launcher, "-Ctarget-feature=+crt-static")
        .or_else(|| built(launcher, ""))
        .expect("the launcher could not be built")
}

/// In a target directory of its own: the outer one is locked while this runs.
fn built(launcher: &str, flags: &str) -> Option<Vec<u8>> {
    let target = value("TARGET");
    let place = PathBuf::from(value("OUT_DIR")).join("launcher");
    let status = Command::new(value("CARGO"))
        .args(["build", "--release", "--quiet", "--target", &target])
        .args(["--manifest-path", &format!("{launcher}/Cargo.toml")])
        .arg("--target-dir")
        .arg(&place)
        // Set for the outer build: a checker instead of the compiler, and flags that are the outer crate's own.
        .env_remove("RUSTC_WORKSPACE_WRAPPER")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .env("RUSTFLAGS", flags)
        .status()
        .expect("cargo can be started");
    let program = place.join(&target).join("release").join("wainwright-launch");
    status.success().then(|| fs::read(program).expect("the launcher is where cargo puts it"))
}

fn value(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| panic!("cargo sets {name}"))
}
