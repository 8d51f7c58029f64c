//! Handler parameters that come from the web framework.

use actix_web::web;
use sio_core::handler::{Dispatch, EventCx, EventError, FromContext, Param, Requirements};
use sio_core::packet::ArgCursor;
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
        cx.data::<Self>().cloned().ok_or_else(|| {
            EventError::absent(format!("no application data of type {}", type_name::<T>()))
        })
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

impl FromContext for Io {
    fn from_context(cx: &EventCx<'_>) -> Result<Self, EventError> {
        let core = cx.socket().io();
        let endpoint = core.hub().extension().cloned();
        let endpoint = endpoint.and_then(|endpoint| endpoint.downcast::<Endpoint>().ok());
        endpoint
            .map(|endpoint| Self::from_parts(core, endpoint))
            .ok_or_else(|| EventError::internal("the server was not built by sio-actix"))
    }
}
