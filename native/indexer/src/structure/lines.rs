//! From places in a text to lines.

/// Tells the lines of places that come in order.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    at: usize,
    ends: u32,
}

impl Lines {
    /// The line of a place, from 1.
    pub(crate) fn line(&mut self, text: &[u8], place: u32) -> u32 {
        let place = (place as usize).min(text.len());
        if place > self.at {
            let between = memchr::memchr_iter(b'\n', &text[self.at..place]).count();
            self.ends += u32::try_from(between).unwrap_or(u32::MAX);
            self.at = place;
        }
        self.ends + 1
    }
}
