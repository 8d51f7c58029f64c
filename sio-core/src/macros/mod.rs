//! What the code written by sio-macros calls.
//!
//! Not an interface for people: it changes with the macros. Everything a controller does can be done with
//! [`NamespaceBuilder`](crate::server::NamespaceBuilder) as well; the macros only write those calls.

mod instance;
mod probe;
mod registrar;
mod results;

pub use std::sync::Arc;

pub use crate::close::DisconnectReason;
pub use crate::handler::{
    Admission, ConnectionController, Controller, ControllerPath, Dispatch, Emission, EventCx,
    EventError, Reply, Requirements, ServerSideCx, admit,
};
pub use crate::packet::ArgCursor;
pub use crate::server::{EventBuilder, NamespaceBuilder, ServerSideBuilder, Socket};

pub use instance::{ConnectionDefault, Instance, IntoInstance, created, default_instance};
pub use probe::{
    Argument, Context, LifeContext, Probe, ServerSideArgument, ServerSideContext, finish,
    finish_strict, forced_argument, forced_context, forced_server_side_argument,
    forced_server_side_context,
};
pub use registrar::Registrar;
pub use results::{
    AckOnly, Emitter, EventValue, ItemOutlet, Lent, Outlet, Ret, failed, pending, run_emitting,
    run_sync,
};

/// The traits whose methods the expansion calls; imported as a glob.
pub mod traits {
    pub use super::probe::{
        PickArgument as _, PickContext as _, PickLife as _, PickLifeContext as _,
        PickServerSideArgument as _, PickServerSideContext as _,
    };
    pub use super::results::{FromItems as _, FromResults as _, FromValue as _, SplitValue as _};
}
