//! What a line is.

/// Splits a text into lines, each with its end. The last line may have none; an empty text has no lines.
pub fn split_lines(text: &str) -> Vec<&str> {
    let mut lines = Vec::with_capacity(text.len() / 24 + 1);
    let mut start = 0;
    if memchr::memchr(b'\r', text.as_bytes()).is_none() {
        for at in memchr::memchr_iter(b'\n', text.as_bytes()) {
            lines.push(&text[start..=at]);
            start = at + 1;
        }
    } else {
        for at in memchr::memchr2_iter(b'\n', b'\r', text.as_bytes()) {
            let pair = text.as_bytes()[at] == b'\r' && text.as_bytes().get(at + 1) == Some(&b'\n');
            if !pair {
                lines.push(&text[start..=at]);
                start = at + 1;
            }
        }
    }
    if start < text.len() {
        lines.push(&text[start..]);
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
