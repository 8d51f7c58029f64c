//! Texts that peers choose, as logs show them.

use std::fmt;

/// Characters that are shown of one text.
const LONGEST: usize = 128;

/// A peer's text for a log: what could move a terminal or begin a line of its own is escaped, and what is long
/// is cut.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shown<'a>(pub(crate) &'a str);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0.chars();
        for char in rest.by_ref().take(LONGEST) {
            match char {
                // Quotes and backslashes do no harm.
                '"' | '\'' | '\\' => write!(f, "{char}")?,
                other => write!(f, "{}", other.escape_debug())?,
            }
        }
        if rest.next().is_some() { f.write_str("…") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_moves_a_terminal_is_escaped() {
        let text = "a\r\nb\x1b[31m\0\u{7}\u{202e}\u{2028}é\"'\\";
        assert_eq!(Shown(text).to_string(), r#"a\r\nb\u{1b}[31m\0\u{7}\u{202e}\u{2028}é"'\"#);
    }

    #[test]
    fn long_texts_are_cut_at_128_characters() {
        assert_eq!(Shown(&"é".repeat(128)).to_string(), "é".repeat(128));
        assert_eq!(Shown(&"é".repeat(129)).to_string(), "é".repeat(128) + "…");
    }
}
