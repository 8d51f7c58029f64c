//! The arguments of events and acks: as they came, and read into types.
//!
//! Everything that implements `EventArg` of the core can be received; [`Args`] adds several arguments
//! at once.

use bytes::Bytes;
use sio_core::packet::{ArgCursor, ArgError, EventArg, Rest, Value};

/// The arguments of one event or ack, not yet read into a type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawArgs {
    /// As an [`ArgCursor`] takes it.
    text: Box<str>,
    attachments: Vec<Bytes>,
}

impl RawArgs {
    pub(crate) fn new(text: &str, attachments: &[Bytes]) -> Self {
        Self { text: text.into(), attachments: attachments.to_vec() }
    }

    /// Reads the first argument as `T`, several with [`Args`], all with `Rest<T>`, none with `()`.
    ///
    /// # Errors
    ///
    /// The arguments do not fit `T`.
    pub fn read<T: EventArg>(&self) -> Result<T, ArgError> {
        T::read(&mut ArgCursor::new(&self.text, &self.attachments))
    }

    /// Reads all arguments, whatever they are.
    #[must_use]
    pub fn values(&self) -> Vec<Value> {
        self.read::<Rest<Value>>().map(|rest| rest.0).unwrap_or_default()
    }

    /// The arguments as comma-separated JSON, with placeholders where attachments belong.
    #[must_use]
    pub fn json(&self) -> &str {
        let text = self.text.trim_start_matches([',', ' ']);
        text.trim_end().strip_suffix(']').unwrap_or(text)
    }

    /// Bytes that are held.
    pub(crate) fn byte_len(&self) -> usize {
        self.text.len() + self.attachments.iter().map(Bytes::len).sum::<usize>()
    }

    /// The attachments in the order of the packet.
    #[must_use]
    pub fn attachments(&self) -> &[Bytes] {
        &self.attachments
    }
}

/// Several arguments, read by position: `once::<Args<(i64, String)>>("e")`.
///
/// A bare tuple would be *one* argument, a JSON array, because that is what serde makes of tuples.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "a pattern for closure parameters: `|Args((a, b))|`")]
pub struct Args<T>(pub T);

macro_rules! args {
    ($($name:ident)+) => {
        impl<$($name: EventArg),+> EventArg for Args<($($name,)+)> {
            type Wire = ($($name::Wire,)+);

            fn read(cursor: &mut ArgCursor<'_>) -> Result<Self, ArgError> {
                Ok(Self(($($name::read(cursor)?,)+)))
            }
        }
    };
}

args!(A);
args!(A B);
args!(A B C);
args!(A B C D);
args!(A B C D E);
args!(A B C D E F);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_arguments_are_read_by_position() {
        let raw = RawArgs::new(r#",1,"two",[3]]"#, &[]);
        let Args((a, b, c)) = raw.read::<Args<(u8, String, Vec<u8>)>>().unwrap();
        assert_eq!((a, b.as_str(), c), (1, "two", vec![3]));
        assert_eq!(raw.json(), r#"1,"two",[3]"#);
        assert!(matches!(raw.read::<Args<(u8, u8)>>(), Err(ArgError::Invalid { index: 1, .. })));
    }

    #[test]
    fn a_tuple_is_one_array_and_unit_is_nothing() {
        assert_eq!(RawArgs::new("[1,2]]", &[]).read::<(u8, u8)>(), Ok((1, 2)));
        assert_eq!(RawArgs::new("]", &[]).read::<()>(), Ok(()));
        assert!(matches!(RawArgs::new("]", &[]).read::<u8>(), Err(ArgError::Missing { .. })));
    }
}
