//! What a parameter of an event handler can be.
//!
//! A blanket implementation covers every type that owns its data; the wrappers change how much of
//! the argument list is read and what happens to errors.
//! A wrapper must not implement `Deserialize`, or it would be covered twice.

use serde::Deserialize;

use super::{ArgCursor, ArgError};

/// A type that can be the argument of an event handler.
///
/// Implemented for everything that owns its data and implements [`Deserialize`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a parameter of an event handler",
    label = "neither an event argument nor a context type",
    note = "an event argument needs `serde::Deserialize` (add `#[derive(Deserialize)]`) and must own its data",
    note = "a value taken from the connection (user, session, …) needs `impl FromContext for {Self}`",
    note = "what a connect guard stored is `State<T>`, application data is `web::Data<T>`, and `Valid<T>` needs `garde::Validate`"
)]
pub trait EventArg: Sized {
    /// What a client sends in this place.
    type Wire;

    /// Takes the value from the argument list.
    ///
    /// # Errors
    ///
    /// Returns an error if the arguments at the cursor do not fit the type.
    fn read(cur: &mut ArgCursor<'_>) -> Result<Self, ArgError>;
}

#[diagnostic::do_not_recommend]
impl<T: for<'de> Deserialize<'de>> EventArg for T {
    type Wire = T;

    #[inline]
    fn read(cur: &mut ArgCursor<'_>) -> Result<Self, ArgError> {
        cur.require()
    }
}

/// An argument whose error the handler wants to see.
///
/// A broken packet still ends the session; the handler does not run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Try<T>(pub Result<T, ArgError>);

impl<T: EventArg> EventArg for Try<T> {
    type Wire = T::Wire;

    #[inline]
    fn read(cur: &mut ArgCursor<'_>) -> Result<Self, ArgError> {
        match T::read(cur) {
            Err(error) if error.is_malformed() => Err(error),
            result => Ok(Self(result)),
        }
    }
}

/// All remaining arguments.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rest<T>(pub Vec<T>);

/// Sent, the elements are so many arguments: what `Rest` took from one event it gives to another.
impl<T: serde::Serialize> serde::Serialize for Rest<T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeTuple as _;
        let mut tuple = serializer.serialize_tuple(self.0.len())?;
        for element in &self.0 {
            tuple.serialize_element(element)?;
        }
        tuple.end()
    }
}

impl<T: EventArg> EventArg for Rest<T> {
    type Wire = Vec<T::Wire>;

    fn read(cur: &mut ArgCursor<'_>) -> Result<Self, ArgError> {
        let mut all = Vec::new();
        while cur.has_next()? {
            let index = cur.index();
            all.push(T::read(cur)?);
            if cur.index() == index {
                // A type that reads nothing would be read for ever.
                break;
            }
        }
        Ok(Self(all))
    }
}
