//! What the expansions of the macros name; nothing here is for people.

use std::fmt;
use std::marker::PhantomData;

use crate::context::{FromWebContext, IsWebContext};
use sio_core::handler::ServerSideParam;

pub use sio_core::macros::*;

/// The traits whose methods the expansion calls; imported as a glob.
pub mod probe {
    pub use super::{PickLifeWeb as _, PickServerSideWeb as _, PickWeb as _};
    pub use sio_core::macros::traits::*;
}

/// A type of the web framework.
pub struct Web<T>(PhantomData<fn() -> T>);

impl<T> fmt::Debug for Web<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Web")
    }
}

impl<T: FromWebContext> Web<T> {
    pub fn require(&self, requirements: &mut Requirements) {
        T::requirements(requirements);
    }
}

/// Types of the web framework in handlers of events: tried after the core's, before arguments.
pub trait PickWeb<T> {
    fn pick(&self) -> WebEvent<T> {
        WebEvent(Web(PhantomData))
    }
}

impl<T: FromWebContext> PickWeb<T> for &Probe<T> {}

/// Types of the web framework in handlers of a socket's life.
pub trait PickLifeWeb<T> {
    fn pick_context(&self) -> WebLife<T> {
        WebLife(Web(PhantomData))
    }
}

impl<T: FromWebContext> PickLifeWeb<T> for &Probe<T> {}

/// Types of the web framework in handlers of server-side events.
pub trait PickServerSideWeb<T> {
    fn pick_server_side(&self) -> WebServerSide<T> {
        WebServerSide(PhantomData)
    }
}

impl<T: ServerSideParam<IsWebContext>> PickServerSideWeb<T> for &Probe<T> {}

#[derive(Debug)]
pub struct WebEvent<T>(Web<T>);

#[derive(Debug)]
pub struct WebLife<T>(Web<T>);

impl<T: FromWebContext> WebEvent<T> {
    pub fn take(&self, cx: &EventCx<'_>, _args: &mut ArgCursor<'_>) -> Result<T, Dispatch> {
        T::from_web_context(cx).map_err(Dispatch::failed)
    }

    pub fn require(&self, requirements: &mut Requirements) {
        self.0.require(requirements);
    }
}

impl<T: FromWebContext> WebLife<T> {
    pub fn take(&self, cx: &EventCx<'_>) -> Result<T, Dispatch> {
        T::from_web_context(cx).map_err(Dispatch::failed)
    }

    pub fn require(&self, requirements: &mut Requirements) {
        self.0.require(requirements);
    }
}

pub struct WebServerSide<T>(PhantomData<fn() -> T>);

impl<T> fmt::Debug for WebServerSide<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebServerSide")
    }
}

impl<T: ServerSideParam<IsWebContext>> WebServerSide<T> {
    pub fn take(&self, cx: &ServerSideCx<'_>, args: &mut ArgCursor<'_>) -> Result<T, Dispatch> {
        T::take(cx, args)
    }

    pub fn require(&self, requirements: &mut Requirements) {
        T::requirements(requirements);
    }
}
