//! Offsets: the place of an event in the log of its namespace, as clients see it.
//!
//! Four letters that tell the log from others, then the number in letters of six bits, the highest
//! first. Clients only echo it.

/// Letters of the log in front of the number.
pub(super) const TAG: usize = 4;
/// Letters of the largest number.
const DIGITS: usize = 11;

const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

fn letter(six: u64) -> u8 {
    let index = usize::try_from(six & 63).unwrap_or(0);
    LETTERS.get(index).copied().unwrap_or(b'A')
}

/// The text of an offset; needs no escapes in JSON.
#[derive(Debug, Clone, Copy)]
pub(super) struct OffsetText {
    bytes: [u8; TAG + DIGITS],
    start: usize,
}

impl OffsetText {
    pub(super) fn new(tag: [u8; TAG], number: u64) -> Self {
        let mut bytes = [b'A'; TAG + DIGITS];
        let mut rest = number;
        let mut start = bytes.len();
        for place in bytes.iter_mut().rev().take(DIGITS) {
            *place = letter(rest);
            rest >>= 6;
            start -= 1;
            if rest == 0 {
                break;
            }
        }
        start -= TAG;
        for (place, letter) in bytes.iter_mut().skip(start).zip(tag) {
            *place = letter;
        }
        Self { bytes, start }
    }

    pub(super) fn as_str(&self) -> &str {
        // Letters, digits, `-` and `_`.
        self.bytes.get(self.start..).and_then(|text| str::from_utf8(text).ok()).unwrap_or_default()
    }
}

/// The letters of a new log.
pub(super) fn tag(random: &[u8]) -> [u8; TAG] {
    let mut bits = random.iter().fold(0_u64, |bits, byte| bits.rotate_left(8) ^ u64::from(*byte));
    std::array::from_fn(|_| {
        let six = letter(bits);
        bits >>= 6;
        six
    })
}

/// The number of an offset of this log, written as the log writes it.
pub(super) fn parse(tag: [u8; TAG], text: &str) -> Option<u64> {
    let digits = text.as_bytes().strip_prefix(&tag)?;
    if digits.is_empty() || digits.len() > DIGITS {
        return None;
    }
    let mut number = 0_u64;
    for digit in digits {
        let six = LETTERS.iter().position(|letter| letter == digit)?;
        number = number.checked_mul(64)?.checked_add(u64::try_from(six).ok()?)?;
    }
    (OffsetText::new(tag, number).as_str() == text).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_texts_are_no_offsets() {
        let text = OffsetText::new(*b"abcd", 70);
        assert_eq!(parse(*b"abce", text.as_str()), None);
        for wrong in
            ["", "abcd", "abcdAB", "abcd=", "abcdé", "abc", "abcd____________", "abcdQAAAAAAAAAA"]
        {
            assert_eq!(parse(*b"abcd", wrong), None, "{wrong}");
        }
    }

    #[test]
    fn offsets_are_read_as_they_were_written() {
        let tag = tag(&[7; 15]);
        for number in [0, 1, 63, 64, 4095, 4096, 1 << 53, u64::MAX] {
            let text = OffsetText::new(tag, number);
            assert_eq!(parse(tag, text.as_str()), Some(number), "{}", text.as_str());
        }
        assert_eq!(OffsetText::new(*b"abcd", 1).as_str(), "abcdB");
        assert_eq!(OffsetText::new(*b"abcd", u64::MAX).as_str(), "abcdP__________");
    }
}
