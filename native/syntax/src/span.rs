//! Where nodes are.

use std::ops::Range;

use tree_sitter::Node;

/// A run of text and the rows it stands in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    pub start: u32,
    pub end: u32,
    pub first_row: u32,
    pub last_row: u32,
}

/// Where a node is; a node that ends with its line's break ends in that line.
pub(crate) fn span(node: Node) -> Span {
    let (start, end) = (node.start_position(), node.end_position());
    let row = |row: usize| u32::try_from(row).unwrap_or(u32::MAX);
    let ends_at_line_start = end.column == 0 && end.row > start.row;
    let bytes = to_range(node.byte_range());
    Span {
        start: bytes.start,
        end: bytes.end,
        first_row: row(start.row),
        last_row: row(end.row - usize::from(ends_at_line_start)),
    }
}

/// The same in 32 bits.
pub(crate) fn to_range(range: Range<usize>) -> Range<u32> {
    let at = |offset| u32::try_from(offset).unwrap_or(u32::MAX);
    at(range.start)..at(range.end)
}
