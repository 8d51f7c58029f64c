//! Strings of JSON, as far as they need no escapes.

/// Bytes looked at in one step.
const STEP: usize = 16;

/// A quotation mark, a backslash or a control character, as 1.
#[inline]
const fn needs_escape(byte: u8) -> u8 {
    (byte == b'"') as u8 | (byte == b'\\') as u8 | (byte < b' ') as u8
}

/// How many bytes at the front of `text` stand for themselves in a JSON string.
///
/// What is behind them is a character of its own: `text` may be cut there.
#[inline]
pub(super) fn plain_len(text: &str) -> usize {
    let (steps, tail) = text.as_bytes().as_chunks::<STEP>();
    let mut len = 0;
    for step in steps {
        // Without a branch per byte, so that the compiler looks at all of them at once.
        let mut found = 0;
        for byte in step {
            found |= needs_escape(*byte);
        }
        if found != 0 {
            return len + plain_bytes(step);
        }
        len += STEP;
    }
    len + plain_bytes(tail)
}

#[inline]
fn plain_bytes(bytes: &[u8]) -> usize {
    bytes.iter().position(|byte| needs_escape(*byte) != 0).unwrap_or(bytes.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_byte_that_needs_an_escape_is_found_wherever_it_stands() {
        for stop in ["\"", "\\", "\n", "\u{1f}", "\0"] {
            for before in 0..40 {
                let text = format!("{}{stop}{}", "x".repeat(before), "y\"".repeat(20));
                assert_eq!(plain_len(&text), before, "{stop:?}");
            }
        }
    }

    #[test]
    fn other_characters_stand_for_themselves() {
        for text in ["", "a", "\u{7f}", "ä€\u{10ffff}", "0123456789abcdef0123456789abcdefä"] {
            assert_eq!(plain_len(text), text.len(), "{text:?}");
        }
    }
}
