//! From text to tree to outline, within limits.

use std::cell::{Cell, RefCell};
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use tree_sitter::{ParseOptions, ParseState, Parser, Point, Range, Tree};

use crate::outline::Outline;
use crate::rules::Rules;
use crate::{Language, walk};

/// What one text may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The longest text that is parsed, in bytes.
    pub max_bytes: usize,
    /// The longest time that parsing may take, of the processor where the platform tells it: how busy the machine is makes no
    /// difference to what is found.
    pub max_time: Duration,
}

impl Default for Limits {
    /// 4 MiB and two seconds.
    fn default() -> Self {
        Self { max_bytes: 4 << 20, max_time: Duration::from_secs(2) }
    }
}

/// How much of a text the parser gets at a time, in bytes.
const PIECE: usize = 4096;

thread_local! {
    static PARSER: RefCell<Parser> = RefCell::new(Parser::new());
}

/// Tells when the time is over.
struct Clock {
    began: Instant,
    #[cfg(unix)]
    busy: Duration,
    max: Duration,
}

impl Clock {
    fn start(max: Duration) -> Self {
        Self {
            began: Instant::now(),
            #[cfg(unix)]
            busy: processor_time(),
            max,
        }
    }

    fn is_late(&self) -> bool {
        // The processor's clock takes a system call, and is never ahead of the other.
        let late = self.began.elapsed() >= self.max;
        #[cfg(unix)]
        let late = late && processor_time().saturating_sub(self.busy) >= self.max;
        late
    }
}

/// What this thread has had of the processor.
#[cfg(unix)]
fn processor_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    let (seconds, nanos) = (u64::try_from(time.tv_sec), u64::try_from(time.tv_nsec));
    Duration::from_secs(seconds.unwrap_or(0)) + Duration::from_nanos(nanos.unwrap_or(0))
}

/// Reads the outline of a text.
///
/// Text that is not UTF-8 is read as far as it can be. Where a limit is reached the outline is empty and `truncated`.
#[must_use]
pub fn outline(language: Language, text: &[u8], limits: &Limits) -> Outline {
    match parse(language, text, None, limits) {
        Some(tree) => read(language, text, &tree),
        None => Outline { truncated: true, ..Outline::default() },
    }
}

/// How many nodes of the text's tree are errors or stand for something missing; 0 where the default limits are reached.
#[must_use]
pub fn syntax_errors(language: Language, text: &[u8]) -> u32 {
    parse(language, text, None, &Limits::default()).map_or(0, |tree| errors(&tree))
}

/// Where strings stand that span several lines, in order, but those with code within; none where the default limits are
/// reached.
#[must_use]
pub fn long_strings(language: Language, text: &[u8]) -> Vec<std::ops::Range<u32>> {
    let Some(tree) = parse(language, text, None, &Limits::default()) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    let mut cursor = tree.walk();
    loop {
        let node = cursor.node();
        let long = node.start_position().row < node.end_position().row;
        let one = (node.kind().contains("string") || node.kind().starts_with("heredoc"))
            && !matches!(node.kind(), "concatenated_string" | "chained_string" | "string_array");
        if long && one && !holds_code(node) {
            let place = |byte: usize| u32::try_from(byte).unwrap_or(u32::MAX);
            found.push(place(node.start_byte())..place(node.end_byte()));
        } else if long && cursor.goto_first_child() {
            continue;
        }
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                return found;
            }
        }
    }
}

fn holds_code(string: tree_sitter::Node) -> bool {
    let code = |child: tree_sitter::Node| {
        let kind = child.kind().contains("substitution") || child.kind().contains("interpolation");
        kind && child.start_position().row < child.end_position().row
    };
    (0..string.child_count()).any(|at| u32::try_from(at).is_ok_and(|at| string.child(at).is_some_and(code)))
}

pub(crate) fn read(language: Language, text: &[u8], tree: &Tree) -> Outline {
    let mut outline = walk::walk(Rules::of(language), text, tree);
    outline.errors = errors(tree);
    outline
}

/// Parses a text, with what can be kept of an older tree that was told of the edits since; `None` beyond the limits.
pub(crate) fn parse(language: Language, text: &[u8], old: Option<&Tree>, limits: &Limits) -> Option<Tree> {
    if text.len() > limits.max_bytes.min(u32::MAX as usize) {
        return None;
    }
    let regions = if language == Language::Vue { scripts(text) } else { Vec::new() };
    PARSER.with_borrow_mut(|parser| {
        parser.set_language(&Rules::of(language).grammar).ok()?;
        parser.set_included_ranges(&regions).ok()?;
        let clock = Clock::start(limits.max_time);
        let mut watch =
            |_: &ParseState| if clock.is_late() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) };
        let options = ParseOptions::new().progress_callback(&mut watch);
        // The parser asks for progress between tokens only. One token can take a scan of the whole text for each byte of it
        // (a comment that never ends, tried again at every place), so the text is handed over in pieces, and ends where time does.
        let late = Cell::new(false);
        let mut piece = |at: usize, _| {
            if at >= PIECE && clock.is_late() {
                late.set(true);
            }
            let end = if late.get() { at } else { text.len().min(at.saturating_add(PIECE)) };
            text.get(at..end).unwrap_or_default()
        };
        let tree = parser.parse_with_options(&mut piece, old, Some(options));
        if tree.is_none() {
            parser.reset();
        }
        tree.filter(|_| !late.get())
    })
}

pub(crate) fn errors(tree: &Tree) -> u32 {
    let mut count = 0;
    let mut cursor = tree.walk();
    loop {
        let node = cursor.node();
        count += u32::from(node.is_error() || node.is_missing());
        if node.has_error() && cursor.goto_first_child() {
            continue;
        }
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                return count;
            }
        }
    }
}

/// The insides of the script elements of a component file; where there are none, an empty region at the end, so that nothing
/// is read as a script.
fn scripts(text: &[u8]) -> Vec<Range> {
    let mut found = Vec::new();
    let mut at = 0;
    let mut point = Point::new(0, 0);
    while let Some(open) = find(text, at, b"<script") {
        let Some(start) = text[open..].iter().position(|&byte| byte == b'>').map(|length| open + length + 1)
        else {
            break;
        };
        let end = find(text, start, b"</script").unwrap_or(text.len());
        let start_point = advance(point, &text[at..start]);
        let end_point = advance(start_point, &text[start..end]);
        found.push(Range { start_byte: start, end_byte: end, start_point, end_point });
        (at, point) = (end, end_point);
    }
    if found.is_empty() {
        let end_point = advance(point, &text[at..]);
        found.push(Range { start_byte: text.len(), end_byte: text.len(), start_point: end_point, end_point });
    }
    found
}

fn find(text: &[u8], from: usize, what: &[u8]) -> Option<usize> {
    text.get(from..)?.windows(what.len()).position(|window| window == what).map(|offset| from + offset)
}

/// Where a position is after some text.
pub(crate) fn advance(from: Point, text: &[u8]) -> Point {
    match text.iter().rposition(|&byte| byte == b'\n') {
        #[expect(clippy::naive_bytecount, reason = "short texts; a crate for it would not be worth it")]
        Some(last) => {
            Point::new(from.row + text.iter().filter(|&&byte| byte == b'\n').count(), text.len() - last - 1)
        }
        None => Point::new(from.row, from.column + text.len()),
    }
}
