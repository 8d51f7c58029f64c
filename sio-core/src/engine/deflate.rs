//! permessage-deflate (RFC 7692): which messages are compressed, and how.
//!
//! Both sides give up context takeover: a broadcast is then compressed once for all receivers, and no
//! connection keeps a window between messages. One compressor per thread serves them all.

use std::cell::RefCell;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

use crate::frame::Frame;

use super::revision::Wire;

/// Fast: what a message gains above this level is little against the time of the thread it takes.
const LEVEL: u32 = 3;
/// What ends a block that is flushed; not sent (RFC 7692 section 7.2.1).
const TAIL: &[u8] = &[0x00, 0x00, 0xff, 0xff];
/// Room for output is taken in steps of this size.
const STEP: usize = 16 * 1024;

thread_local! {
    static COMPRESS: RefCell<Option<Compress>> = const { RefCell::new(None) };
    static DECOMPRESS: RefCell<Option<Decompress>> = const { RefCell::new(None) };
}

/// Compression of WebSocket messages; off unless configured, as in the reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct PerMessageDeflate {
    /// Smallest message in bytes that is compressed; 1024.
    pub threshold: usize,
}

impl Default for PerMessageDeflate {
    fn default() -> Self {
        Self { threshold: 1024 }
    }
}

impl PerMessageDeflate {
    /// Compresses messages of at least `threshold` bytes.
    #[must_use]
    pub const fn with_threshold(threshold: usize) -> Self {
        Self { threshold }
    }
}

/// The compressed form of a frame, made once for all who share it.
pub type Deflated = Arc<OnceLock<Option<Bytes>>>;

/// The compressed payload of a message, if it is to be sent that way.
pub(super) fn payload(frame: &Frame, wire: Wire) -> Option<Bytes> {
    let threshold = wire.deflate?;
    if !frame.is_compressible() || frame.payload().len() < threshold {
        return None;
    }
    match frame.deflated() {
        Some(shared) => shared.get_or_init(|| compress(frame.payload())).clone(),
        None => compress(frame.payload()),
    }
}

/// `None` if that would not make it smaller.
fn compress(message: &[u8]) -> Option<Bytes> {
    COMPRESS.with_borrow_mut(|slot| {
        let compress = slot.get_or_insert_with(|| Compress::new(Compression::new(LEVEL), false));
        compress.reset();
        let mut out = Vec::with_capacity(message.len() / 2 + 64);
        loop {
            let read = usize::try_from(compress.total_in()).unwrap_or(usize::MAX);
            let rest = message.get(read..).unwrap_or_default();
            compress.compress_vec(rest, &mut out, FlushCompress::Sync).ok()?;
            if out.len() >= message.len() + TAIL.len() {
                return None;
            }
            // Room left means that everything, with the flush, is out.
            if out.len() < out.capacity() {
                break;
            }
            out.reserve(STEP);
        }
        out.truncate(out.strip_suffix(TAIL)?.len());
        Some(out.into())
    })
}

/// Why a message could not be inflated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "callers must tell the two apart")]
pub enum InflateError {
    /// It is no compressed data.
    Invalid,
    /// It is larger than the limit; what came out up to there was dropped.
    TooLarge,
}

/// Inflates a message that was compressed without context takeover.
///
/// # Errors
///
/// See [`InflateError`]; more than `limit` bytes are never held.
pub fn inflate(message: &[u8], limit: usize) -> Result<Vec<u8>, InflateError> {
    DECOMPRESS.with_borrow_mut(|slot| {
        let inflate = slot.get_or_insert_with(|| Decompress::new(false));
        inflate.reset(false);
        let mut out = Vec::new();
        for mut input in [message, TAIL] {
            loop {
                if out.len() == out.capacity() {
                    // One byte above the limit tells that it is passed.
                    let room = STEP.max(out.len()).min(limit.saturating_add(1) - out.len());
                    out.reserve_exact(room);
                }
                let before = inflate.total_in();
                let status = inflate
                    .decompress_vec(input, &mut out, FlushDecompress::Sync)
                    .or(Err(InflateError::Invalid))?;
                if out.len() > limit {
                    return Err(InflateError::TooLarge);
                }
                let read = usize::try_from(inflate.total_in() - before).unwrap_or(usize::MAX);
                input = input.get(read..).unwrap_or_default();
                match status {
                    Status::StreamEnd => return Ok(out),
                    _ if out.len() == out.capacity() => {}
                    _ if input.is_empty() => break,
                    // Room and input, but no progress.
                    _ if read == 0 => return Err(InflateError::Invalid),
                    _ => {}
                }
            }
        }
        Ok(out)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: Wire = Wire { deflate: Some(0), ..Wire::V4 };

    fn text(len: usize) -> Vec<u8> {
        b"[\"message\",12345,".iter().copied().cycle().take(len).collect()
    }

    #[test]
    fn rubbish_and_bombs_are_refused() {
        for bytes in [&b"\xff\xff\xff"[..], b"\x07", b"\x00\x05\x00\x00\x00"] {
            assert_eq!(inflate(bytes, 1_000), Err(InflateError::Invalid), "{bytes:?}");
        }
        let bomb = compress(&vec![0; 10_000_000]).unwrap();
        assert!(bomb.len() < 100_000);
        assert_eq!(inflate(&bomb, 1_000_000), Err(InflateError::TooLarge));
        assert_eq!(inflate(&bomb, 9_999_999), Err(InflateError::TooLarge));
        assert_eq!(inflate(&bomb, 10_000_000).map(|out| out.len()), Ok(10_000_000));
    }

    #[test]
    fn any_cut_stays_within_the_limit_and_does_not_panic() {
        let compressed = compress(&text(5_000)).unwrap();
        for end in 0..compressed.len() {
            // What is missing may be made up by the tail, so the result may be anything.
            if let Ok(out) = inflate(&compressed[..end], 5_000) {
                assert!(out.len() <= 5_000);
            }
        }
    }

    #[test]
    fn messages_of_every_size_come_back() {
        for len in [32, 100, 1_023, STEP - 1, STEP, STEP + 1, 100_000, 3_000_000] {
            let message = text(len);
            let compressed = compress(&message).unwrap();
            assert_eq!(inflate(&compressed, len), Ok(message));
        }
        assert_eq!(inflate(b"", 10), Ok(Vec::new()));
        assert_eq!(inflate(b"\x00", 10), Ok(Vec::new()));
    }

    #[test]
    fn what_does_not_shrink_is_sent_as_it_is() {
        assert_eq!(compress(b"42[]"), None);
        let mut seed = 1u32;
        let noise: Vec<u8> = std::iter::repeat_with(|| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            seed.to_be_bytes()[0]
        })
        .take(100_000)
        .collect();
        assert_eq!(compress(&noise), None);
    }

    #[test]
    fn small_and_marked_messages_are_left_alone() {
        let frame = Frame::text(text(1_024).into());
        assert!(payload(&frame, Wire::V4).is_none());
        assert!(payload(&frame, Wire { deflate: Some(1_025), ..Wire::V4 }).is_none());
        assert!(payload(&frame, Wire { deflate: Some(1_024), ..Wire::V4 }).is_some());
        assert!(payload(&frame.uncompressed(), ALL).is_none());
    }

    #[test]
    fn a_shared_frame_is_compressed_once() {
        let frame = Frame::text(text(2_000).into()).shared();
        let clone = frame.clone();
        let first = payload(&frame, ALL).unwrap();
        let second = payload(&clone, ALL).unwrap();
        assert_eq!(first.as_ptr(), second.as_ptr());
    }
}
