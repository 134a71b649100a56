//! What a process could do that others cannot.

use std::io::Error;

use rustix::io::Errno;
use rustix::thread::{CapabilitySet, CapabilitySets};

/// Gives up every capability, and any way to get one: of those that cannot be had no child has one either.
pub fn give_up() -> Result<(), Error> {
    let none = CapabilitySet::empty();
    rustix::thread::set_no_new_privs(true)?;
    for one in CapabilitySet::all().iter() {
        match rustix::thread::remove_capability_from_bounding_set(one) {
            // Whoever may not take it from there has none that a program could get back; an older kernel knows fewer.
            Ok(()) | Err(Errno::PERM | Errno::INVAL) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
    rustix::thread::set_capabilities(
        None,
        CapabilitySets { effective: none, permitted: none, inheritable: none },
    )?;
    Ok(())
}
