//! One port of a network namespace, reached from outside.
//!
//! A socket belongs to the namespace that it was made in, and what it accepts does too, wherever its process goes
//! afterwards: with a listening socket of outside this process enters the namespace, and all it connects is inside.

use std::io::{Error, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::SeqCst;
use std::thread;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::process::{Resource, Rlimit};

use crate::arguments::Forward;
use crate::power;

/// Connections at a time; whoever comes then waits where the kernel keeps those that nobody has taken yet.
const CONNECTIONS_MAX: usize = 500;
/// Two sockets a connection, and what the process has anyway.
const DESCRIPTORS: u64 = 2 * CONNECTIONS_MAX as u64 + 24;
const BYTES_AT_ONCE: usize = 64 * 1024;
const STACK_BYTES: usize = 128 * 1024;
const A_MOMENT: Duration = Duration::from_millis(20);

/// What standard input and output are used for.
struct Given {
    listener: TcpListener,
    /// Can be read when the process whose port it is has ended.
    end: OwnedFd,
}

/// Carries connections until the process has ended that standard output stands for; `ready` is called when the first
/// can come.
pub fn forward(asked: &Forward, ready: impl FnOnce()) -> Result<(), String> {
    let given = given().map_err(|error| format!("a descriptor is missing: {error}"))?;
    for namespace in &asked.namespaces {
        enter(namespace).map_err(|error| format!("a namespace cannot be entered: {error}"))?;
    }
    give_up_power().map_err(|error| format!("a capability could not be given up: {error}"))?;
    ready();
    carry_all(&given, asked.port).map_err(|error| format!("nothing is forwarded any more: {error}"))
}

fn given() -> Result<Given, Error> {
    let listener = TcpListener::from(rustix::stdio::stdin().try_clone_to_owned()?);
    listener.set_nonblocking(true)?;
    Ok(Given { listener, end: rustix::stdio::stdout().try_clone_to_owned()? })
}

fn enter(namespace: &Path) -> Result<(), Error> {
    let there = std::fs::File::open(namespace)?;
    Ok(rustix::thread::move_into_link_name_space(there.as_fd(), None)?)
}

/// Whoever enters a user namespace may do everything in it.
fn give_up_power() -> Result<(), Error> {
    power::give_up()?;
    let allowed = rustix::process::getrlimit(Resource::Nofile).maximum;
    let most = allowed.map_or(DESCRIPTORS, |allowed| allowed.min(DESCRIPTORS));
    Ok(rustix::process::setrlimit(Resource::Nofile, Rlimit { current: Some(most), maximum: Some(most) })?)
}

fn carry_all(given: &Given, port: u16) -> Result<(), Error> {
    let under_way = Arc::new(());
    loop {
        let full = Arc::strong_count(&under_way) > CONNECTIONS_MAX;
        if wait(given, full)? {
            return Ok(());
        }
        if full {
            continue;
        }
        match given.listener.accept() {
            Ok((outside, _)) => {
                let counted = Arc::clone(&under_way);
                // Without room for a thread the connection ends here.
                let _ = in_thread(move || {
                    carry(&outside, port);
                    drop(counted);
                });
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            // A connection that was given up meanwhile, or no room for another.
            Err(_) => thread::sleep(A_MOMENT),
        }
    }
}

/// Waits for a connection, or for an end of some; tells whether the process has ended.
fn wait(given: &Given, full: bool) -> Result<bool, Error> {
    let mut watched = [PollFd::new(&given.end, PollFlags::IN), PollFd::new(&given.listener, PollFlags::IN)];
    let moment = Timespec::try_from(A_MOMENT).ok().filter(|_| full);
    let looked_at = if full { 1 } else { 2 };
    match rustix::event::poll(&mut watched[..looked_at], moment.as_ref()) {
        Ok(_) | Err(rustix::io::Errno::INTR) => Ok(!watched[0].revents().is_empty()),
        Err(errno) => Err(errno.into()),
    }
}

fn in_thread(work: impl FnOnce() + Send + 'static) -> Result<thread::JoinHandle<()>, Error> {
    thread::Builder::new().stack_size(STACK_BYTES).spawn(work)
}

/// Sees one connection through. Where nobody listens inside, it is refused as well as it still can be.
fn carry(outside: &TcpStream, port: u16) {
    let inside: [SocketAddr; 2] = [(Ipv4Addr::LOCALHOST, port).into(), (Ipv6Addr::LOCALHOST, port).into()];
    let Ok(inside) = TcpStream::connect(&inside[..]) else { return abort(outside) };
    // Whoever writes small pieces has a reason.
    let _ = (outside.set_nodelay(true), inside.set_nodelay(true));
    let (Ok(from), Ok(to)) = (outside.try_clone(), inside.try_clone()) else { return abort(outside) };
    let broken = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&broken);
    let Ok(there) = in_thread(move || carry_one_way(&from, &to, &seen)) else { return abort(outside) };
    carry_one_way(&inside, outside, &broken);
    let _ = there.join();
}

/// An end of one side is told to the other, which may go on speaking; what breaks on one side breaks on both.
fn carry_one_way(from: &TcpStream, to: &TcpStream, broken: &AtomicBool) {
    let copied = copy(from, to);
    if broken.load(SeqCst) {
        return;
    }
    if copied.and_then(|()| to.shutdown(Shutdown::Write)).is_err() && !broken.swap(true, SeqCst) {
        abort(from);
        abort(to);
        // Whoever carries the other way waits for one or the other.
        let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Read));
    }
}

fn copy(mut from: &TcpStream, mut to: &TcpStream) -> Result<(), Error> {
    let mut bytes = vec![0; BYTES_AT_ONCE];
    loop {
        match from.read(&mut bytes) {
            Ok(0) => return Ok(()),
            Ok(count) => to.write_all(&bytes[..count])?,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Its end will be told as a break and not as the end of what was said.
fn abort(stream: &TcpStream) {
    let _ = rustix::net::sockopt::set_socket_linger(stream, Some(Duration::ZERO));
}
