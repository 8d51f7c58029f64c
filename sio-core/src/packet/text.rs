//! Strings of JSON: how far one goes without escapes, and how one is written.
//!
//! Strings are most of what large packets are made of, so they are taken in steps of many bytes.

use std::io::{self, Write};

use memchr::memchr2;

/// Bytes looked at in one step where nothing is found.
const STEP: usize = 64;
/// Bytes looked at in smaller steps before.
const SHORT: usize = 16;

/// A string cannot hold the byte as it is.
#[inline]
const fn is_special(byte: u8) -> bool {
    byte < b' ' || byte == b'"' || byte == b'\\'
}

/// How many bytes at the front of `text` stand for themselves in a JSON string: those before the first quotation
/// mark, backslash or control character.
///
/// What is behind them is a character of its own: `text` may be cut there.
#[inline]
pub(super) fn plain_len(text: &str) -> usize {
    plain_bytes(text.as_bytes())
}

/// As [`plain_len`], of what is expected to end soon, whatever follows it.
#[inline]
pub(super) fn short_plain_len(text: &str) -> usize {
    plain_words(text.as_bytes(), 0)
}

#[inline]
fn plain_bytes(text: &[u8]) -> usize {
    // Most strings are keys and names, and end within a few bytes.
    let (words, _) = text.as_chunks::<8>();
    let mut taken = 0;
    for word in words.iter().take(SHORT / 8) {
        let found = special_bytes(u64::from_le_bytes(*word));
        if found != 0 {
            return taken + found.trailing_zeros() as usize / 8;
        }
        taken += 8;
    }
    let behind = text.get(taken..).unwrap_or_default();
    for step in behind.as_chunks::<STEP>().0 {
        // Without a way out in between the compiler uses vector instructions.
        if step.iter().fold(false, |found, byte| found | is_special(*byte)) {
            break;
        }
        taken += STEP;
    }
    plain_words(text, taken)
}

/// Goes on where `taken` bytes are known to be plain.
#[inline]
fn plain_words(text: &[u8], mut taken: usize) -> usize {
    let (words, rest) = text.get(taken..).unwrap_or_default().as_chunks::<8>();
    for word in words {
        let found = special_bytes(u64::from_le_bytes(*word));
        if found != 0 {
            return taken + found.trailing_zeros() as usize / 8;
        }
        taken += 8;
    }
    taken + rest.iter().position(|byte| is_special(*byte)).unwrap_or(rest.len())
}

/// The top bit of each special byte of `word`; bits above the first of them mean nothing.
#[inline]
const fn special_bytes(word: u64) -> u64 {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    let quote = word ^ (ONES * b'"' as u64);
    let backslash = word ^ (ONES * b'\\' as u64);
    // A subtraction borrows from a byte only if that one is smaller, and from the next above only then.
    let control = word.wrapping_sub(ONES * b' ' as u64) & !word;
    let quote = quote.wrapping_sub(ONES) & !quote;
    let backslash = backslash.wrapping_sub(ONES) & !backslash;
    (control | quote | backslash) & (ONES << 7)
}

/// Returns the length of the string literal `text` starts with, its quotation marks included; all of `text` if the
/// string does not end.
#[inline]
pub(super) fn literal_len(text: &[u8]) -> usize {
    let mut taken = 1;
    while let Some(rest) = text.get(taken..)
        && let Some(at) = memchr2(b'"', b'\\', rest)
    {
        if rest.get(at) == Some(&b'"') {
            return taken + at + 1;
        }
        // What is behind a backslash does not end the string.
        taken += at + 2;
    }
    text.len()
}

/// Writes `text` as a JSON string, with the escapes that `JSON.stringify` uses.
#[inline]
pub(super) fn write_quoted<W: Write + ?Sized>(out: &mut W, text: &[u8]) -> io::Result<()> {
    out.write_all(b"\"")?;
    let mut rest = text;
    loop {
        let (plain, behind) = rest.split_at(plain_bytes(rest));
        out.write_all(plain)?;
        let Some((special, behind)) = behind.split_first() else {
            return out.write_all(b"\"");
        };
        write_escape(out, *special)?;
        rest = behind;
    }
}

fn write_escape<W: Write + ?Sized>(out: &mut W, byte: u8) -> io::Result<()> {
    let short = match byte {
        b'"' => br#"\""#,
        b'\\' => br"\\",
        b'\x08' => br"\b",
        b'\t' => br"\t",
        b'\n' => br"\n",
        b'\x0c' => br"\f",
        b'\r' => br"\r",
        _ => return write!(out, "\\u{byte:04x}"),
    };
    out.write_all(short)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_written_as_the_json_library_writes_them() {
        // Every ASCII character at every place of a step, between characters of other lengths.
        for special in 0..=0x7f_u8 {
            for len in [0, 1, 7, 8, 9, 63, 64, 65, 71, 200] {
                for at in [0, len / 2, len] {
                    let mut text = "é".repeat(len);
                    text.insert(at * 2, char::from(special));
                    let mut out = Vec::new();
                    write_quoted(&mut out, text.as_bytes()).unwrap();
                    assert_eq!(out, serde_json::to_vec(&text).unwrap(), "{special} in {len}");
                }
            }
        }
    }

    #[test]
    fn a_literal_ends_at_the_first_quotation_mark_without_a_backslash_before_it() {
        for (text, len) in [
            (r##"""##, 1),
            (r##""""##, 2),
            (r##""a" "b""##, 3),
            (r##""a\"b""##, 6),
            (r##""a\\"b""##, 5),
            (r##""a"##, 2),
            (r##""a\"##, 3),
            (r##""a\""##, 4),
            ("\"\u{1}é\"", 5),
        ] {
            assert_eq!(literal_len(text.as_bytes()), len, "{text}");
        }
    }

    #[test]
    fn the_plain_front_ends_at_the_first_special_byte() {
        let mut state = 1_u32;
        for round in 0..20_000 {
            let text: Vec<u8> = (0..round % 150)
                .map(|_| {
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    let [_, _, low, high] = state.to_le_bytes();
                    // Few special ones, and all their neighbours.
                    if low < 4 {
                        high
                    } else {
                        b"!#[]\x20\x7f\x80\xa2\xdc\xffab"[usize::from(high % 12)]
                    }
                })
                .collect();
            let expected = text.iter().position(|byte| is_special(*byte)).unwrap_or(text.len());
            assert_eq!(plain_bytes(&text), expected, "{text:?}");
            assert_eq!(plain_words(&text, 0), expected, "{text:?}");
        }
    }

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
