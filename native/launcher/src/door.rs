//! A port of the network that a command has for itself, handed to whoever watches over that command.
//!
//! A socket belongs to the network it was made in, whoever holds it: what is accepted outside comes from inside.

use std::io::{Error, IoSlice};
use std::mem::MaybeUninit;
use std::net::{Ipv4Addr, TcpListener};
use std::os::fd::{AsFd, FromRawFd, OwnedFd};

use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};

/// Listens on a port of the loopback here, and sends the socket to the other end of a descriptor, which ends with it.
pub fn hand_out(descriptor: u32, port: u16) -> Result<(), String> {
    handed_out(descriptor, port)
        .map_err(|error| format!("the port of the proxy could not be opened: {error}"))
}

fn handed_out(descriptor: u32, port: u16) -> Result<(), Error> {
    let outside = given(descriptor)?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
    let mut room = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut with = SendAncillaryBuffer::new(&mut room);
    let sockets = [listener.as_fd()];
    with.push(SendAncillaryMessage::ScmRights(&sockets));
    sendmsg(&outside, &[IoSlice::new(b"x")], &mut with, SendFlags::empty())?;
    Ok(())
}

#[expect(unsafe_code, reason = "a descriptor by its number is only known to whoever passed it on")]
fn given(descriptor: u32) -> Result<OwnedFd, Error> {
    let number = i32::try_from(descriptor).map_err(Error::other)?;
    // SAFETY: it was passed on for this, and nothing else here has it.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}
