//! What a handler gives back, encoded once.

use std::cell::{Cell, RefCell};
use std::fmt;

use bytes::Bytes;
use serde::Serialize;

use crate::packet::{self, EncodeError};

use super::error::{EventError, IntoEventError};

/// Buffers above this size are not kept for reuse.
const POOLED_BYTES: usize = 64 * 1024;
/// Buffers kept per thread besides the last one; replies are rarely nested.
const POOLED_BUFFERS: usize = 3;

thread_local! {
    /// The buffer that was given back last, which serves nearly every reply.
    static LAST: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
    static POOL: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

/// The encoded arguments of one event or ack: comma-led JSON and the attachments it refers to.
///
/// The buffer is taken from a pool of the thread and goes back when this is dropped, so a reply
/// costs no allocation in the steady state.
#[derive(Default)]
pub struct EncodedArgs {
    json: Vec<u8>,
    attachments: Vec<Bytes>,
}

impl EncodedArgs {
    /// Encodes an argument list: a tuple is several arguments, `()` none, anything else one.
    ///
    /// # Errors
    ///
    /// The value cannot be serialised.
    #[inline]
    pub fn encode<T: Serialize + ?Sized>(args: &T) -> Result<Self, EncodeError> {
        // The value's own `Serialize` may emit: the pool must not be borrowed meanwhile.
        let mut encoded = Self { json: pooled(), attachments: Vec::new() };
        packet::encode_args(&mut encoded.json, &mut encoded.attachments, args)?;
        Ok(encoded)
    }

    /// Arguments that are encoded already, each after a comma.
    pub(crate) fn from_parts(json: &str, attachments: Vec<Bytes>) -> Self {
        let mut buffer = pooled();
        buffer.extend_from_slice(json.as_bytes());
        Self { json: buffer, attachments }
    }

    /// The one argument `null`.
    pub(crate) fn null() -> Self {
        Self { json: b",null".to_vec(), attachments: Vec::new() }
    }

    /// An empty buffer from the pool, for the text of a packet; it goes back when dropped.
    pub(crate) fn buffer() -> PooledBuffer {
        PooledBuffer(pooled())
    }

    /// Comma-led arguments: `,1,"two"`, or nothing.
    #[must_use]
    pub fn json(&self) -> &[u8] {
        &self.json
    }

    /// The attachments the JSON refers to.
    #[must_use]
    pub fn attachments(&self) -> &[Bytes] {
        &self.attachments
    }

    pub(crate) fn take_attachments(&mut self) -> Vec<Bytes> {
        std::mem::take(&mut self.attachments)
    }
}

/// A buffer of the thread's pool.
#[derive(Debug)]
pub(crate) struct PooledBuffer(Vec<u8>);

impl std::ops::Deref for PooledBuffer {
    type Target = Vec<u8>;

    fn deref(&self) -> &Vec<u8> {
        &self.0
    }
}

impl std::ops::DerefMut for PooledBuffer {
    fn deref_mut(&mut self) -> &mut Vec<u8> {
        &mut self.0
    }
}

impl Drop for PooledBuffer {
    fn drop(&mut self) {
        give_back(std::mem::take(&mut self.0));
    }
}

impl Drop for EncodedArgs {
    fn drop(&mut self) {
        give_back(std::mem::take(&mut self.json));
    }
}

/// A buffer of the thread's pool, or a new one.
#[inline]
fn pooled() -> Vec<u8> {
    let last = LAST.try_with(Cell::take).unwrap_or_default();
    if last.capacity() > 0 { last } else { more() }
}

#[cold]
fn more() -> Vec<u8> {
    let pooled = POOL.try_with(|pool| pool.try_borrow_mut().ok()?.pop());
    pooled.ok().flatten().unwrap_or_default()
}

#[inline]
fn give_back(mut json: Vec<u8>) {
    if json.capacity() == 0 || json.capacity() > POOLED_BYTES {
        return;
    }
    json.clear();
    // The thread may be ending; then the buffer just goes.
    let other = LAST.try_with(|last| last.replace(json)).unwrap_or_default();
    if other.capacity() > 0 {
        keep(other);
    }
}

#[cold]
fn keep(json: Vec<u8>) {
    let _kept = POOL.try_with(|pool| {
        if let Ok(mut pool) = pool.try_borrow_mut()
            && pool.len() < POOLED_BUFFERS
        {
            pool.push(json);
        }
    });
}

impl fmt::Debug for EncodedArgs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EncodedArgs")
            .field("json_bytes", &self.json.len())
            .field("attachments", &self.attachments.len())
            .finish()
    }
}

/// What a handler answers; a middleware may look at it and replace it.
#[derive(Debug)]
#[non_exhaustive]
pub enum Reply {
    /// Nobody wanted the value, or it is answered elsewhere. If the client asked all the same, as
    /// [`Self::Unit`].
    Nothing,
    /// `()`: an empty ack, no emission.
    Unit,
    /// `None`: an ack with `null`, no emission.
    Null,
    /// These arguments, for the ack and the emissions.
    Args(EncodedArgs),
    /// An error.
    Err(EventError),
}

impl Reply {
    /// Encodes a value as a reply; a value that cannot be encoded becomes an error.
    pub fn from_value<T: Serialize + ?Sized>(value: &T) -> Self {
        match EncodedArgs::encode(value) {
            Ok(args) => Self::Args(args),
            Err(error) => Self::Err(EventError::internal(error.to_string())),
        }
    }

    /// The error, if it is one.
    #[must_use]
    pub const fn error(&self) -> Option<&EventError> {
        match self {
            Self::Err(error) => Some(error),
            _ => None,
        }
    }

    /// The client is told an error.
    #[must_use]
    pub const fn is_err(&self) -> bool {
        matches!(self, Self::Err(_))
    }
}

/// Plain values: everything that serialises.
#[derive(Debug)]
#[non_exhaustive]
pub struct IsValue;
/// `Result` with a client-visible error.
#[derive(Debug)]
#[non_exhaustive]
pub struct IsResult;

/// Return types of closure handlers; `M` is inferred and never written.
///
/// Any `Serialize` value (`()` is an empty ack, a tuple several arguments), and
/// `Result<value, EventError>`. `None` is a `null` like any other, which is emitted; a method's `None`
/// is not.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be returned from an event handler",
    label = "cannot be sent to the client",
    note = "return `()`, a `serde::Serialize` value, a tuple (several arguments) or `Result<_, EventError>`"
)]
pub trait IntoReply<M> {
    /// Encodes the value if it is `wanted`, by an ack or by an emission.
    fn into_reply(self, wanted: bool) -> Reply;
}

impl<T: Serialize> IntoReply<IsValue> for T {
    fn into_reply(self, wanted: bool) -> Reply {
        if !wanted {
            return Reply::Nothing;
        }
        match Reply::from_value(&self) {
            // Inference does not tell `()` from other values; the text does.
            Reply::Args(args) if args.json().is_empty() => Reply::Unit,
            reply => reply,
        }
    }
}

impl<T: Serialize, E: IntoEventError> IntoReply<IsResult> for Result<T, E> {
    fn into_reply(self, wanted: bool) -> Reply {
        match self {
            Ok(value) => IntoReply::<IsValue>::into_reply(value, wanted),
            Err(error) => Reply::Err(error.into_event_error()),
        }
    }
}
