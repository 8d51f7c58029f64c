//! WebSocket frames as a client writes and reads them.

use std::ops::Range;

/// Opcodes.
pub(crate) const CONTINUATION: u8 = 0;
pub(crate) const TEXT: u8 = 1;
pub(crate) const BINARY: u8 = 2;
pub(crate) const CLOSE: u8 = 8;
pub(crate) const PING: u8 = 9;
pub(crate) const PONG: u8 = 10;

/// Not zero, so that the server has to unmask.
const MASK: [u8; 4] = [0x5a, 0xc3, 0x17, 0x8e];
/// No frame of a scenario comes near it.
const LONGEST: u64 = 64 << 20;

/// One frame of a server.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) opcode: u8,
    pub(crate) last: bool,
    /// Where its payload stands; the frame ends there as well.
    pub(crate) payload: Range<usize>,
}

/// A masked frame.
pub(crate) fn frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = Vec::with_capacity(payload.len() + 14);
    frame.push(0x80 | opcode);
    let length = payload.len();
    match (u8::try_from(length), u16::try_from(length)) {
        (Ok(short @ 0..126), _) => frame.push(0x80 | short),
        (_, Ok(medium)) => {
            frame.push(0x80 | 126);
            frame.extend(medium.to_be_bytes());
        }
        _ => {
            frame.push(0x80 | 127);
            frame.extend((length as u64).to_be_bytes());
        }
    }
    frame.extend(MASK);
    frame.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}

pub(crate) fn text(payload: &str) -> Vec<u8> {
    frame(TEXT, payload.as_bytes())
}

/// The frame at the beginning of `bytes`, if all of it is there.
pub(crate) fn decode(bytes: &[u8]) -> Result<Option<Frame>, String> {
    let &[first, second, ref rest @ ..] = bytes else { return Ok(None) };
    if first & 0x70 != 0 || second & 0x80 != 0 {
        return Err(format!("a frame that starts with {first:02x} {second:02x}"));
    }
    let (head, length) = match second {
        126 => match rest.first_chunk() {
            Some(length) => (4, u64::from(u16::from_be_bytes(*length))),
            None => return Ok(None),
        },
        127 => match rest.first_chunk() {
            Some(length) => (10, u64::from_be_bytes(*length)),
            None => return Ok(None),
        },
        short => (2, u64::from(short)),
    };
    if length > LONGEST {
        return Err(format!("a frame of {length} bytes"));
    }
    let end = head + usize::try_from(length).unwrap_or(usize::MAX);
    if bytes.len() < end {
        return Ok(None);
    }
    Ok(Some(Frame { opcode: first & 0x0f, last: first & 0x80 != 0, payload: head..end }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_server_sends_is_refused() {
        // A mask, a reserved bit, a length beyond all bounds.
        assert!(decode(&[0x81, 0x80]).is_err());
        assert!(decode(&[0xc1, 0x00]).is_err());
        assert!(decode(&[0x82, 127, 255, 0, 0, 0, 0, 0, 0, 0]).is_err());
    }

    #[test]
    fn a_frame_is_found_when_all_of_it_is_there() {
        for length in [0_usize, 1, 125, 126, 65_535, 65_536] {
            let mut bytes = frame(BINARY, &vec![7; length]);
            // A server's frame is the same without the mask.
            bytes[1] &= 0x7f;
            let head = bytes.len() - length - 4;
            bytes.drain(head..head + 4);
            assert_eq!(decode(&bytes[..bytes.len() - 1]), Ok(None), "{length}");
            let found = decode(&bytes).unwrap().unwrap();
            assert_eq!((found.opcode, found.last), (BINARY, true));
            assert_eq!(found.payload, head..bytes.len());
        }
    }

    #[test]
    fn the_literal_bytes_of_a_short_text() {
        assert_eq!(text("3"), [0x81, 0x81, 0x5a, 0xc3, 0x17, 0x8e, b'3' ^ 0x5a]);
    }
}
