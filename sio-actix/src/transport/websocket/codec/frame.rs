//! What frames are made of (RFC 6455, section 5.2): opcodes, masks, and control frames on their way out.

use bytes::BytesMut;

/// Kind of a message or control frame.
///
/// Continuation has no place here: it takes the kind of its message when read, and is never sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Opcode {
    Text,
    Binary,
    Close,
    Ping,
    Pong,
}

impl Opcode {
    pub(super) fn from_bits(bits: u8) -> Option<Self> {
        Some(match bits {
            TEXT => Self::Text,
            BINARY => Self::Binary,
            0x8 => Self::Close,
            0x9 => Self::Ping,
            0xA => Self::Pong,
            _ => return None,
        })
    }

    fn bits(self) -> u8 {
        match self {
            Self::Text => TEXT,
            Self::Binary => BINARY,
            Self::Close => 0x8,
            Self::Ping => 0x9,
            Self::Pong => 0xA,
        }
    }

    pub(super) fn is_control(self) -> bool {
        matches!(self, Self::Close | Self::Ping | Self::Pong)
    }
}

/// Appends a control frame; its payload has at most 125 bytes.
pub(crate) fn put_control(out: &mut BytesMut, opcode: Opcode, payload: &[u8]) {
    debug_assert!(opcode.is_control() && payload.len() <= usize::from(MAX_SHORT));
    let len = u8::try_from(payload.len()).unwrap_or(MAX_SHORT).min(MAX_SHORT);
    out.extend_from_slice(&[FIN | opcode.bits(), len]);
    out.extend_from_slice(payload.get(..usize::from(len)).unwrap_or_default());
}

/// Appends a close frame, without a payload if there is no code to tell.
pub(crate) fn put_close(out: &mut BytesMut, code: Option<u16>) {
    match code {
        Some(code) => put_control(out, Opcode::Close, &code.to_be_bytes()),
        None => out.extend_from_slice(CLOSE_FRAME),
    }
}

/// A frame whose head was accepted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    /// The kind of the whole message if this is a continuation.
    pub(super) opcode: Opcode,
    pub(super) fin: bool,
    pub(super) compressed: bool,
    pub(super) mask: [u8; 4],
    /// Length of the payload.
    pub(super) len: usize,
    /// Bytes of the payload seen so far.
    pub(super) taken: usize,
}

impl Frame {
    /// Returns the masking key as it applies to the next byte of the payload.
    pub(super) fn mask_at_offset(&self) -> [u8; 4] {
        let mut mask = self.mask;
        mask.rotate_left(self.taken % 4);
        mask
    }
}

/// Appends `payload` to `to` without its mask.
pub(super) fn append_unmasked(to: &mut Vec<u8>, payload: &[u8], mask: [u8; 4]) {
    let start = to.len();
    to.extend_from_slice(payload);
    let copy = to.get_mut(start..).unwrap_or_default();
    let mut key = [0; 32];
    key.as_chunks_mut().0.fill(mask);
    // Blocks of fixed length let the compiler use vector instructions.
    let (blocks, rest) = copy.as_chunks_mut::<32>();
    for block in blocks {
        for (byte, key) in block.iter_mut().zip(key) {
            *byte ^= key;
        }
    }
    for (byte, key) in rest.iter_mut().zip(key) {
        *byte ^= key;
    }
}

/// A close frame without a code.
pub(crate) const CLOSE_FRAME: &[u8] = &[0x88, 0];

pub(super) const FIN: u8 = 0x80;
pub(super) const RSV_BITS: u8 = 0x70;
pub(super) const OPCODE_BITS: u8 = 0x0F;
/// The message is compressed (RFC 7692 section 6).
pub(super) const RSV1: u8 = 0x40;
pub(super) const CONTINUATION: u8 = 0x0;
pub(super) const TEXT: u8 = 0x1;
pub(super) const BINARY: u8 = 0x2;
pub(super) const MASKED: u8 = 0x80;
pub(super) const LENGTH_BITS: u8 = 0x7F;
/// Largest length that the second byte of a head can hold itself.
pub(super) const MAX_SHORT: u8 = 125;
/// The length is in the next two bytes.
pub(super) const LENGTH_IN_2: u8 = 126;
/// The length is in the next eight bytes.
pub(super) const LENGTH_IN_8: u8 = 127;
/// Largest length on the wire, RFC 6455, section 5.2.
pub(super) const MAX_LENGTH: u64 = u64::MAX >> 1;
/// Head of a frame from a client at its longest: two bytes, eight of length, four of masking key.
pub(super) const MAX_HEAD: usize = 14;
