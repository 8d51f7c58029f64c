//! The rule for placeholders, checked on the text.
//!
//! A packet with a placeholder that names no attachment is broken, also where nobody reads it.
//! The check is a walk over the tokens of JSON known to be valid: no value is built, and nesting
//! costs an entry on the heap instead of a stack frame.

use super::{
    super::{DecodeError, MAX_DEPTH, text::literal_len},
    NUM_KEY, PLACEHOLDER_KEY,
};

/// Checks that every placeholder in `json` names one of `count` attachments.
///
/// An object is a placeholder if its key `_placeholder` has the value `true`, at any depth and
/// with its keys in any order; its `num` must be an integer below `count`.
/// `json` must have passed [`validate`](crate::packet::validate).
///
/// # Errors
///
/// Returns [`DecodeError::IllegalAttachments`] for the first placeholder that names none, and
/// [`DecodeError::NestingTooDeep`] beyond [`MAX_DEPTH`].
pub fn check_placeholders(json: &str, count: usize) -> Result<(), DecodeError> {
    let mut stack: Vec<Level> = Vec::with_capacity(8);
    let mut rest = json;
    while let Some(&byte) = rest.as_bytes().first() {
        // Every token starts with an ASCII byte, and `len` covers it completely.
        let len = match byte {
            b'"' => literal_len(rest.as_bytes()),
            b'{' | b'[' => {
                if let Some(level) = stack.last_mut() {
                    level.value("");
                }
                if stack.len() >= MAX_DEPTH {
                    return Err(DecodeError::NestingTooDeep);
                }
                let is_object = byte == b'{';
                stack.push(Level { is_object, in_key: is_object, ..Level::default() });
                1
            }
            b'}' | b']' => {
                let level = stack.pop().unwrap_or_default();
                if level.placeholder && level.num.is_none_or(|num| num >= count) {
                    return Err(DecodeError::IllegalAttachments);
                }
                1
            }
            b',' => {
                if let Some(level) = stack.last_mut() {
                    level.in_key = level.is_object;
                }
                1
            }
            b':' | b' ' | b'\t' | b'\n' | b'\r' => 1,
            _ => rest.find([',', '}', ']', ' ', '\t', '\n', '\r']).unwrap_or(rest.len()),
        };
        let (token, behind) = rest.split_at_checked(len).ok_or(DecodeError::InvalidPayload)?;
        if !matches!(byte, b'{' | b'[' | b'}' | b']' | b',' | b':' | b' ' | b'\t' | b'\n' | b'\r')
            && let Some(level) = stack.last_mut()
        {
            level.token(token);
        }
        rest = behind;
    }
    Ok(())
}

/// An array or object that [`check_placeholders`] is inside of.
#[derive(Default)]
struct Level {
    is_object: bool,
    in_key: bool,
    key: Key,
    placeholder: bool,
    num: Option<usize>,
}

#[derive(Default)]
enum Key {
    #[default]
    Other,
    Placeholder,
    Num,
}

impl Level {
    /// Takes a key or a value that is neither array nor object.
    fn token(&mut self, token: &str) {
        if !self.in_key {
            self.value(token);
            return;
        }
        self.in_key = false;
        self.key = if token.contains('\\') {
            // Escaped letters are legal, and a way around a check that looks at the raw text.
            serde_json::from_str::<String>(token).map_or(Key::Other, |key| Key::of(&key))
        } else {
            Key::of(token.trim_matches('"'))
        };
    }

    /// Takes the text of a value, empty for arrays and objects. The last of equal keys wins.
    fn value(&mut self, token: &str) {
        match self.key {
            Key::Placeholder => self.placeholder = token == "true",
            Key::Num => self.num = token.parse().ok(),
            Key::Other => {}
        }
    }
}

impl Key {
    fn of(key: &str) -> Self {
        match key {
            PLACEHOLDER_KEY => Self::Placeholder,
            NUM_KEY => Self::Num,
            _ => Self::Other,
        }
    }
}
