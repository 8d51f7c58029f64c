//! The frames of RFC 6455, seen from the server, without I/O.
//!
//! Chunks of the request body come in and messages go out; neighbours are the response body that
//! feeds the [`Parser`] and the Engine.IO decoder that reads the messages.
//! The `put_*` functions are the way back for control frames; data frames are written where they wait,
//! in the core's outbox.
//! Nothing here may take memory for bytes that were announced but have not arrived, apart from one
//! small reserve and what is in proportion to those that have, and no payload byte may be scanned again because
//! the next chunk arrives.
//!
//! ```text
//!      ┌─── message out, or fragment stored ───┐
//!      ▼                                       │
//!     Head ──────── head accepted ─────────▶ Payload
//!      │                                       │
//!      └─ violation ─▶ Closed ◀─ close frame, ─┘
//!                                 violation
//! ```

use std::{fmt, mem};

use bytes::Bytes;
use sio_core::engine::deflate::{self, InflateError};

mod frame;
#[cfg(test)]
mod tests;
mod violation;

use frame::{
    BINARY, CONTINUATION, FIN, Frame, LENGTH_BITS, LENGTH_IN_2, LENGTH_IN_8, MASKED, MAX_HEAD,
    MAX_LENGTH, MAX_SHORT, OPCODE_BITS, RSV_BITS, RSV1, TEXT, append_unmasked,
};
pub(crate) use frame::{CLOSE_FRAME, Opcode, put_close, put_control};
pub(crate) use violation::Violation;

/// Cuts a byte stream into messages.
///
/// Holds memory only while a frame is cut short by the end of a chunk or a message is fragmented.
pub(crate) struct Parser {
    /// Upper bound for the payload of a message, summed over its fragments.
    max_message: usize,
    /// The handshake agreed to compressed messages (RFC 7692).
    deflate: bool,
    /// Kind of the message that waits for a continuation frame.
    open: Option<Opcode>,
    /// The message that is being read is compressed.
    compressed: bool,
    /// Bytes announced so far by the fragments of the open message.
    announced: usize,
    /// Unmasked payload that could not be delivered yet: the fragments of the open message, then
    /// the front of an incomplete control frame.
    gathered: Vec<u8>,
    stage: Stage,
    /// Front of a frame head that the end of a chunk cut in two.
    head: [u8; MAX_HEAD],
    head_len: u8,
}

impl Parser {
    /// Creates a parser that refuses messages of more than `max_message` bytes, as they come and
    /// inflated; compressed ones are refused unless `deflate` was agreed to.
    pub(crate) fn new(max_message: usize, deflate: bool) -> Self {
        Self {
            max_message,
            deflate,
            open: None,
            compressed: false,
            announced: 0,
            gathered: Vec::new(),
            stage: Stage::Head,
            head: [0; MAX_HEAD],
            head_len: 0,
        }
    }

    /// Takes what it can from the front of `input` and returns the next message.
    ///
    /// `None` says that `input` is used up.
    /// A message may borrow from `scratch`, whose former contents are lost; share one among all
    /// connections of a worker.
    /// After a close frame or a violation all further bytes are dropped unread.
    ///
    /// # Errors
    ///
    /// The rule the peer broke; the connection is to be closed with its [`Violation::close_code`].
    pub(crate) fn next<'s>(
        &mut self,
        input: &mut &[u8],
        scratch: &'s mut Vec<u8>,
    ) -> Result<Option<Message<'s>>, Violation> {
        scratch.clear();
        // A large split message left its buffer here; it must not stay for the worker's life.
        if scratch.capacity() > SCRATCH_KEPT {
            scratch.shrink_to(SCRATCH_KEPT);
        }
        let outcome = match self.take_whole(input) {
            Some((TEXT, mask, payload)) => {
                append_unmasked(scratch, payload, mask);
                check_utf8(scratch).map(|text| Some(Message::Text(text)))
            }
            Some((_, mask, payload)) => {
                let mut message = Vec::with_capacity(payload.len());
                append_unmasked(&mut message, payload, mask);
                return Ok(Some(Message::Binary(message.into())));
            }
            None => self.advance(input, scratch),
        };
        if matches!(outcome, Err(_) | Ok(Some(Message::Close(_)))) {
            self.stage = Stage::Closed;
            self.gathered = Vec::new();
            *input = &[];
        }
        outcome
    }

    /// Memory taken for what is not complete.
    #[cfg(feature = "internals")]
    pub(crate) const fn held(&self) -> usize {
        self.gathered.capacity()
    }

    /// The usual case in one step: a message in one frame, plain and short, which has come completely. Returns
    /// its opcode, mask and payload; whatever is not like that is left to [`Self::advance`].
    #[inline]
    fn take_whole<'i>(&self, input: &mut &'i [u8]) -> Option<(u8, [u8; 4], &'i [u8])> {
        if self.open.is_some() || self.head_len > 0 || !matches!(self.stage, Stage::Head) {
            return None;
        }
        let &[first, second, ref rest @ ..] = *input else { return None };
        let opcode = first ^ FIN;
        if opcode != TEXT && opcode != BINARY {
            return None;
        }
        let (len, rest) = match second.checked_sub(MASKED)? {
            LENGTH_IN_2 => {
                let (len, rest) = rest.split_first_chunk()?;
                let len = u16::from_be_bytes(*len);
                (len > u16::from(MAX_SHORT)).then_some((usize::from(len), rest))?
            }
            LENGTH_IN_8 => return None,
            short => (usize::from(short), rest),
        };
        let (mask, rest) = rest.split_first_chunk()?;
        let (payload, rest) = rest.split_at_checked(len)?;
        if len > self.max_message {
            return None;
        }
        *input = rest;
        Some((opcode, *mask, payload))
    }

    /// Bytes that are held of a message that has not come completely.
    pub(crate) const fn unfinished(&self) -> usize {
        self.gathered.len()
    }

    fn advance<'s>(
        &mut self,
        input: &mut &[u8],
        scratch: &'s mut Vec<u8>,
    ) -> Result<Option<Message<'s>>, Violation> {
        loop {
            match self.stage {
                Stage::Head => {
                    let Some(frame) = self.take_head(input)? else {
                        return Ok(None);
                    };
                    self.stage = Stage::Payload(frame);
                }
                Stage::Payload(mut frame) => {
                    if !self.take_payload(&mut frame, input, scratch) {
                        self.stage = Stage::Payload(frame);
                        return Ok(None);
                    }
                    self.stage = Stage::Head;
                    if frame.fin {
                        return self.deliver(frame.opcode, scratch).map(Some);
                    }
                }
                Stage::Closed => {
                    *input = &[];
                    return Ok(None);
                }
            }
        }
    }

    /// Takes a frame head, or stores the front of one if `input` ends inside it.
    fn take_head(&mut self, input: &mut &[u8]) -> Result<Option<Frame>, Violation> {
        let stored = usize::from(self.head_len);
        let found = if stored == 0 {
            self.check_head(input)?
        } else {
            self.store_head(input);
            self.check_head(self.head.get(..usize::from(self.head_len)).unwrap_or_default())?
        };
        let Some((frame, head_len)) = found else {
            if stored == 0 {
                self.store_head(input);
            }
            *input = &[];
            return Ok(None);
        };
        // What was stored earlier is no longer part of `input`.
        *input = input.get(head_len - stored..).unwrap_or_default();
        self.head_len = 0;
        if !frame.opcode.is_control() {
            if self.open.is_none() {
                self.compressed = frame.compressed;
            }
            (self.open, self.announced) = if frame.fin {
                (None, 0)
            } else {
                (Some(frame.opcode), self.announced + frame.len)
            };
        }
        Ok(Some(frame))
    }

    /// Copies bytes behind the stored front of a head, without taking them from `input`.
    fn store_head(&mut self, input: &[u8]) {
        let free = self.head.get_mut(usize::from(self.head_len)..).unwrap_or_default();
        for (to, from) in free.iter_mut().zip(input) {
            *to = *from;
            self.head_len += 1;
        }
    }

    /// Reads the frame head at the front of `bytes` and returns it with its length.
    ///
    /// Each rule is checked as soon as its bytes are there: a peer that announces too much is
    /// refused even if it never sends the masking key.
    fn check_head(&self, bytes: &[u8]) -> Result<Option<(Frame, usize)>, Violation> {
        let &[first, second, ref rest @ ..] = bytes else {
            return Ok(None);
        };
        let compressed = first & RSV1 != 0;
        // Only the first frame of a message says that it is compressed (RFC 7692 section 6).
        let may_be = self.deflate && matches!(first & OPCODE_BITS, TEXT | BINARY);
        if first & RSV_BITS & !RSV1 != 0 || (compressed && !may_be) {
            return Err(Violation::Protocol("reserved bit set"));
        }
        let fin = first & FIN != 0;
        let opcode = match (first & OPCODE_BITS, self.open) {
            (CONTINUATION, Some(opcode)) => opcode,
            (CONTINUATION, None) => {
                return Err(Violation::Protocol("continuation of no message"));
            }
            (bits, open) => match (Opcode::from_bits(bits), open) {
                (None, _) => return Err(Violation::Protocol("unknown opcode")),
                (Some(Opcode::Text | Opcode::Binary), Some(_)) => {
                    return Err(Violation::Protocol("new message inside a fragmented one"));
                }
                (Some(opcode), _) => opcode,
            },
        };
        if second & MASKED == 0 {
            return Err(Violation::Protocol("frame is not masked"));
        }
        let short = second & LENGTH_BITS;
        if opcode.is_control() {
            if !fin {
                return Err(Violation::Protocol("fragmented control frame"));
            }
            if short > MAX_SHORT {
                return Err(Violation::Protocol("control frame is too long"));
            }
        }

        let (len, rest) = match short {
            LENGTH_IN_2 => {
                let Some((len, rest)) = rest.split_first_chunk() else {
                    return Ok(None);
                };
                (u64::from(u16::from_be_bytes(*len)), rest)
            }
            LENGTH_IN_8 => {
                let Some((len, rest)) = rest.split_first_chunk() else {
                    return Ok(None);
                };
                (u64::from_be_bytes(*len), rest)
            }
            _ => (u64::from(short), rest),
        };
        let minimal = match short {
            LENGTH_IN_2 => len > u64::from(MAX_SHORT),
            LENGTH_IN_8 => len > u64::from(u16::MAX),
            _ => true,
        };
        if !minimal {
            return Err(Violation::Protocol("length is not in its shortest form"));
        }
        if len > MAX_LENGTH {
            return Err(Violation::Protocol("length has its top bit set"));
        }
        let len = if opcode.is_control() {
            usize::from(short)
        } else {
            let room = self.max_message - self.announced;
            match usize::try_from(len) {
                Ok(len) if len <= room => len,
                _ => {
                    return Err(Violation::TooLarge {
                        declared: len.saturating_add(self.announced as u64),
                        limit: self.max_message,
                    });
                }
            }
        };

        let Some((mask, rest)) = rest.split_first_chunk() else {
            return Ok(None);
        };
        let frame = Frame { opcode, fin, compressed, mask: *mask, len, taken: 0 };
        Ok(Some((frame, bytes.len() - rest.len())))
    }

    /// Takes payload of `frame` and says whether the frame is complete.
    ///
    /// The payload of a complete text message or control frame is in `scratch` afterwards, that of
    /// a binary message in `gathered`.
    fn take_payload(
        &mut self,
        frame: &mut Frame,
        input: &mut &[u8],
        scratch: &mut Vec<u8>,
    ) -> bool {
        let missing = frame.len - frame.taken;
        let (payload, rest) = input.split_at(missing.min(input.len()));
        *input = rest;
        let complete = payload.len() == missing;
        let mask = frame.mask_at_offset();
        match frame.opcode {
            // Nobody asks what a pong says.
            Opcode::Pong => {}
            Opcode::Close | Opcode::Ping if complete => {
                // The front of the frame lies behind the fragments of the open message.
                let front = self.gathered.len() - frame.taken;
                scratch.extend_from_slice(self.gathered.get(front..).unwrap_or_default());
                append_unmasked(scratch, payload, mask);
                self.gathered.truncate(front);
                if front == 0 {
                    self.gathered = Vec::new();
                }
            }
            Opcode::Text if complete && frame.fin && self.gathered.is_empty() => {
                append_unmasked(scratch, payload, mask);
            }
            Opcode::Text if complete && frame.fin => {
                self.gather(frame, payload, mask, scratch);
                let gathered = mem::take(&mut self.gathered);
                // The buffer itself is handed over, unless that would leave a much smaller one to everyone.
                if gathered.len() <= CHEAP_COPY && gathered.len() <= scratch.capacity() {
                    scratch.extend_from_slice(&gathered);
                } else {
                    *scratch = gathered;
                }
            }
            Opcode::Text | Opcode::Binary | Opcode::Close | Opcode::Ping => {
                self.gather(frame, payload, mask, scratch);
            }
        }
        frame.taken += payload.len();
        complete
    }

    /// Appends payload to `gathered`, whose capacity stays within the limit for messages plus one
    /// control frame.
    ///
    /// `scratch` is empty, and its buffer is taken if it suits.
    fn gather(&mut self, frame: &Frame, payload: &[u8], mask: [u8; 4], scratch: &mut Vec<u8>) {
        let len = self.gathered.len();
        let needed = len + payload.len();
        let end = len + (frame.len - frame.taken);
        if needed > self.gathered.capacity() && self.suits(frame, scratch.capacity(), needed, end) {
            scratch.extend_from_slice(&self.gathered);
            mem::swap(&mut self.gathered, scratch);
            scratch.clear();
        }
        let capacity = self.gathered.capacity();
        if needed > capacity {
            // Doubling keeps the cost of a message of tiny pieces linear, even with control frames
            // between them; where the end is known, it leaves no slack.
            let ceiling = if self.open.is_some() {
                self.max_message.saturating_add(usize::from(MAX_SHORT))
            } else {
                end
            };
            let target =
                needed.max(end.min(len + UPFRONT)).max(ceiling.min(capacity.saturating_mul(2)));
            self.gathered.reserve_exact(target - len);
        }
        append_unmasked(&mut self.gathered, payload, mask);
    }

    /// Whether a buffer of `capacity`, which the worker has anyway, should hold the text of `frame`: all of it,
    /// and not much more than has come.
    fn suits(&self, frame: &Frame, capacity: usize, needed: usize, end: usize) -> bool {
        frame.opcode == Opcode::Text
            && capacity >= end
            && capacity <= self.max_message.min(needed.saturating_mul(4))
    }

    fn deliver<'s>(
        &mut self,
        opcode: Opcode,
        scratch: &'s mut Vec<u8>,
    ) -> Result<Message<'s>, Violation> {
        if self.compressed && !opcode.is_control() {
            self.compressed = false;
            match opcode {
                Opcode::Binary => {
                    self.gathered = self.inflate(&self.gathered)?;
                    // It may be kept, and counts as large as it looks.
                    self.gathered.shrink_to_fit();
                }
                _ => *scratch = self.inflate(scratch)?,
            }
        }
        Ok(match opcode {
            Opcode::Text => Message::Text(check_utf8(scratch)?),
            Opcode::Binary => Message::Binary(Bytes::from(mem::take(&mut self.gathered))),
            Opcode::Close => Message::Close(check_close(scratch)?),
            Opcode::Ping => Message::Ping(scratch),
            Opcode::Pong => Message::Pong,
        })
    }

    fn inflate(&self, message: &[u8]) -> Result<Vec<u8>, Violation> {
        deflate::inflate(message, self.max_message).map_err(|error| match error {
            InflateError::Invalid => Violation::InvalidDeflate,
            InflateError::TooLarge => Violation::TooLarge {
                declared: self.max_message as u64 + 1,
                limit: self.max_message,
            },
        })
    }
}

/// Leaves the payload out: it belongs to the user and may be large.
impl fmt::Debug for Parser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parser")
            .field("max_message", &self.max_message)
            .field("open", &self.open)
            .field("gathered", &self.gathered.len())
            .field("stage", &self.stage)
            .finish_non_exhaustive()
    }
}

/// What the peer sent, reassembled and checked.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Message<'s> {
    /// A text message.
    Text(&'s str),
    /// A binary message, in memory of its own.
    Binary(Bytes),
    /// A ping frame, to be answered by a pong frame with the same payload.
    Ping(&'s [u8]),
    /// A pong frame.
    Pong,
    /// A close frame, with its status if it carries one.
    Close(Option<CloseFrame<'s>>),
}

impl Message<'_> {
    /// Bytes of its payload, inflated; of control frames none.
    pub(crate) const fn len(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Binary(bytes) => bytes.len(),
            Self::Ping(_) | Self::Pong | Self::Close(_) => 0,
        }
    }
}

/// Status in the peer's close frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CloseFrame<'s> {
    /// A code that RFC 6455, section 7.4, allows on the wire.
    pub(crate) code: u16,
    /// Text for a log, often empty.
    pub(crate) reason: &'s str,
}

/// Where the next byte belongs.
#[derive(Clone, Copy, Debug)]
enum Stage {
    Head,
    Payload(Frame),
    Closed,
}

fn check_utf8(bytes: &[u8]) -> Result<&str, Violation> {
    simdutf8::basic::from_utf8(bytes).or(Err(Violation::InvalidUtf8))
}

/// Checks the payload of a close frame by the rules of RFC 6455, sections 5.5.1 and 7.4.
fn check_close(payload: &[u8]) -> Result<Option<CloseFrame<'_>>, Violation> {
    match payload {
        [] => Ok(None),
        [_] => Err(Violation::Protocol("close frame with half a code")),
        &[high, low, ref reason @ ..] => match u16::from_be_bytes([high, low]) {
            code @ (1000..=1003 | 1007..=1014 | 3000..=4999) => {
                let reason = check_utf8(reason)?;
                Ok(Some(CloseFrame { code, reason }))
            }
            _ => Err(Violation::Protocol("close code is not allowed")),
        },
    }
}

/// Memory taken at once for an incomplete frame; beyond it, bytes must arrive first.
const UPFRONT: usize = 16 * 1024;
/// Memory that a scratch buffer keeps from call to call.
pub(super) const SCRATCH_KEPT: usize = 256 * 1024;
/// So many bytes are sooner copied than their buffer is given up for another.
const CHEAP_COPY: usize = 4 * 1024;
