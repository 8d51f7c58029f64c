//! Reads a [`Value`] straight from its text.
//!
//! A general parser tells every token to a type that may want anything; here the type is known. What is not
//! valid, and what is nested too deep, is left to the parser, which has the words for it; so are the numbers
//! that are no small integers and the strings with escapes, one by one.

use super::super::MAX_DEPTH;
use super::super::decode::is_blank;
use super::super::text::{literal_len, plain_len};
use super::{Object, Value, last_wins};

/// Integers with more digits are left to the parser, which knows what does not fit.
const MAX_DIGITS: usize = 18;

/// The array or object that `text` begins with, which is found `outer` levels deep in its packet, and its length;
/// `None`: it is neither, or not valid.
pub(in crate::packet) fn compound(text: &str, outer: usize) -> Option<(Value, usize)> {
    let mut reader = Reader { text, pos: 0 };
    let value = match reader.peek()? {
        b'[' | b'{' => reader.value(outer)?,
        _ => return None,
    };
    Some((value, reader.pos))
}

struct Reader<'a> {
    text: &'a str,
    pos: usize,
}

impl<'a> Reader<'a> {
    /// The byte that comes next, without blanks before it.
    #[inline]
    fn peek(&mut self) -> Option<u8> {
        loop {
            let &byte = self.text.as_bytes().get(self.pos)?;
            if !is_blank(byte) {
                return Some(byte);
            }
            self.pos += 1;
        }
    }

    #[inline]
    fn rest(&self) -> &'a str {
        self.text.get(self.pos..).unwrap_or_default()
    }

    fn value(&mut self, outer: usize) -> Option<Value> {
        match self.peek()? {
            b'"' => self.string().map(Value::String),
            b'[' => self.array(inside(outer)?).map(Value::Array),
            b'{' => self.object(inside(outer)?).map(Value::Object),
            b'-' | b'0'..=b'9' => self.number(),
            b't' => self.word("true", Value::Bool(true)),
            b'f' => self.word("false", Value::Bool(false)),
            b'n' => self.word("null", Value::Null),
            _ => None,
        }
    }

    #[inline]
    fn word(&mut self, word: &str, value: Value) -> Option<Value> {
        self.rest().starts_with(word).then(|| {
            self.pos += word.len();
            value
        })
    }

    #[inline]
    fn string(&mut self) -> Option<String> {
        let rest = self.rest();
        let quoted = rest.strip_prefix('"')?;
        let len = plain_len(quoted);
        if quoted.as_bytes().get(len) == Some(&b'"') {
            self.pos += len + 2;
            return quoted.get(..len).map(str::to_owned);
        }
        // Escapes, or what must not be there.
        let literal = rest.get(..literal_len(rest.as_bytes()))?;
        self.pos += literal.len();
        serde_json::from_str(literal).ok()
    }

    fn number(&mut self) -> Option<Value> {
        let bytes = self.text.as_bytes().get(self.pos..)?;
        let (mut value, mut len) = (0_i64, 0);
        while let Some(digit @ b'0'..=b'9') = bytes.get(len)
            && len < MAX_DIGITS
        {
            value = value * 10 + i64::from(digit - b'0');
            len += 1;
        }
        let ends = bytes.get(len).is_none_or(|byte| matches!(byte, b',' | b']' | b'}'));
        // JSON knows no leading zeros.
        if ends && (len == 1 || (len > 1 && bytes.first() != Some(&b'0'))) {
            self.pos += len;
            return Some(Value::Number(value.unsigned_abs().into()));
        }
        let is_part = |byte: &u8| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E');
        let len = bytes.iter().position(|byte| !is_part(byte)).unwrap_or(bytes.len());
        let number = self.rest().get(..len)?;
        self.pos += len;
        serde_json::from_str(number).ok()
    }

    fn array(&mut self, depth: usize) -> Option<Vec<Value>> {
        let mut items = Vec::new();
        self.pos += 1;
        if self.peek()? == b']' {
            self.pos += 1;
            return Some(items);
        }
        loop {
            items.push(self.value(depth)?);
            let behind = self.peek()?;
            self.pos += 1;
            match behind {
                b',' => {}
                b']' => return Some(items),
                _ => return None,
            }
        }
    }

    fn object(&mut self, depth: usize) -> Option<Object> {
        let mut entries = Vec::new();
        self.pos += 1;
        if self.peek()? == b'}' {
            self.pos += 1;
            return Some(Object(entries));
        }
        loop {
            self.peek()?;
            let key = self.string()?;
            if self.peek()? != b':' {
                return None;
            }
            self.pos += 1;
            entries.push((key, self.value(depth)?));
            let behind = self.peek()?;
            self.pos += 1;
            match behind {
                b',' => {}
                b'}' => return Some(Object(last_wins(entries))),
                _ => return None,
            }
        }
    }
}

/// One level deeper, if there may be one.
#[inline]
fn inside(outer: usize) -> Option<usize> {
    (outer < MAX_DEPTH).then_some(outer + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the parser makes of the first value of `text`, and where it ends.
    fn parsed(text: &str) -> Option<(Value, usize)> {
        let mut values = serde_json::Deserializer::from_str(text).into_iter::<Value>();
        let value = values.next()?.ok()?;
        Some((value, values.byte_offset()))
    }

    fn same(text: &str) {
        let found = compound(text, 1);
        if let Some(found) = &found {
            assert_eq!(parsed(text).as_ref(), Some(found), "{text}");
        } else if text.trim_start().starts_with(['[', '{']) {
            assert_eq!(parsed(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_no_array_and_no_object_is_left_to_the_parser() {
        for text in ["", " ", "1", "\"a\"", "true", "null", "]", "}", ",", "x"] {
            assert_eq!(compound(text, 1), None, "{text}");
        }
    }

    #[test]
    fn what_is_not_valid_is_left_to_the_parser() {
        for text in [
            "[",
            "[1",
            "[1,",
            "[1,]",
            "[,1]",
            "[1 2]",
            "[1}",
            "{",
            "{}}",
            "{\"a\"",
            "{\"a\":",
            "{\"a\":1",
            "{\"a\":1,}",
            "{,}",
            "{a:1}",
            "{\"a\" 1}",
            "{\"a\":1 \"b\":2}",
            "{1:2}",
            "[01]",
            "[-]",
            "[-01]",
            "[1.]",
            "[.5]",
            "[1e]",
            "[1e+]",
            "[+1]",
            "[--1]",
            "[1-1]",
            "[1.5.5]",
            "[1e400]",
            "[NaN]",
            "[tru]",
            "[truex]",
            "[nul]",
            "[\"a]",
            "[\"a\nb\"]",
            "[\"\\x\"]",
            "[\"\\ud800\"]",
            "[\"\\u12\"]",
            "[\"\\",
            "[18446744073709551616e5]",
            "[1:2]",
            "[[1]",
            "{\"a\":[}]",
        ] {
            same(text);
        }
    }

    #[test]
    fn the_deepest_nesting_is_the_parsers() {
        for depth in 120..135 {
            for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
                let inner = if open == "[" { "" } else { "1" };
                same(&format!("{}{inner}{}", open.repeat(depth), close.repeat(depth)));
            }
        }
        assert!(compound(&"[".repeat(100_000), 1).is_none());
    }

    #[test]
    fn a_value_is_what_the_parser_makes_of_it() {
        for text in [
            "[]",
            "{}",
            "[ ]",
            "{ }",
            "[1,2]]",
            "[0]",
            "[-0]",
            "[-1]",
            "[1.5,-2.25e3,1E5]",
            "[null,true,false]",
            "[999999999999999999,1000000000000000000,18446744073709551615,18446744073709551616]",
            "[-9223372036854775808,-9223372036854775809]",
            "[1 , 2 ]",
            "[\n\t1\r]",
            "{ \"a\" : [ 1 ] }",
            "{\"a\":1,\"a\":2,\"b\":3,\"a\":[4]}",
            "{\"\":0}",
            "[\"\"]",
            "[\"\\n\\u00e9\\ud83d\\ude00\"]",
            "{\"\\u0061\":1,\"a\":2}",
            "[\"ä€\u{10ffff}\"]",
            "[[[]],{\"a\":{}}],1]",
            "[\"a\\\\\"]x",
            "{\"_placeholder\":true,\"num\":0}",
            "[1e5]",
            "[1]e5",
        ] {
            assert!(compound(text, 1).is_some(), "{text}");
            same(text);
        }
    }

    #[test]
    fn whatever_comes_the_parser_agrees() {
        let tokens = [
            "[", "]", "{", "}", ",", ":", "\"a\"", "\"b\\n\"", "1", "-2", "0.5", "00", "true",
            "null", " ", "\"", "\\",
        ];
        let mut state = 7_u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 16) as usize
        };
        for _ in 0..200_000 {
            let mut text = String::from(["[", "{", "{\"k\":"][next() % 3]);
            for _ in 0..next() % 12 {
                text.push_str(tokens[next() % tokens.len()]);
            }
            text.push_str(["]", "}", "}]", ""][next() % 4]);
            same(&text);
        }
    }
}
