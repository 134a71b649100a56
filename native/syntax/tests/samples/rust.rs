//! A crate.

use std::collections::{HashMap, hash_map::Entry};
use crate::{self as root, parts::*};
pub use super::Engine;
mod gears;

/// The most there can be.
pub const MAX: usize = 3;

/// Counts.
#[derive(Debug)]
#[must_use]
pub struct Counter<T> {
    seen: HashMap<T, u32>,
}

impl<T: Eq> Counter<T> {
    /// Adds one.
    pub fn add(&mut self, value: T) -> u32 {
        const STEP: u32 = 1;
        let bump = |n: u32| n + STEP;
        assert_eq!(helper(value), self.seen.len());
        Self::check::<T>(bump(1));
        other::call();
    }
}

impl fmt::Display for parts::Wheel<'_> {
    fn fmt(&self) -> fmt::Result { write!(f, "{}", self.size()) }
}

trait Turn {
    fn turn(&self) -> Angle;
    fn back(&self) { self.turn(); }
}

enum Side { Left, Right }

type Pair = (Side, Side);

macro_rules! twice {
    ($e:expr) => { $e; $e };
}

pub(crate) mod inner {
    pub fn deep() {}
}

#[cfg(test)]
mod tests {
    #[test]
    fn works() {}
}
