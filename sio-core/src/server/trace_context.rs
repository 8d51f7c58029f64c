//! W3C trace context: of which trace a client says that its session is a part.

use std::fmt;

/// Characters of a `traceparent` header of version 00.
const PARENT_CHARS: usize = 55;
/// Longest `tracestate` that is kept; the specification asks for no more.
const MAX_STATE: usize = 512;

/// Where in a trace a session was opened: the `traceparent` and `tracestate` headers of its first request.
///
/// Read strictly, of version 00: what is anything else is as if it had not been sent. It is the client's word:
/// good for finding its spans, not for deciding anything.
///
/// ```
/// use sio_core::server::TraceContext;
///
/// let sent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
/// let context = TraceContext::parse(sent, None).unwrap();
/// assert!(context.is_sampled());
/// assert_eq!(context.to_string(), sent);
/// assert_eq!(TraceContext::parse(&sent.to_uppercase(), None), None);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceContext {
    trace: u128,
    span: u64,
    flags: u8,
    state: Option<Box<str>>,
}

impl TraceContext {
    /// Reads a `traceparent` header, and the `tracestate` header beside it.
    ///
    /// `None`: the former is not one of version 00. A state of more than 512 characters, or with others than
    /// printable ones of ASCII, is left out.
    #[must_use]
    pub fn parse(parent: &str, state: Option<&str>) -> Option<Self> {
        if parent.len() != PARENT_CHARS {
            return None;
        }
        let mut parts = parent.split('-');
        let mut part = |digits: usize| {
            let part = parts.next()?;
            let lower = |byte: &u8| byte.is_ascii_digit() || matches!(byte, b'a'..=b'f');
            (part.len() == digits && part.as_bytes().iter().all(lower)).then_some(part)
        };
        let version = part(2)?;
        let trace = u128::from_str_radix(part(32)?, 16).ok()?;
        let span = u64::from_str_radix(part(16)?, 16).ok()?;
        let flags = u8::from_str_radix(part(2)?, 16).ok()?;
        if version != "00" || trace == 0 || span == 0 || parts.next().is_some() {
            return None;
        }
        let state = state.filter(|state| is_state(state)).map(Into::into);
        Some(Self { trace, span, flags, state })
    }

    /// The id of the trace; never 0. Written with 32 hexadecimal digits.
    #[must_use]
    pub const fn trace_id(&self) -> u128 {
        self.trace
    }

    /// The id of the client's span; never 0. Written with 16 hexadecimal digits.
    #[must_use]
    pub const fn parent_span_id(&self) -> u64 {
        self.span
    }

    /// The flags as they came; of those, [`Self::is_sampled`] is known.
    #[must_use]
    pub const fn flags(&self) -> u8 {
        self.flags
    }

    /// The client may record its part of the trace.
    #[must_use]
    pub const fn is_sampled(&self) -> bool {
        self.flags & 1 == 1
    }

    /// The `tracestate` header, several joined with commas. Its entries are not checked.
    #[must_use]
    pub fn state(&self) -> Option<&str> {
        self.state.as_deref()
    }
}

/// As a `traceparent` header.
impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { trace, span, flags, .. } = self;
        write!(f, "00-{trace:032x}-{span:016x}-{flags:02x}")
    }
}

fn is_state(text: &str) -> bool {
    let printable = |byte: u8| matches!(byte, b'\t' | b' '..=b'~');
    (1..=MAX_STATE).contains(&text.len()) && text.bytes().all(printable)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn what_is_not_of_version_00_is_none() {
        for bad in [
            "",
            "00",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            // Upper case, another version, ids of zero.
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            // Signs and blanks that numbers may have elsewhere.
            "00-+bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-+1",
            " 0-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e473-600f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0-",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902\u{e9}-01",
        ] {
            assert_eq!(TraceContext::parse(bad, None), None, "{bad}");
        }
        let twice = format!("{GOOD}, {GOOD}");
        assert_eq!(TraceContext::parse(&twice, None), None);
    }

    #[test]
    fn a_header_of_version_00_is_read_and_written_alike() {
        let context = TraceContext::parse(GOOD, Some("a=1,b=2")).unwrap();
        assert_eq!(context.trace_id(), 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736);
        assert_eq!(context.parent_span_id(), 0x00f0_67aa_0ba9_02b7);
        assert!(context.is_sampled());
        assert_eq!(context.state(), Some("a=1,b=2"));
        assert_eq!(context.to_string(), GOOD);
        let unsampled = TraceContext::parse(&GOOD.replace("-01", "-fe"), None).unwrap();
        assert!(!unsampled.is_sampled());
        assert_eq!(unsampled.flags(), 0xfe);
    }

    #[test]
    fn a_state_that_is_too_long_or_no_text_is_left_out() {
        for bad in ["", "a=\u{1b}", "a=\u{e9}", &"a".repeat(513)] {
            assert_eq!(TraceContext::parse(GOOD, Some(bad)).unwrap().state(), None);
        }
        let longest = "a".repeat(512);
        assert_eq!(TraceContext::parse(GOOD, Some(&longest)).unwrap().state(), Some(&*longest));
    }
}
