//! What a line is.

/// Splits a text into lines, each with its end. The last line may have none; an empty text has no lines.
pub fn split_lines(text: &str) -> Vec<&str> {
    let mut lines = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(['\n', '\r']) {
        let end = at + if rest[at..].starts_with("\r\n") { 2 } else { 1 };
        let (line, tail) = rest.split_at(end);
        lines.push(line);
        rest = tail;
    }
    if !rest.is_empty() {
        lines.push(rest);
    }
    lines
}

/// Splits one line into its text and its end.
pub fn split_end(line: &str) -> (&str, &str) {
    let text = line.strip_suffix("\r\n").or_else(|| line.strip_suffix(['\n', '\r'])).unwrap_or(line);
    (text, &line[text.len()..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_ends_only_where_the_protocol_says() {
        let text = "a\r\nb\rc\n\u{c}d\u{2028}e\u{85}\n\n\rf";
        let lines = split_lines(text);
        let expected = ["a\r\n", "b\r", "c\n", "\u{c}d\u{2028}e\u{85}\n", "\n", "\r", "f"];
        assert_eq!(lines, expected);
        assert_eq!(lines.concat(), text);
        assert!(split_lines("").is_empty());
    }

    #[test]
    fn an_end_is_split_off_once() {
        assert_eq!(split_end("a\r\n"), ("a", "\r\n"));
        assert_eq!(split_end("a\r"), ("a", "\r"));
        assert_eq!(split_end("\n"), ("", "\n"));
        assert_eq!(split_end("a "), ("a ", ""));
    }
}
