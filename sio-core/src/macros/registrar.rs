//! What a controller's `register` calls, once per method.

use crate::handler::{
    ContextFn, Dispatch, ErrorHook, EventCx, Guard, HandlerFn, Middleware, Phase, Requirements,
    ServerSideCx, ServerSideFn,
};
use crate::packet::ArgCursor;
use crate::server::{EventBuilder, NamespaceBuilder, ServerSideBuilder};

/// Registers the methods of one controller.
#[derive(Debug)]
pub struct Registrar<'a> {
    ns: &'a mut NamespaceBuilder,
    owner: &'static str,
}

type Require = fn(&mut Requirements);

macro_rules! life_handlers {
    ($($method:ident: $phase:ident),*) => {$(
        pub fn $method<H>(
            &mut self,
            method: &'static str,
            require: Require,
            handler: H,
        ) -> &mut EventBuilder
        where
            H: for<'c> Fn(&EventCx<'c>) -> Dispatch + Send + Sync + 'static,
        {
            self.life(Phase::$phase, method, require, Box::new(handler))
        }
    )*};
}

impl<'a> Registrar<'a> {
    pub const fn new(ns: &'a mut NamespaceBuilder, owner: &'static str) -> Self {
        Self { ns, owner }
    }

    pub fn guard<M>(&mut self, guard: impl Guard<M>) -> &mut Self {
        self.ns.guard(guard);
        self
    }

    pub fn middleware(&mut self, middleware: impl Middleware) -> &mut Self {
        self.ns.middleware(middleware);
        self
    }

    pub fn on_error(&mut self, hook: impl ErrorHook) -> &mut Self {
        self.ns.on_error(hook);
        self
    }

    pub fn ordered(&mut self) -> &mut Self {
        self.ns.ordered();
        self
    }

    pub fn cancel_on_disconnect(&mut self) -> &mut Self {
        self.ns.cancel_on_disconnect();
        self
    }

    pub fn event<H>(
        &mut self,
        events: &[&'static str],
        method: &'static str,
        require: Require,
        handler: H,
    ) -> &mut EventBuilder
    where
        H: for<'c> Fn(&EventCx<'c>, ArgCursor<'c>) -> Dispatch + Send + Sync + 'static,
    {
        let handler: Box<HandlerFn> = Box::new(handler);
        self.ns.add_event(events, Some(self.owner), method, require, handler)
    }

    pub fn any<H>(
        &mut self,
        method: &'static str,
        require: Require,
        handler: H,
    ) -> &mut EventBuilder
    where
        H: for<'c> Fn(&EventCx<'c>, ArgCursor<'c>) -> Dispatch + Send + Sync + 'static,
    {
        let handler: Box<HandlerFn> = Box::new(handler);
        self.ns.add_any(Some(self.owner), method, require, handler)
    }

    pub fn fallback<H>(
        &mut self,
        method: &'static str,
        require: Require,
        handler: H,
    ) -> &mut EventBuilder
    where
        H: for<'c> Fn(&EventCx<'c>, ArgCursor<'c>) -> Dispatch + Send + Sync + 'static,
    {
        let handler: Box<HandlerFn> = Box::new(handler);
        self.ns.add_fallback(Some(self.owner), method, require, handler)
    }

    pub fn server_side<H>(
        &mut self,
        events: &[&'static str],
        method: &'static str,
        require: Require,
        handler: H,
    ) -> &mut ServerSideBuilder
    where
        H: for<'c> Fn(&ServerSideCx<'c>, ArgCursor<'c>) -> Dispatch + Send + Sync + 'static,
    {
        let handler: Box<ServerSideFn> = Box::new(handler);
        self.ns.add_server_side(events, Some(self.owner), method, require, handler)
    }

    life_handlers! { connection: Connection, disconnecting: Disconnecting, disconnect: Disconnect }

    pub fn connect_guard<H>(&mut self, method: &'static str, require: Require, handler: H)
    where
        H: for<'c> Fn(&EventCx<'c>) -> Dispatch + Send + Sync + 'static,
    {
        self.ns.add_connect_guard(Some(self.owner), method, require, Box::new(handler));
    }

    pub fn create<H>(&mut self, method: &'static str, require: Require, handler: H)
    where
        H: for<'c> Fn(&EventCx<'c>) -> Dispatch + Send + Sync + 'static,
    {
        self.ns.add_create(Some(self.owner), method, require, Box::new(handler));
    }

    fn life(
        &mut self,
        phase: Phase,
        method: &'static str,
        require: Require,
        handler: Box<ContextFn>,
    ) -> &mut EventBuilder {
        self.ns.add_life(phase, Some(self.owner), method, require, handler)
    }
}
