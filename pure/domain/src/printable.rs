//! What may text from outside do in a log line or in the text of an error? Be read, and nothing else: not end the line, so that what
//! follows looks like another one, not move a terminal's cursor, not turn the direction of reading, not fill the disk.

use std::borrow::Cow;

/// How much of one text is shown, in characters.
pub const LONGEST: usize = 500;

/// The text with what cannot be seen written as `\n`, `\u{1b}` and the like, and cut after [`LONGEST`] characters.
pub fn printable(text: &str) -> Cow<'_, str> {
    if text.len() <= LONGEST && text.bytes().all(is_plain) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len().min(2 * LONGEST));
    let mut rest = text.chars();
    rest.by_ref().take(LONGEST).for_each(|c| show(c, &mut out));
    if rest.next().is_some() {
        out.push('…');
    }
    Cow::Owned(out)
}

/// The message of an error and those of its causes, each as [`printable`] has it: a log line has one reader, and he needs all of it.
pub fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = printable(&error.to_string()).into_owned();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&printable(&cause.to_string()));
        next = cause.source();
    }
    text
}

/// Printable ASCII.
pub fn is_plain(byte: u8) -> bool {
    (b' '..=b'~').contains(&byte)
}

/// Whether a character is one to be seen, a letter of any script among them.
pub fn is_seen(c: char) -> bool {
    matches!(c, '"' | '\'' | '\\') || c.escape_debug().nth(1).is_none()
}

fn show(c: char, out: &mut String) {
    if is_seen(c) { out.push(c) } else { out.extend(c.escape_debug()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_seen_stays_and_what_is_not_is_written_out() {
        for (text, shown) in [
            ("", ""),
            ("plain {\"json\": 'C:\\x'}", "plain {\"json\": 'C:\\x'}"),
            ("Grüße 你好 🙂", "Grüße 你好 🙂"),
            ("a\nb\r\nc\td\0", "a\\nb\\r\\nc\\td\\0"),
            ("\u{1b}[2J\u{7f}", "\\u{1b}[2J\\u{7f}"),
            // C1 control characters, which some terminals take for ESC sequences, and NEL, which some take for a line end.
            ("\u{9b}31m\u{85}", "\\u{9b}31m\\u{85}"),
            ("\u{2028}\u{2029}", "\\u{2028}\\u{2029}"),
            ("\u{202e}abc\u{202c}\u{2066}\u{2069}\u{200f}\u{61c}", "\\u{202e}abc\\u{202c}\\u{2066}\\u{2069}\\u{200f}\\u{61c}"),
            ("\u{200b}\u{feff}\u{e0041}", "\\u{200b}\\u{feff}\\u{e0041}"),
        ] {
            assert_eq!(printable(text), shown);
            assert_eq!(printable(shown), shown);
        }
    }

    #[test]
    fn it_is_cut() {
        for c in ["x", "ü", "\n"] {
            let shown = printable(c).into_owned();
            assert_eq!(printable(&c.repeat(LONGEST)), shown.repeat(LONGEST));
            assert_eq!(printable(&c.repeat(LONGEST + 1)), format!("{}…", shown.repeat(LONGEST)));
            assert_eq!(printable(&c.repeat(1_000_000)), format!("{}…", shown.repeat(LONGEST)));
        }
    }

    #[test]
    fn each_cause_is_shown_and_none_hides_the_others() {
        #[derive(Debug, thiserror::Error)]
        #[error("{0}")]
        struct Outer(String, #[source] std::io::Error);
        let error = Outer("a\n".repeat(1_000), std::io::Error::other("b\u{1b}"));
        assert_eq!(with_causes(&error), format!("{}…: b\\u{{1b}}", "a\\n".repeat(250)));
    }
}
