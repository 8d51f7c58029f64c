//! Handler parameters that come from the web framework.

use actix_web::web;
use sio_core::handler::{
    Dispatch, EventCx, EventError, FromContext, FromServerSide, Param, Requirements, ServerSideCx,
    ServerSideParam,
};
use sio_core::packet::ArgCursor;
use sio_core::server;
use std::any::type_name;

use crate::io::{Endpoint, Io};

/// As [`FromContext`], for types of actix-web, which this crate cannot give the core's trait.
pub trait FromWebContext: Sized {
    /// Takes the value.
    ///
    /// # Errors
    ///
    /// What the client is told instead of the handler being called.
    fn from_web_context(cx: &EventCx<'_>) -> Result<Self, EventError>;

    /// Declares what the type needs.
    fn requirements(_: &mut Requirements) {}
}

/// What was given to [`IoBuilder::data`](crate::IoBuilder::data); its absence is found when the server is
/// built.
impl<T: ?Sized + Send + Sync + 'static> FromWebContext for web::Data<T> {
    fn from_web_context(cx: &EventCx<'_>) -> Result<Self, EventError> {
        cx.data::<Self>().cloned().ok_or_else(no_data::<T>)
    }

    fn requirements(requirements: &mut Requirements) {
        requirements.data::<Self>();
    }
}

impl<T: ?Sized + Send + Sync + 'static> FromWebContext for Option<web::Data<T>> {
    fn from_web_context(cx: &EventCx<'_>) -> Result<Self, EventError> {
        Ok(cx.data::<web::Data<T>>().cloned())
    }
}

/// Tells [`FromWebContext`] parameters of closures apart; users never write it.
#[derive(Debug)]
#[non_exhaustive]
pub struct IsWebContext;

impl<T: ?Sized + Send + Sync + 'static> Param<IsWebContext> for web::Data<T> {
    fn take(cx: &EventCx<'_>, _args: &mut ArgCursor<'_>) -> Result<Self, Dispatch> {
        Self::from_web_context(cx).map_err(Dispatch::failed)
    }

    fn requirements(requirements: &mut Requirements) {
        <Self as FromWebContext>::requirements(requirements);
    }
}

impl<T: ?Sized + Send + Sync + 'static> Param<IsWebContext> for Option<web::Data<T>> {
    fn take(cx: &EventCx<'_>, _args: &mut ArgCursor<'_>) -> Result<Self, Dispatch> {
        Self::from_web_context(cx).map_err(Dispatch::failed)
    }
}

impl<T: ?Sized + Send + Sync + 'static> ServerSideParam<IsWebContext> for web::Data<T> {
    fn take(cx: &ServerSideCx<'_>, _args: &mut ArgCursor<'_>) -> Result<Self, Dispatch> {
        cx.data::<Self>().cloned().ok_or_else(|| Dispatch::failed(no_data::<T>()))
    }

    fn requirements(requirements: &mut Requirements) {
        requirements.data::<Self>();
    }
}

impl<T: ?Sized + Send + Sync + 'static> ServerSideParam<IsWebContext> for Option<web::Data<T>> {
    fn take(cx: &ServerSideCx<'_>, _args: &mut ArgCursor<'_>) -> Result<Self, Dispatch> {
        Ok(cx.data::<web::Data<T>>().cloned())
    }
}

fn no_data<T: ?Sized>() -> EventError {
    EventError::absent(format!("no application data of type {}", type_name::<T>()))
}

impl FromContext for Io {
    fn from_context(cx: &EventCx<'_>) -> Result<Self, EventError> {
        handle(cx.socket().io())
    }
}

impl FromServerSide for Io {
    fn from_server_side(cx: &ServerSideCx<'_>) -> Result<Self, EventError> {
        handle(cx.io())
    }
}

fn handle(core: server::Io) -> Result<Io, EventError> {
    let endpoint = core.hub().extension().cloned();
    let endpoint = endpoint.and_then(|endpoint| endpoint.downcast::<Endpoint>().ok());
    endpoint
        .map(|endpoint| Io::from_parts(core, endpoint))
        .ok_or_else(|| EventError::internal("the server was not built by sio-actix"))
}
