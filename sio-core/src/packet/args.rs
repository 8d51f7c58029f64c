//! Reads the arguments of an event or ack one by one, each into the type the handler asks for.
//!
//! One pass over the text, no intermediate value: the parser starts where the last argument ended, and for a
//! plain string or number none is set up (`scalar`).
//! It takes what [`decode`](super::decode) left in [`Packet::args`](super::Packet::args), and is
//! the place where the JSON of an EVENT is checked at last.
//! An argument of the wrong type is the client's mistake and is reported as [`ArgError::Invalid`];
//! text that is not JSON ends the session and is always [`ArgError::Malformed`].

mod event_arg;
mod scalar;

use std::{cell::Cell, marker::PhantomData};

use bytes::Bytes;
use serde::{
    Deserialize, Deserializer,
    de::{self, DeserializeSeed, IgnoredAny, Visitor},
    forward_to_deserialize_any,
};
use thiserror::Error;

pub use self::event_arg::{EventArg, Rest, Try};
use self::scalar::Scalar;
use super::{
    DecodeError,
    binary::{Bin, ShownGuard, check_placeholders, index_front, placeholder_front},
    decode::{check_depth, is_blank, value_len},
    value::First,
};

/// The longest message kept in [`ArgError::Invalid`], in bytes.
const MAX_MESSAGE_LEN: usize = 200;

/// Problems kept in [`ArgError::Rejected`]: a client must not choose how long an answer is.
pub const MAX_PROBLEMS: usize = 32;

/// One finding of a check.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a pair with names")]
pub struct Problem {
    /// Where in the argument: `lines[3].text`.
    pub path: String,
    /// What is wrong.
    pub message: String,
}

/// Why the arguments of an event cannot be given to its handler.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ArgError {
    /// The client sent fewer arguments.
    #[error("argument {index} is missing")]
    Missing {
        /// The position of the argument, the first one behind the event name being 0.
        index: usize,
    },
    /// The argument is JSON, but not of the type asked for.
    #[error("argument {index} is invalid: {message}")]
    Invalid {
        /// The position of the argument, the first one behind the event name being 0.
        index: usize,
        /// What the type has to say about it, at most 200 bytes.
        message: String,
    },
    /// The client sent more arguments than a strict handler takes.
    #[error("argument {index} is not expected")]
    Unexpected {
        /// The position of the first argument too many.
        index: usize,
    },
    /// The argument has the right type, and a check of its content failed.
    #[error("argument {index} is not valid")]
    Rejected {
        /// The position of the argument, the first one behind the event name being 0.
        index: usize,
        /// What is wrong, at most [`MAX_PROBLEMS`] entries.
        problems: Vec<Problem>,
    },
    /// A check or a context type refused the event.
    #[error("{0}")]
    Refused(String),
    /// The packet itself is broken; the session must be closed with a parse error.
    #[error(transparent)]
    Malformed(#[from] DecodeError),
}

impl ArgError {
    /// Tells whether the packet itself is broken, so that the session must be closed.
    #[must_use]
    pub const fn is_malformed(&self) -> bool {
        matches!(self, Self::Malformed(_))
    }

    /// The packet is not JSON.
    const BROKEN: Self = Self::Malformed(DecodeError::InvalidPayload);
}

/// Reads arguments from left to right.
#[derive(Debug, Clone)]
pub struct ArgCursor<'de> {
    text: &'de str,
    /// Where the next argument's comma, or the closing bracket, is looked for.
    pos: usize,
    index: usize,
    bins: &'de [Bytes],
    /// Everything behind `pos` is known to be JSON.
    checked: bool,
}

impl<'de> ArgCursor<'de> {
    /// Creates a cursor over [`Packet::args`](super::Packet::args) and the attachments of the
    /// packet, which are none for EVENT and ACK.
    #[must_use]
    #[inline]
    pub const fn new(args: &'de str, bins: &'de [Bytes]) -> Self {
        Self { text: args, pos: 0, index: 0, bins, checked: false }
    }

    /// Reads the next argument, or returns `None` when there is none.
    ///
    /// # Errors
    ///
    /// Returns [`ArgError::Invalid`] if the argument is not a `T`; it is then skipped, and the
    /// cursor stands before the next one.
    /// Returns [`ArgError::Malformed`] if the packet is broken.
    #[inline]
    #[expect(clippy::should_implement_trait, reason = "the item type differs from call to call")]
    pub fn next<T: Deserialize<'de>>(&mut self) -> Result<Option<T>, ArgError> {
        if !self.seek()? {
            return Ok(None);
        }
        // A type that does not take it this way is shown to the parser, which has the better words for it.
        if self.bins.is_empty()
            && let Some((scalar, len)) = Scalar::front(self.unread())
            && let Ok(value) = T::deserialize(scalar)
        {
            self.pos += len;
            self.index += 1;
            return Ok(Some(value));
        }
        if !self.bins.is_empty()
            && let Some((attachment, len)) = placeholder_front(self.unread(), self.bins)
        {
            let _guard = ShownGuard;
            if let Ok(value) = T::deserialize(attachment) {
                self.pos += len;
                self.index += 1;
                return Ok(Some(value));
            }
        }
        self.parse_next(PhantomData::<T>).map(Some)
    }

    /// As [`Self::next`], for what is read with a seed.
    #[cfg(feature = "msgpack")]
    pub(crate) fn next_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, ArgError> {
        if self.seek()? { self.parse_next(seed).map(Some) } else { Ok(None) }
    }

    /// Reads the argument at `pos`, which is no blank.
    fn parse_next<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, ArgError> {
        let mut de = serde_json::Deserializer::from_str(self.unread());
        let taken = Cell::new(0);
        let value = if self.bins.is_empty() {
            seed.deserialize(First { de: &mut de, text: self.unread(), taken: &taken })
        } else {
            let _guard = ShownGuard;
            seed.deserialize(Bin { de: &mut de, bins: self.bins })
        };
        match value {
            Ok(value) => {
                // The iterator parses nothing; it is the public way to ask for the position.
                let len = match taken.get() {
                    0 => de.into_iter::<IgnoredAny>().byte_offset(),
                    taken => taken,
                };
                let len = if len == 0 { value_len(self.unread())? } else { len };
                // The parser's largest integers are read as far as their digits go: `1e5` is none of them.
                if let Some(b'.' | b'e' | b'E') = self.unread().as_bytes().get(len) {
                    return Err(self.refuse(&de::Error::custom("invalid number")));
                }
                // For a type that takes bytes, the parser lets them stand in a string as they are.
                let read = self.unread().as_bytes().get(..len).unwrap_or_default();
                let lowest = read.iter().fold(u8::MAX, |lowest, byte| lowest.min(*byte));
                if taken.get() == 0 && lowest < b' ' {
                    value_len(self.unread())?;
                }
                self.pos += len;
                self.index += 1;
                Ok(value)
            }
            Err(error) => Err(self.refuse(&error)),
        }
    }

    /// Reads the next argument.
    ///
    /// If there is none, types that can stand for nothing (`Option`, `()`) do so.
    ///
    /// # Errors
    ///
    /// As [`next`](Self::next), and [`ArgError::Missing`] if there is no argument left.
    #[inline]
    pub fn require<T: Deserialize<'de>>(&mut self) -> Result<T, ArgError> {
        match self.next()? {
            Some(value) => Ok(value),
            None => T::deserialize(Absent).or(Err(ArgError::Missing { index: self.index })),
        }
    }

    /// Returns how many arguments were read or skipped.
    #[must_use]
    #[inline]
    pub const fn index(&self) -> usize {
        self.index
    }

    /// Returns the attachments of the packet.
    #[must_use]
    #[inline]
    pub const fn attachments(&self) -> &'de [Bytes] {
        self.bins
    }

    /// Tells whether an argument is left, without reading it.
    ///
    /// # Errors
    ///
    /// Returns [`ArgError::Malformed`] if neither an argument nor the end follows.
    #[inline]
    pub fn has_next(&self) -> Result<bool, ArgError> {
        self.clone().seek()
    }

    /// Returns the unread arguments as comma-separated JSON texts and moves to the end.
    ///
    /// Neither the comma before the first of them nor the closing bracket is part of it.
    ///
    /// # Errors
    ///
    /// Returns [`ArgError::Malformed`] if the unread text is broken.
    pub fn rest(&mut self) -> Result<&'de str, ArgError> {
        let mut probe = self.clone();
        let start = if probe.seek()? { Some(probe.pos) } else { None };
        self.finish()?;
        // After `finish` the position is that of the closing bracket.
        let rest = start.and_then(|start| self.text.get(start..self.pos)).unwrap_or_default();
        Ok(rest.trim_end_matches([' ', '\t', '\n', '\r']))
    }

    /// Checks everything not read yet and moves to the end.
    ///
    /// Arguments nobody asked for are legal, but the packet must be JSON to its last byte.
    ///
    /// # Errors
    ///
    /// Returns [`ArgError::Malformed`] if the unread text is broken.
    #[inline]
    pub fn finish(&mut self) -> Result<(), ArgError> {
        // The usual case: all arguments were read and nothing follows the list.
        if self.unread() == "]" {
            return Ok(());
        }
        self.finish_slow()
    }

    /// Checks as [`finish`](Self::finish), and refuses arguments nobody asked for.
    ///
    /// # Errors
    ///
    /// Returns [`ArgError::Unexpected`] if an argument is left, or [`ArgError::Malformed`].
    pub fn finish_strict(&mut self) -> Result<(), ArgError> {
        let (left, index) = (self.has_next()?, self.index);
        self.finish()?;
        if left { Err(ArgError::Unexpected { index }) } else { Ok(()) }
    }

    /// What is left as it came, from which a cursor can be made again.
    ///
    /// Positions of later errors count from here; before anything was read, that is no difference.
    #[must_use]
    pub fn unread_text(&self) -> &'de str {
        self.unread()
    }

    #[inline]
    fn unread(&self) -> &'de str {
        self.text.get(self.pos..).unwrap_or_default()
    }

    /// Moves to the start of the next argument; returns false at the closing bracket.
    #[inline]
    fn seek(&mut self) -> Result<bool, ArgError> {
        let first = self.pos == 0;
        let mut byte = self.skip_blanks();
        // Arguments of an ack start without a comma; `decode` made sure that others do not.
        if byte == Some(b',') {
            self.pos += 1;
            byte = self.skip_blanks();
            if byte == Some(b']') {
                return Err(ArgError::BROKEN);
            }
        } else if byte != Some(b']') && !first {
            return Err(ArgError::BROKEN);
        }
        match byte {
            None => Err(ArgError::BROKEN),
            Some(byte) => Ok(byte != b']'),
        }
    }

    /// Skips JSON whitespace and returns the byte behind it.
    #[inline]
    fn skip_blanks(&mut self) -> Option<u8> {
        loop {
            let &byte = self.text.as_bytes().get(self.pos)?;
            if !is_blank(byte) {
                return Some(byte);
            }
            self.pos += 1;
        }
    }

    fn finish_slow(&mut self) -> Result<(), ArgError> {
        if !self.checked {
            check_depth(self.unread(), 1)?;
        }
        while self.seek()? {
            self.pos += value_len(self.unread())?;
            self.index += 1;
        }
        let behind = self.text.as_bytes().get(self.pos + 1..).unwrap_or_default();
        if behind.iter().all(|b| is_blank(*b)) { Ok(()) } else { Err(ArgError::BROKEN) }
    }

    /// Turns the parser's complaint about the argument at `pos` into ours and skips the argument.
    ///
    /// The parser stops at the first surprise, so a wrong type hides broken JSON behind it. What
    /// is broken is therefore decided by the checks every packet has to pass, and no complaint
    /// about sound JSON ends a session.
    #[cold]
    fn refuse(&mut self, error: &serde_json::Error) -> ArgError {
        let index = self.index;
        match self.check_and_skip() {
            Ok(()) => ArgError::Invalid { index, message: message_for_client(error.to_string()) },
            Err(malformed) => malformed,
        }
    }

    fn check_and_skip(&mut self) -> Result<(), ArgError> {
        if !self.checked {
            check_depth(self.unread(), 1)?;
        }
        let len = value_len(self.unread())?;
        if !self.bins.is_empty() {
            let value = self.unread().get(..len).unwrap_or_default();
            check_placeholders(value, self.bins.len())?;
        }
        self.pos += len;
        self.index += 1;
        if !self.checked {
            self.clone().finish_slow()?;
            // Once only: a list of many wrong arguments must not be scanned again for each.
            self.checked = true;
        }
        Ok(())
    }
}

/// Every argument is a plain scalar or a placeholder for one of `count` attachments, so that neither their JSON
/// nor their placeholders need another check; `args` as [`Packet::args`](super::Packet::args) of an event.
#[inline]
pub(crate) fn are_plain(args: &str, count: usize) -> bool {
    let mut rest = args;
    while rest != "]" {
        let Some(argument) = rest.strip_prefix(',') else { return false };
        let len = match index_front(argument) {
            Some((index, len)) if index < count => len,
            Some(_) => return false,
            None => match Scalar::front(argument) {
                Some((_, len)) => len,
                None => return false,
            },
        };
        rest = argument.get(len..).unwrap_or_default();
    }
    true
}

/// Where serde repeats the input: ``string "x"`` and ``integer `7` `` become `string` and `integer`.
///
/// Names in `missing field` and `duplicate field`, and behind `, expected`, are the type's own.
fn quoted_input(message: &str) -> Option<std::ops::Range<usize>> {
    let kinds = ["invalid type: ", "invalid value: ", "unknown variant ", "unknown field "];
    let kind = kinds.into_iter().find(|kind| message.starts_with(kind))?;
    let end = message.rfind(", expected ").or_else(|| message.rfind(", there are no "))?;
    let quote = message.get(kind.len()..end)?.find(['"', '`'])?;
    Some((kind.len() + quote).saturating_sub(1)..end)
}

/// A parser's message for the client: without the input it quotes, without line and column, which count
/// from the argument's start, and at most 200 bytes.
pub(crate) fn message_for_client(mut message: String) -> String {
    if let Some(end) = message.rfind(" at line ") {
        message.truncate(end);
    }
    if let Some(quoted) = quoted_input(&message) {
        message.replace_range(quoted, "");
    }
    if message.len() > MAX_MESSAGE_LEN {
        let mut end = MAX_MESSAGE_LEN;
        while !message.is_char_boundary(end) {
            end -= 1;
        }
        message.truncate(end);
    }
    message
}

/// Stands for an argument that was not sent.
///
/// Tells by the type's own request whether the absence is acceptable.
struct Absent;

#[derive(Debug, Error)]
#[error("missing")]
struct AbsentError;

impl de::Error for AbsentError {
    fn custom<M: std::fmt::Display>(_: M) -> Self {
        Self
    }
}

impl<'de> Deserializer<'de> for Absent {
    type Error = AbsentError;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, AbsentError> {
        Err(AbsentError)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, AbsentError> {
        visitor.visit_none()
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, AbsentError> {
        visitor.visit_unit()
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, AbsentError> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf
        unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier
    }
}

#[cfg(test)]
mod tests;
