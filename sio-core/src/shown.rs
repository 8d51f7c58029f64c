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

/// A secret for a log: as many of its first characters as tell one from others and are of no use to anybody.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ShownKey<'a>(pub(crate) &'a str);

impl fmt::Display for ShownKey<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        /// Of an id of 120 bits, 84 stay unknown.
        const MOST: usize = 6;
        let chars = (self.0.chars().count() / 3).min(MOST);
        self.0.chars().take(chars).try_for_each(|char| write!(f, "{}", char.escape_debug()))?;
        f.write_str("…")
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

    #[test]
    fn of_a_secret_no_more_than_six_characters_and_a_third_are_shown() {
        assert_eq!(ShownKey("abcdefghijklmnopqrst").to_string(), "abcdef…");
        assert_eq!(ShownKey(&"a".repeat(128)).to_string(), "aaaaaa…");
        assert_eq!(ShownKey("abcdefgh").to_string(), "ab…");
        assert_eq!(ShownKey("ab").to_string(), "…");
        assert_eq!(ShownKey("").to_string(), "…");
    }
}
