//! What a connect guard gives back.

use crate::server::Socket;

use super::context::State;
use super::error::{EventError, IntoEventError};
use super::guard::GuardResult as _;
use super::reply::Reply;

/// The verdict of a connect guard: `()`, `bool`, `State<T>` to be stored on the socket, a tuple of
/// those, `Option<State<T>>`, or a `Result` of any of them.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be returned from a connect guard",
    label = "expected `()`, `bool`, `State<T>`, a tuple of those, or a `Result` of one",
    note = "the error type of the `Result` needs `IntoEventError`, for instance `ConnectError`"
)]
pub trait Admission {
    /// Stores what the guard found out.
    ///
    /// # Errors
    ///
    /// The guard refused.
    fn admit(self, socket: &Socket) -> Result<(), EventError>;
}

/// What a connect guard's verdict leads to.
pub fn admit<A: Admission>(socket: &Socket, admission: A) -> Reply {
    match admission.admit(socket) {
        Ok(()) => Reply::Unit,
        Err(error) => Reply::Err(error),
    }
}

impl Admission for () {
    fn admit(self, _socket: &Socket) -> Result<(), EventError> {
        Ok(())
    }
}

impl Admission for bool {
    fn admit(self, _socket: &Socket) -> Result<(), EventError> {
        self.verdict()
    }
}

impl<T: Send + Sync + 'static> Admission for State<T> {
    fn admit(self, socket: &Socket) -> Result<(), EventError> {
        drop(socket.set_shared_state(self.0));
        Ok(())
    }
}

impl<A: Admission> Admission for Option<A> {
    fn admit(self, socket: &Socket) -> Result<(), EventError> {
        self.map_or(Ok(()), |admission| admission.admit(socket))
    }
}

impl<A: Admission, E: IntoEventError> Admission for Result<A, E> {
    fn admit(self, socket: &Socket) -> Result<(), EventError> {
        self.map_err(IntoEventError::into_event_error)?.admit(socket)
    }
}

macro_rules! tuples {
    ($($part:ident),*) => {
        impl<$($part: Admission),*> Admission for ($($part,)*) {
            fn admit(self, socket: &Socket) -> Result<(), EventError> {
                #[allow(non_snake_case, reason = "a part is named after its type")]
                let ($($part,)*) = self;
                $($part.admit(socket)?;)*
                Ok(())
            }
        }
    };
}

tuples!(A);
tuples!(A, B);
tuples!(A, B, C);
tuples!(A, B, C, D);
