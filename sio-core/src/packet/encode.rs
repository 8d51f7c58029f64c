//! Packets to frames.
//!
//! Every function appends one frame to a buffer, the digit of the engine packet included, so that
//! the outbox of a session can be filled without a copy; attachments are collected beside it.
//! On error the buffer is as it was before.
//! Namespaces are written as they are: they come from registration or from a decoded packet and
//! hold no comma.

mod quick;

use std::{cell::Cell, io::Write as _};

use bytes::Bytes;
use serde::{Serialize, Serializer};

use self::quick::Quick;
pub use super::binary::MAX_OUTGOING_ATTACHMENTS;
use super::{
    EncodeError, MAX_DEPTH, PacketType,
    binary::PacketFormatter,
    reserved,
    text::{plain_len, write_quoted},
    validate,
};

/// The digit of an engine packet of type message.
const MESSAGE: u8 = b'4';

/// Appends an event, and its attachments to `attachments`.
///
/// A tuple is several arguments and `()` is none; everything else is one argument, a `Vec` or an
/// `Option` just as a struct. `[T; N]` is a tuple for serde, so it is N arguments.
/// Numbers that are not finite become `null`.
///
/// # Errors
///
/// Returns an error if the name is reserved or the arguments cannot be serialized.
pub fn encode_event<T: Serialize + ?Sized>(
    out: &mut Vec<u8>,
    attachments: &mut Vec<Bytes>,
    namespace: &str,
    ack: Option<u64>,
    name: &str,
    args: &T,
) -> Result<(), EncodeError> {
    check_name(name)?;
    undo_on_error(out, attachments, |out, attachments| {
        let at = header(out, PacketType::Event, 0, namespace, ack);
        out.push(b'[');
        write_string(out, name)?;
        let count = write_args(out, attachments, Some(b','), args)?;
        out.push(b']');
        announce(out, at, PacketType::BinaryEvent, count);
        Ok(())
    })
}

/// Appends an event whose arguments were written by [`encode_args`].
///
/// `attachments` is the number of attachments the arguments have.
///
/// # Errors
///
/// Returns an error if the name is reserved.
pub fn encode_event_encoded(
    out: &mut Vec<u8>,
    namespace: &str,
    ack: Option<u64>,
    name: &str,
    args: &[u8],
    attachments: usize,
) -> Result<(), EncodeError> {
    check_name(name)?;
    let start = out.len();
    let kind = if attachments == 0 { PacketType::Event } else { PacketType::BinaryEvent };
    header(out, kind, attachments, namespace, ack);
    out.push(b'[');
    write_string(out, name).inspect_err(|_| out.truncate(start))?;
    out.extend_from_slice(args);
    out.push(b']');
    Ok(())
}

/// Appends the reply to the event with the ack id `id`; arguments as in [`encode_event`].
///
/// # Errors
///
/// Returns an error if the arguments cannot be serialized.
pub fn encode_ack<T: Serialize + ?Sized>(
    out: &mut Vec<u8>,
    attachments: &mut Vec<Bytes>,
    namespace: &str,
    id: u64,
    args: &T,
) -> Result<(), EncodeError> {
    undo_on_error(out, attachments, |out, attachments| {
        let at = header(out, PacketType::Ack, 0, namespace, Some(id));
        out.push(b'[');
        let count = write_args(out, attachments, None, args)?;
        out.push(b']');
        announce(out, at, PacketType::BinaryAck, count);
        Ok(())
    })
}

/// Appends the reply to the event with the ack id `id`, its arguments written by [`encode_args`].
pub fn encode_ack_encoded(
    out: &mut Vec<u8>,
    namespace: &str,
    id: u64,
    args: &[u8],
    attachments: usize,
) {
    let kind = if attachments == 0 { PacketType::Ack } else { PacketType::BinaryAck };
    header(out, kind, attachments, namespace, Some(id));
    out.push(b'[');
    out.extend_from_slice(args.strip_prefix(b",").unwrap_or(args));
    out.push(b']');
}

/// Gives the text of an ACK in parts that one frame joins, so that nothing is copied twice; `args` as written by
/// [`encode_args`], with so many `attachments`.
#[inline]
pub(crate) fn ack_in_parts<R>(
    namespace: &str,
    id: u64,
    args: &[u8],
    attachments: usize,
    send: impl FnOnce(&[&[u8]]) -> R,
) -> R {
    let args = args.strip_prefix(b",").unwrap_or(args);
    if attachments > 0 {
        let (mut count, mut id_digits) = (itoa::Buffer::new(), itoa::Buffer::new());
        let count = count.format(attachments).as_bytes();
        let id = id_digits.format(id).as_bytes();
        // An engine message with a Socket.IO BINARY_ACK.
        return if namespace == "/" {
            send(&[b"46", count, b"-", id, b"[", args, b"]"])
        } else {
            send(&[b"46", count, b"-", namespace.as_bytes(), b",", id, b"[", args, b"]"])
        };
    }
    // An engine message with a Socket.IO ACK.
    if namespace == "/" {
        let mut head = [0; ACK_HEAD];
        send(&[ack_head(&mut head, id), args, b"]"])
    } else {
        let mut id_digits = itoa::Buffer::new();
        let id = id_digits.format(id).as_bytes();
        send(&[b"43", namespace.as_bytes(), b",", id, b"[", args, b"]"])
    }
}

/// Two digits for the types, those of the largest ack id, and a bracket.
const ACK_HEAD: usize = 2 + 20 + 1;

/// Writes `43`, the ack id and the bracket behind it to the end of `head`.
#[inline]
fn ack_head(head: &mut [u8; ACK_HEAD], id: u64) -> &[u8] {
    let (mut rest, mut start) = (id, ACK_HEAD);
    let mut put = |byte| {
        start -= 1;
        if let Some(place) = head.get_mut(start) {
            *place = byte;
        }
    };
    put(b'[');
    loop {
        // The remainder is one digit.
        put(b'0' + (rest % 10) as u8);
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    put(PacketType::Ack.digit());
    put(MESSAGE);
    head.get(start..).unwrap_or_default()
}

/// As [`ack_in_parts`], for an EVENT without attachments that asks for no ack; `None`: its name has to be
/// escaped.
///
/// The name must not be reserved.
#[inline]
pub(crate) fn event_in_parts<R>(
    namespace: &str,
    name: &str,
    args: &[u8],
    send: impl FnOnce(&[&[u8]]) -> R,
) -> Option<R> {
    if plain_len(name) < name.len() {
        return None;
    }
    let name = name.as_bytes();
    // An engine message with a Socket.IO EVENT.
    Some(if namespace == "/" {
        send(&[b"42[\"", name, b"\"", args, b"]"])
    } else {
        send(&[b"42", namespace.as_bytes(), b",[\"", name, b"\"", args, b"]"])
    })
}

/// Appends the arguments of an event, each after a comma, so that one text serves many packets.
///
/// Arguments as in [`encode_event`]. The text may be used for one packet at a time, with the
/// attachments that were added here and no others.
///
/// # Errors
///
/// Returns an error if the arguments cannot be serialized.
pub fn encode_args<T: Serialize + ?Sized>(
    out: &mut Vec<u8>,
    attachments: &mut Vec<Bytes>,
    args: &T,
) -> Result<(), EncodeError> {
    undo_on_error(out, attachments, |out, attachments| {
        write_args(out, attachments, Some(b','), args).map(drop)
    })
}

/// Adds an argument behind those of an event that was just written; `text` needs no escapes.
pub(crate) fn append_text_argument(out: &mut Vec<u8>, text: &str) {
    out.pop();
    for part in [b",\"".as_slice(), text.as_bytes(), b"\"]"] {
        out.extend_from_slice(part);
    }
}

/// Appends the answer that grants a namespace to a client; `pid` is its secret for coming back.
pub fn encode_connect(out: &mut Vec<u8>, namespace: &str, sid: &str, pid: Option<&str>) {
    header(out, PacketType::Connect, 0, namespace, None);
    out.extend_from_slice(br#"{"sid":"#);
    write_string_lossless(out, sid);
    if let Some(pid) = pid {
        out.extend_from_slice(br#","pid":"#);
        write_string_lossless(out, pid);
    }
    out.push(b'}');
}

/// Appends a client's request for a namespace; `auth` is JSON text, an object.
///
/// # Errors
///
/// Returns an error if `auth` is not a JSON object.
pub fn encode_connect_request(
    out: &mut Vec<u8>,
    namespace: &str,
    auth: Option<&str>,
) -> Result<(), EncodeError> {
    if let Some(auth) = auth {
        validate(auth).map_err(|error| EncodeError::Serialize(error.to_string()))?;
        if !auth.starts_with('{') {
            return Err(EncodeError::Serialize("auth is not an object".to_owned()));
        }
    }
    header(out, PacketType::Connect, 0, namespace, None);
    out.extend_from_slice(auth.unwrap_or_default().as_bytes());
    Ok(())
}

/// Appends the answer that refuses a namespace; `data` is JSON text.
///
/// # Errors
///
/// Returns an error if `data` is not JSON.
pub fn encode_connect_error(
    out: &mut Vec<u8>,
    namespace: &str,
    message: &str,
    data: Option<&str>,
) -> Result<(), EncodeError> {
    if let Some(data) = data {
        validate(data).map_err(|error| EncodeError::Serialize(error.to_string()))?;
    }
    header(out, PacketType::ConnectError, 0, namespace, None);
    out.extend_from_slice(br#"{"message":"#);
    write_string_lossless(out, message);
    if let Some(data) = data {
        out.extend_from_slice(br#","data":"#);
        out.extend_from_slice(data.as_bytes());
    }
    out.push(b'}');
    Ok(())
}

/// Appends the refusal of a namespace as clients of revision 3 know it: `payload` is JSON text, a string or
/// an object.
///
/// # Errors
///
/// Returns an error if `payload` is not JSON.
pub fn encode_connect_error_bare(
    out: &mut Vec<u8>,
    namespace: &str,
    payload: &str,
) -> Result<(), EncodeError> {
    validate(payload).map_err(|error| EncodeError::Serialize(error.to_string()))?;
    header(out, PacketType::ConnectError, 0, namespace, None);
    out.extend_from_slice(payload.as_bytes());
    Ok(())
}

/// Appends the packet that puts a client out of a namespace.
pub fn encode_disconnect(out: &mut Vec<u8>, namespace: &str) {
    header(out, PacketType::Disconnect, 0, namespace, None);
}

/// Refuses names that clients cannot be sent.
///
/// # Errors
///
/// Returns [`EncodeError::ReservedEvent`].
#[inline]
pub fn check_name(name: &str) -> Result<(), EncodeError> {
    reserved(name).map_or(Ok(()), |name| Err(EncodeError::ReservedEvent(name)))
}

#[inline]
fn undo_on_error(
    out: &mut Vec<u8>,
    attachments: &mut Vec<Bytes>,
    write: impl FnOnce(&mut Vec<u8>, &mut Vec<Bytes>) -> Result<(), EncodeError>,
) -> Result<(), EncodeError> {
    let (text_len, count) = (out.len(), attachments.len());
    let result = write(out, attachments);
    if result.is_err() {
        out.truncate(text_len);
        attachments.truncate(count);
    }
    result
}

/// Writes everything before the JSON and returns the position of the type digit.
#[inline]
fn header(
    out: &mut Vec<u8>,
    kind: PacketType,
    attachments: usize,
    namespace: &str,
    ack: Option<u64>,
) -> usize {
    out.push(MESSAGE);
    let at = out.len();
    out.push(kind.digit());
    if attachments > 0 {
        write_number(out, attachments as u64);
        out.push(b'-');
    }
    if namespace != "/" {
        out.extend_from_slice(namespace.as_bytes());
        out.push(b',');
    }
    if let Some(ack) = ack {
        write_number(out, ack);
    }
    at
}

/// Turns the packet whose type digit is at `at` into a binary one if it has attachments.
#[inline]
fn announce(out: &mut Vec<u8>, at: usize, kind: PacketType, attachments: usize) {
    if attachments == 0 {
        return;
    }
    // The count is known only now; moving the text once is cheaper than writing it twice.
    let len = out.len();
    write_number(out, attachments as u64);
    out.push(b'-');
    let added = out.len() - len;
    if let Some(packet) = out.get_mut(at..)
        && let Some((digit, behind)) = packet.split_first_mut()
    {
        *digit = kind.digit();
        behind.rotate_right(added);
    }
}

fn write_number(out: &mut Vec<u8>, number: u64) {
    // Writing to a `Vec` cannot fail.
    let _ = write!(out, "{number}");
}

pub(crate) fn write_string(out: &mut Vec<u8>, text: &str) -> Result<(), EncodeError> {
    if plain_len(text) == text.len() {
        put_plain(out, text);
        return Ok(());
    }
    write_quoted(out, text.as_bytes()).map_err(|error| EncodeError::Serialize(error.to_string()))
}

/// Writes a JSON string that needs no escapes.
#[inline]
fn put_plain(out: &mut Vec<u8>, text: &str) {
    out.reserve(text.len() + 2);
    out.push(b'"');
    out.extend_from_slice(text.as_bytes());
    out.push(b'"');
}

/// Writes a JSON string where no error can be reported; none can occur.
fn write_string_lossless(out: &mut Vec<u8>, text: &str) {
    let _ = write_string(out, text);
}

type Json<'a> = serde_json::Serializer<&'a mut Vec<u8>, PacketFormatter<'a>>;
type QuickJson<'a, 'b> = Quick<'a, &'a mut Json<'b>>;

/// Writes the arguments after `lead` and returns the number of attachments they have.
#[inline]
fn write_args<T: Serialize + ?Sized>(
    out: &mut Vec<u8>,
    attachments: &mut Vec<Bytes>,
    lead: Option<u8>,
    args: &T,
) -> Result<usize, EncodeError> {
    out.extend(lead);
    let start = out.len();
    let base = attachments.len();
    // The arguments are inside the array of the packet.
    let (depth, is_text) = (Cell::new(1), Cell::new(false));
    let mut json = None;
    let result = args.serialize(Args {
        out: &mut *out,
        attachments: &mut *attachments,
        json: &mut json,
        depth: &depth,
        is_text: &is_text,
        empty: size_of_val(args) == 0,
    });
    let count = attachments.len() - base;
    if let Err(error) = result {
        return Err(if depth.get() > MAX_DEPTH {
            EncodeError::NestingTooDeep
        } else if error.is_io() && count >= MAX_OUTGOING_ATTACHMENTS {
            EncodeError::TooManyAttachments
        } else {
            EncodeError::Serialize(error.to_string())
        });
    }
    if out.len() == start && lead.is_some() {
        // No argument: take the comma back.
        out.pop();
    }
    Ok(count)
}

/// The argument list: a tuple spreads, `()` vanishes, everything else is one argument.
struct Args<'a, 'b> {
    out: &'b mut Vec<u8>,
    attachments: &'b mut Vec<Bytes>,
    /// What writes it, if that takes more than one step.
    json: &'a mut Option<Json<'b>>,
    depth: &'b Cell<usize>,
    is_text: &'b Cell<bool>,
    /// The value has no size, so `unit` means no argument.
    empty: bool,
}

impl<'a, 'b> Args<'a, 'b> {
    #[inline]
    fn json(self) -> QuickJson<'a, 'b> {
        let formatter = PacketFormatter::new(self.attachments, self.depth, self.is_text);
        let json = serde_json::Serializer::with_formatter(self.out, formatter);
        Quick::new(self.json.insert(json), self.is_text)
    }
}

macro_rules! one_argument {
    ($($method:ident($($arg:ident: $ty:ty),*))*) => {$(
        #[inline]
        fn $method(self, $($arg: $ty),*) -> Result<(), Self::Error> {
            self.json().$method($($arg),*)
        }
    )*};
}

macro_rules! one_compound {
    ($($method:ident($($arg:ident: $ty:ty),*) -> $compound:ident)*) => {$(
        #[inline]
        fn $method(self, $($arg: $ty),*) -> Result<Self::$compound, Self::Error> {
            self.json().$method($($arg),*)
        }
    )*};
}

impl<'a, 'b> Serializer for Args<'a, 'b> {
    type Ok = ();
    type Error = serde_json::Error;
    type SerializeSeq = <QuickJson<'a, 'b> as Serializer>::SerializeSeq;
    type SerializeTuple = <QuickJson<'a, 'b> as Serializer>::SerializeTuple;
    type SerializeTupleStruct = <QuickJson<'a, 'b> as Serializer>::SerializeTupleStruct;
    type SerializeTupleVariant = <QuickJson<'a, 'b> as Serializer>::SerializeTupleVariant;
    type SerializeMap = <QuickJson<'a, 'b> as Serializer>::SerializeMap;
    type SerializeStruct = <QuickJson<'a, 'b> as Serializer>::SerializeStruct;
    type SerializeStructVariant = <QuickJson<'a, 'b> as Serializer>::SerializeStructVariant;

    #[inline]
    fn serialize_tuple(self, len: usize) -> Result<Self::SerializeTuple, Self::Error> {
        // The formatter leaves out the brackets of an array at depth 0: the packet has its own.
        self.depth.set(0);
        self.json().serialize_tuple(len)
    }

    #[inline]
    fn serialize_unit(self) -> Result<(), Self::Error> {
        // `()` has no size; a value that has one and is `null` in JSON is an argument.
        if !self.empty {
            self.out.extend_from_slice(b"null");
        }
        Ok(())
    }

    #[inline]
    fn serialize_str(self, text: &str) -> Result<(), Self::Error> {
        if plain_len(text) < text.len() {
            return self.json().serialize_str(text);
        }
        put_plain(self.out, text);
        Ok(())
    }

    one_argument! {
        serialize_bool(v: bool)
        serialize_i8(v: i8) serialize_i16(v: i16) serialize_i32(v: i32) serialize_i64(v: i64)
        serialize_i128(v: i128)
        serialize_u8(v: u8) serialize_u16(v: u16) serialize_u32(v: u32) serialize_u64(v: u64)
        serialize_u128(v: u128)
        serialize_f32(v: f32) serialize_f64(v: f64)
        serialize_char(v: char) serialize_bytes(v: &[u8])
        serialize_none() serialize_unit_struct(name: &'static str)
        serialize_unit_variant(name: &'static str, index: u32, variant: &'static str)
    }

    one_compound! {
        serialize_seq(len: Option<usize>) -> SerializeSeq
        serialize_tuple_struct(name: &'static str, len: usize) -> SerializeTupleStruct
        serialize_tuple_variant(name: &'static str, index: u32, variant: &'static str, len: usize)
            -> SerializeTupleVariant
        serialize_map(len: Option<usize>) -> SerializeMap
        serialize_struct(name: &'static str, len: usize) -> SerializeStruct
        serialize_struct_variant(
            name: &'static str, index: u32, variant: &'static str, len: usize
        ) -> SerializeStructVariant
    }

    #[inline]
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Self::Error> {
        self.json().serialize_some(value)
    }

    #[inline]
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Self::Error> {
        self.json().serialize_newtype_struct(name, value)
    }

    #[inline]
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Self::Error> {
        self.json().serialize_newtype_variant(name, index, variant, value)
    }
}

#[cfg(test)]
mod tests;
