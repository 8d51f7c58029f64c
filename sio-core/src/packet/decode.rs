//! Text of a frame to [`Packet`].
//!
//! An EVENT is the common case and may be large, so only its header and event name are read here;
//! [`ArgCursor`](super::ArgCursor) reads the arguments and reports what is wrong with them.
//! The JSON of all other types is checked as a whole before the packet leaves this module.
//! No input may panic: text is never indexed, and nesting never becomes recursion.

use std::borrow::Cow;

use serde::{Deserialize, de::IgnoredAny};

use super::binary::{MAX_OUTGOING_ATTACHMENTS, check_placeholders};
use super::text::{literal_len, short_plain_len};
use super::{DecodeError, EventName, Packet, PacketType, are_plain, reserved};

/// The deepest nesting of arrays and objects in a packet, the outer array included.
///
/// A payload that exceeds it is refused, because code that handles JSON is often recursive and a
/// client must not choose how much stack the server uses.
pub const MAX_DEPTH: usize = 128;

/// The largest ack id, 2^53-1: the largest integer that JavaScript clients represent exactly.
pub const MAX_ACK_ID: u64 = (1 << 53) - 1;

/// Limits for one packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecodeLimits {
    /// The largest number of attachments a header may announce; 10 by default.
    pub max_attachments: usize,
    /// The longest namespace in bytes, its slash included; 255 by default.
    pub max_namespace_len: usize,
    /// The deepest nesting, at most [`MAX_DEPTH`]; that by default.
    pub max_depth: usize,
}

impl Default for DecodeLimits {
    fn default() -> Self {
        Self { max_attachments: 10, max_namespace_len: 255, max_depth: MAX_DEPTH }
    }
}

/// Decodes one packet from `text`, the frame without the digit of the engine packet type.
///
/// The arguments of an EVENT are not checked here: read them with an
/// [`ArgCursor`](super::ArgCursor) and call [`finish`](super::ArgCursor::finish).
/// Whether the placeholders of a binary packet fit its attachments is for
/// [`check_placeholders`](super::check_placeholders) to tell, once the last attachment is there.
///
/// # Errors
///
/// Returns an error if the text breaks the packet format or exceeds `limits`.
#[inline]
pub fn decode<'a>(text: &'a str, limits: &DecodeLimits) -> Result<Packet<'a>, DecodeError> {
    let &digit = text.as_bytes().first().ok_or(DecodeError::Empty)?;
    let kind = PacketType::from_digit(digit).ok_or(DecodeError::UnknownPacketType)?;
    // The digit is ASCII, so index 1 is a character boundary.
    let rest = text.get(1..).unwrap_or_default();
    let (attachments, rest) =
        if kind.is_binary() { attachment_count(rest, limits)? } else { (0, rest) };
    let (namespace, rest) = namespace(rest, limits)?;
    let (ack, rest) = ack_id(rest)?;
    if kind != PacketType::Event || limits.max_depth < MAX_DEPTH {
        return with_payload(kind, attachments, namespace, ack, rest, limits);
    }
    // The common case in one piece.
    let data = trim(rest);
    let (name, args) = event_head(data)?;
    Ok(Packet { kind, attachments, namespace, ack, data, event: Some(name), args })
}

/// An event without attachments, as [`plain_event`] reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PlainEvent<'a> {
    pub(crate) namespace: &'a str,
    pub(crate) ack: Option<u64>,
    pub(crate) name: &'a str,
    /// As [`Packet::args`].
    pub(crate) args: &'a str,
}

/// Ack ids with more digits are left to [`decode`], which knows what is too large.
const PLAIN_ID_DIGITS: usize = 15;

/// Reads an EVENT as clients usually write one, in one step: no blanks around its JSON, no escapes in its name.
///
/// `None`: it is something else, or not valid; [`decode`] knows. What is found is what [`decode`] would find.
#[inline]
pub(crate) fn plain_event<'a>(text: &'a str, limits: &DecodeLimits) -> Option<PlainEvent<'a>> {
    let rest = text.strip_prefix('2')?;
    let (namespace, rest) = if rest.starts_with('/') { rest.split_once(',')? } else { ("/", rest) };
    let (mut id, mut digits) = (0_u64, 0);
    while let Some(digit @ b'0'..=b'9') = rest.as_bytes().get(digits) {
        id = id * 10 + u64::from(digit - b'0');
        digits += 1;
        if digits > PLAIN_ID_DIGITS {
            return None;
        }
    }
    let quoted = rest.get(digits..)?.strip_prefix("[\"")?;
    let (name, behind) = quoted.split_at_checked(short_plain_len(quoted))?;
    let args = behind.strip_prefix('"')?;
    let is_whole = matches!(args.as_bytes(), [b']'] | [b',', .., b']']);
    let is_usual = limits.max_depth >= MAX_DEPTH && namespace.len() <= limits.max_namespace_len;
    if !is_whole || !is_usual || reserved(name).is_some() {
        return None;
    }
    Some(PlainEvent { namespace, ack: (digits > 0).then_some(id), name, args })
}

/// Puts a packet together whose parts another parser has read; `rest` is its JSON, empty when absent, and
/// `attachments` is what its placeholders stand for.
///
/// As with [`decode`], the arguments of an EVENT without attachments are checked by whoever reads them.
///
/// # Errors
///
/// The parts break a rule of the packet format, or a limit.
pub(crate) fn from_parts<'a>(
    kind: PacketType,
    namespace: &'a str,
    ack: Option<u64>,
    rest: &'a str,
    attachments: usize,
    limits: &DecodeLimits,
) -> Result<Packet<'a>, DecodeError> {
    check_namespace(namespace, limits)?;
    if ack.is_some_and(|id| id > MAX_ACK_ID) {
        return Err(DecodeError::AckIdTooLarge);
    }
    let limit = limits.max_attachments.max(MAX_OUTGOING_ATTACHMENTS);
    if attachments > limit {
        return Err(DecodeError::TooManyAttachments { announced: attachments, limit });
    }
    let kind = match (kind, attachments > 0) {
        (PacketType::Event | PacketType::BinaryEvent, true) => PacketType::BinaryEvent,
        (PacketType::Event | PacketType::BinaryEvent, false) => PacketType::Event,
        (PacketType::Ack | PacketType::BinaryAck, true) => PacketType::BinaryAck,
        (PacketType::Ack | PacketType::BinaryAck, false) => PacketType::Ack,
        (_, true) => return Err(DecodeError::IllegalAttachments),
        (other, false) => other,
    };
    let packet = with_payload(kind, attachments, namespace, ack, rest, limits)?;
    if attachments > 0 {
        check_placeholders(packet.data, attachments)?;
    }
    Ok(packet)
}

/// Checks the payload of a packet by its type.
fn with_payload<'a>(
    kind: PacketType,
    attachments: usize,
    namespace: &'a str,
    ack: Option<u64>,
    rest: &'a str,
    limits: &DecodeLimits,
) -> Result<Packet<'a>, DecodeError> {
    let data = trim(rest);
    // The usual limit is checked where the JSON is read.
    if limits.max_depth < MAX_DEPTH {
        check_depth_within(data, 0, limits.max_depth)?;
    }
    let mut packet = Packet { kind, attachments, namespace, ack, data, event: None, args: "" };
    match kind {
        PacketType::Event => {
            let (name, args) = event_head(data)?;
            packet.event = Some(name);
            packet.args = args;
        }
        PacketType::BinaryEvent => {
            let head = event_head(data);
            if !head.as_ref().is_ok_and(|(_, args)| are_plain(args, attachments)) {
                validate(data)?;
            }
            let (name, args) = head?;
            packet.event = Some(name);
            packet.args = args;
        }
        // An ACK without payload is legal and replies with no arguments.
        PacketType::Ack if rest.is_empty() => packet.args = "]",
        PacketType::Ack | PacketType::BinaryAck => {
            packet.args = data.strip_prefix('[').ok_or(DecodeError::InvalidPayload)?;
            validate(data)?;
        }
        PacketType::Disconnect if rest.is_empty() => {}
        PacketType::Disconnect => return Err(DecodeError::InvalidPayload),
        PacketType::Connect | PacketType::ConnectError if rest.is_empty() => {}
        PacketType::Connect | PacketType::ConnectError => {
            let is_text = kind == PacketType::ConnectError && data.starts_with('"');
            if !is_text && !data.starts_with('{') {
                return Err(DecodeError::InvalidPayload);
            }
            validate(data)?;
        }
    }
    Ok(packet)
}

/// Checks that `json` is one complete JSON value, not nested deeper than [`MAX_DEPTH`], with
/// nothing but JSON whitespace around it.
///
/// # Errors
///
/// Returns [`DecodeError::NestingTooDeep`] or [`DecodeError::InvalidPayload`].
pub fn validate(json: &str) -> Result<(), DecodeError> {
    // The parser skips ignored values without recursion and hence without a limit of its own.
    check_depth(json, 0)?;
    let mut de = serde_json::Deserializer::from_str(json);
    match IgnoredAny::deserialize(&mut de).and_then(|_| de.end()) {
        Ok(()) => Ok(()),
        Err(_) => Err(DecodeError::InvalidPayload),
    }
}

/// Checks the nesting of `json`, which is found `outer` levels deep in its packet.
///
/// The text need not be valid JSON.
///
/// # Errors
///
/// Returns [`DecodeError::NestingTooDeep`] above [`MAX_DEPTH`].
pub fn check_depth(json: &str, outer: usize) -> Result<(), DecodeError> {
    check_depth_within(json, outer, MAX_DEPTH)
}

fn check_depth_within(json: &str, outer: usize, max: usize) -> Result<(), DecodeError> {
    if json.len() + outer <= max {
        return Ok(());
    }
    let mut depth = outer;
    let mut rest = json.as_bytes();
    while let Some((byte, behind)) = rest.split_first() {
        match byte {
            b'[' | b'{' => {
                depth += 1;
                if depth > max {
                    return Err(DecodeError::NestingTooDeep);
                }
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            b'"' => {
                rest = rest.get(literal_len(rest)..).unwrap_or_default();
                continue;
            }
            _ => {}
        }
        rest = behind;
    }
    Ok(())
}

/// Returns the length of the JSON value `text` starts with; more text may follow it.
pub(super) fn value_len(text: &str) -> Result<usize, DecodeError> {
    let mut de = serde_json::Deserializer::from_str(text);
    match IgnoredAny::deserialize(&mut de) {
        Ok(_) => Ok(de.into_iter::<IgnoredAny>().byte_offset()),
        Err(_) => Err(DecodeError::InvalidPayload),
    }
}

/// Tells whether a byte is JSON whitespace.
#[inline]
pub(super) fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

#[inline]
fn trim_start(text: &str) -> &str {
    if text.bytes().next().is_some_and(|first| !is_blank(first)) {
        return text;
    }
    text.trim_start_matches([' ', '\t', '\n', '\r'])
}

#[inline]
fn trim(text: &str) -> &str {
    // The usual case: a client writes no blanks around its JSON.
    match text.as_bytes() {
        [first, .., last] if !is_blank(*first) && !is_blank(*last) => text,
        _ => text.trim_matches([' ', '\t', '\n', '\r']),
    }
}

/// Splits `text` behind its leading digits.
#[inline]
fn split_digits(text: &str) -> (&str, &str) {
    let end = text.bytes().position(|b| !b.is_ascii_digit()).unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, ""))
}

fn attachment_count<'a>(
    text: &'a str,
    limits: &DecodeLimits,
) -> Result<(usize, &'a str), DecodeError> {
    let (digits, rest) = split_digits(text);
    let rest = rest.strip_prefix('-').ok_or(DecodeError::IllegalAttachments)?;
    if digits.is_empty() {
        return Err(DecodeError::IllegalAttachments);
    }
    // Digits only, so the one way to fail is a number that does not fit.
    let announced = digits.parse().unwrap_or(usize::MAX);
    if announced == 0 {
        // A decoder that waits for zero attachments would wait for ever.
        return Err(DecodeError::IllegalAttachments);
    }
    if announced > limits.max_attachments {
        return Err(DecodeError::TooManyAttachments { announced, limit: limits.max_attachments });
    }
    Ok((announced, rest))
}

#[inline]
fn namespace<'a>(text: &'a str, limits: &DecodeLimits) -> Result<(&'a str, &'a str), DecodeError> {
    if !text.starts_with('/') {
        return Ok(("/", text));
    }
    let (namespace, rest) = text.split_once(',').unwrap_or((text, ""));
    check_namespace(namespace, limits)?;
    Ok((namespace, rest))
}

#[inline]
const fn check_namespace(namespace: &str, limits: &DecodeLimits) -> Result<(), DecodeError> {
    let (len, limit) = (namespace.len(), limits.max_namespace_len);
    if len > limit { Err(DecodeError::NamespaceTooLong { len, limit }) } else { Ok(()) }
}

#[inline]
fn ack_id(text: &str) -> Result<(Option<u64>, &str), DecodeError> {
    let (mut id, mut len) = (None, 0);
    for byte in text.bytes() {
        if !byte.is_ascii_digit() {
            break;
        }
        // Ten times the largest id fits as well.
        let value = id.unwrap_or(0_u64) * 10 + u64::from(byte - b'0');
        if value > MAX_ACK_ID {
            return Err(DecodeError::AckIdTooLarge);
        }
        id = Some(value);
        len += 1;
    }
    Ok((id, text.get(len..).unwrap_or_default()))
}

/// Splits the payload of a client's event into its name and the text behind it.
#[inline]
fn event_head(data: &str) -> Result<(EventName<'_>, &str), DecodeError> {
    let (name, args) = any_event_head(data)?;
    if reserved(name.as_str()).is_some() {
        return Err(DecodeError::InvalidPayload);
    }
    Ok((name, args))
}

/// As [`event_head`], for an event between servers, which have no reserved names in common with clients.
///
/// Checks what every reader of the arguments relies on; `attachments` is how many came with the event.
///
/// # Errors
///
/// `json` is no array that begins with a name, or its placeholders do not fit the attachments.
pub(crate) fn server_event(
    json: &str,
    attachments: usize,
) -> Result<(EventName<'_>, &str), DecodeError> {
    let data = trim(json);
    if attachments > 0 {
        validate(data)?;
        check_placeholders(data, attachments)?;
    }
    any_event_head(data)
}

#[inline]
fn any_event_head(data: &str) -> Result<(EventName<'_>, &str), DecodeError> {
    let invalid = DecodeError::InvalidPayload;
    let inner = trim_start(data.strip_prefix('[').ok_or(invalid)?);
    if !data.ends_with(']') {
        return Err(invalid);
    }
    let (name, rest) = match inner.strip_prefix('"') {
        Some(quoted) => plain_name(quoted).map_or_else(|| escaped_name(inner), Ok)?,
        None => numeric_name(inner)?,
    };
    let args = trim_start(rest);
    // The cursor cannot tell a missing comma from the start of an ack's arguments.
    if args == "]" || args.starts_with(',') { Ok((EventName(name), args)) } else { Err(invalid) }
}

/// Reads a name without escapes; `quoted` starts behind the quotation mark.
#[inline]
fn plain_name(quoted: &str) -> Option<(Cow<'_, str>, &str)> {
    // JSON has no raw control characters in strings; the slow path reports them.
    let (name, rest) = quoted.split_at_checked(short_plain_len(quoted))?;
    Some((Cow::Borrowed(name), rest.strip_prefix('"')?))
}

#[cold]
fn escaped_name(inner: &str) -> Result<(Cow<'_, str>, &str), DecodeError> {
    let mut de = serde_json::Deserializer::from_str(inner);
    let Ok(name) = String::deserialize(&mut de) else {
        return Err(DecodeError::InvalidPayload);
    };
    let end = de.into_iter::<IgnoredAny>().byte_offset();
    Ok((Cow::Owned(name), inner.get(end..).unwrap_or_default()))
}

#[cold]
fn numeric_name(inner: &str) -> Result<(Cow<'_, str>, &str), DecodeError> {
    let invalid = DecodeError::InvalidPayload;
    if !inner.starts_with(|c: char| c == '-' || c.is_ascii_digit()) {
        return Err(invalid);
    }
    let (text, rest) = inner.split_at_checked(value_len(inner)?).ok_or(invalid)?;
    let is_integer = text.bytes().all(|b| b.is_ascii_digit() || b == b'-') && text != "-0";
    let name = if is_integer {
        Cow::Borrowed(text)
    } else {
        // `1.0`, `10e-1` and `1` are one number and hence one name.
        match text.parse::<f64>() {
            Ok(0.0) => Cow::Borrowed("0"),
            Ok(number) if number.is_finite() => Cow::Owned(number.to_string()),
            _ => return Err(invalid),
        }
    };
    Ok((name, rest))
}

#[cfg(test)]
mod tests;
