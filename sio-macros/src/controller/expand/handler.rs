//! The closures that a registration hands over: one that names what the parameters need, one that
//! takes the parameters, calls the method and turns its result into a reply.
//!
//! Tokens about a parameter stand where its type stands, and tokens about the result where the
//! return type stands, so that an unfulfilled trait is reported at the type. Local names have the
//! hygiene of the macro: a method of the user may use the same ones.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;

use crate::controller::model::{Controller, Forced, Handler, Param, Receiver, Role};
use crate::controller::parse::return_span;
use crate::paths::{self, Name, err, here, ok};

/// Every local name of an expansion.
pub(super) struct Locals {
    pub(super) args: Ident,
    pub(super) cx: Ident,
    pub(super) ns: Ident,
    pub(super) reg: Ident,
    outlet: Ident,
    out: Ident,
    req: Ident,
    socket: Ident,
    this: Ident,
    value: Ident,
}

impl Locals {
    pub(super) fn new() -> Self {
        let local = |name| Ident::new(name, Span::mixed_site());
        Self {
            args: local("args"),
            cx: local("cx"),
            ns: local("ns"),
            reg: local("reg"),
            outlet: local("outlet"),
            out: local("out"),
            req: local("req"),
            socket: local("socket"),
            this: local("this"),
            value: local("value"),
        }
    }
}

fn argument(index: usize) -> Ident {
    format_ident!("a{index}", span = Span::mixed_site())
}

pub(super) struct Printer<'c> {
    pub(super) controller: &'c Controller<'c>,
    pub(super) locals: &'c Locals,
}

/// Where the method is called.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// In the dispatch itself; `this` is `&Arc<_>`.
    Now,
    /// In a future; `this` is the `Arc`, or a reference to the locked instance.
    Future,
}

impl Printer<'_> {
    fn at(&self, span: Span, name: Name) -> TokenStream {
        self.controller.paths.at(span, name)
    }

    fn per_connection(&self) -> bool {
        self.controller.scope.is_connection()
    }

    /// What the parameters need to be there, for the check at start-up.
    pub(super) fn require(&self, handler: &Handler<'_>) -> TokenStream {
        let req = &self.locals.req;
        let requirements = self.at(Span::mixed_site(), paths::REQUIREMENTS);
        let lines = handler.params.iter().map(|param| {
            let picked = self.picked(param, handler);
            quote_spanned!(here(param.ty.span())=> #picked.require(#req);)
        });
        let lines: TokenStream = lines.collect();
        let req = if lines.is_empty() { quote!(_) } else { quote!(#req) };
        quote_spanned!(Span::mixed_site()=> |#req: &mut #requirements| { #lines })
    }

    /// The closure of an event.
    pub(super) fn event(&self, handler: &Handler<'_>, strict: bool) -> TokenStream {
        let span = Span::mixed_site();
        let Locals { args, out, .. } = self.locals;
        let finish = if strict { paths::FINISH_STRICT } else { paths::FINISH };
        let (finish, cursor) = (self.at(span, finish), self.at(span, paths::ARG_CURSOR));
        let err = err(span);
        let finish = quote_spanned! {span=>
            if let #err(#out) = #finish(&mut #args) { return #out; }
        };
        self.closure(handler, &quote_spanned!(span=> , mut #args: #cursor<'_>), &finish)
    }

    /// The closure of a handler that takes everything from the connection.
    pub(super) fn life_cycle(&self, handler: &Handler<'_>) -> TokenStream {
        self.closure(handler, &TokenStream::new(), &TokenStream::new())
    }

    fn closure(
        &self,
        handler: &Handler<'_>,
        cursor: &TokenStream,
        finish: &TokenStream,
    ) -> TokenStream {
        let span = Span::mixed_site();
        let cx = &self.locals.cx;
        let context = if is_server_side(handler) { paths::SERVER_SIDE_CX } else { paths::EVENT_CX };
        let (event_cx, dispatch) = (self.at(span, context), self.at(span, paths::DISPATCH));
        let shared = self.shared(handler);
        let params = handler.params.iter().enumerate().map(|(i, p)| self.take(i, p, handler));
        let sink = self.sink(handler);
        let body = self.body(handler);
        quote_spanned! {span=> {
            #shared
            move |#cx: &#event_cx<'_> #cursor| -> #dispatch {
                #(#params)*
                #finish
                #sink
                #body
            }
        }}
    }

    /// What the closure captures.
    fn shared(&self, handler: &Handler<'_>) -> Option<TokenStream> {
        let span = Span::mixed_site();
        let (this, arc) = (&self.locals.this, self.at(span, paths::ARC));
        let clone = paths::clone(span);
        match (self.per_connection(), runs_now(handler, self.per_connection())) {
            // Without an instance, what runs now is still told when it may.
            (true, true) => Some(quote_spanned!(span=> let #this = #arc::new(());)),
            (true, false) => None,
            (false, false) if handler.receiver == Receiver::None => None,
            (false, true) if handler.receiver == Receiver::None && is_server_side(handler) => None,
            (false, _) => Some(quote_spanned!(span=> let #this = #clone(&self);)),
        }
    }

    /// The statement that takes one parameter.
    fn take(&self, index: usize, param: &Param<'_>, handler: &Handler<'_>) -> TokenStream {
        let span = here(param.ty.span());
        let Locals { cx, args, out, value, .. } = self.locals;
        let (local, picked) = (argument(index), self.picked(param, handler));
        let (ok, err) = (ok(span), err(span));
        let from = if is_event(handler) { quote!(#cx, &mut #args) } else { quote!(#cx) };
        quote_spanned! {span=>
            let #local = match #picked.take(#from) {
                #ok(#value) => #value,
                #err(#out) => return #out,
            };
        }
    }

    /// The kind of a parameter: found by its type, or forced.
    fn picked(&self, param: &Param<'_>, handler: &Handler<'_>) -> TokenStream {
        let (span, ty) = (here(param.ty.span()), param.ty);
        let server_side = is_server_side(handler);
        let forced = match param.forced {
            Some((Forced::Context, _)) if server_side => paths::FORCED_SERVER_SIDE_CONTEXT,
            Some((Forced::Argument, _)) if server_side => paths::FORCED_SERVER_SIDE_ARGUMENT,
            Some((Forced::Context, _)) => paths::FORCED_CONTEXT,
            Some((Forced::Argument, _)) => paths::FORCED_ARGUMENT,
            None => {
                let probe = self.at(span, paths::PROBE);
                let pick = match handler.role {
                    Role::ServerSide(_) => "pick_server_side",
                    Role::Messages(_) => "pick",
                    _ => "pick_context",
                };
                let pick = Ident::new(pick, span);
                return quote_spanned!(span=> (&&&#probe::<#ty>::new()).#pick());
            }
        };
        let forced = self.at(span, forced);
        quote_spanned!(span=> #forced::<#ty>())
    }

    /// Where the result goes.
    fn sink(&self, handler: &Handler<'_>) -> TokenStream {
        let span = here(return_span(handler.sig));
        let Locals { cx, outlet, socket, .. } = self.locals;
        match handler.role {
            Role::ConnectGuard | Role::Create => {
                let clone = paths::clone(span);
                quote_spanned!(span=> let #socket = #clone(#cx.socket());)
            }
            _ if handler.emissions.is_empty() => {
                quote_spanned!(span=> let #outlet = #cx.ack_only();)
            }
            // The method is lent it where it is called.
            _ if runs_now(handler, self.per_connection()) => TokenStream::new(),
            _ => quote_spanned!(span=> let #outlet = #cx.outlet();),
        }
    }

    /// The call, now or in a future.
    fn body(&self, handler: &Handler<'_>) -> TokenStream {
        if runs_now(handler, self.per_connection()) {
            self.now(handler)
        } else {
            self.future(handler)
        }
    }

    fn now(&self, handler: &Handler<'_>) -> TokenStream {
        let span = Span::mixed_site();
        if is_server_side(handler) {
            // No middleware can make it wait.
            let this = &self.locals.this;
            let given = (handler.receiver != Receiver::None)
                .then(|| quote_spanned!(span=> let #this = &#this;));
            let result = self.result(handler, Place::Now);
            return quote_spanned!(span=> #given #result);
        }
        let at = |name| self.at(span, name);
        let Locals { cx, outlet, this, .. } = self.locals;
        let (run, lent) = if handler.emissions.is_empty() {
            (at(paths::RUN_SYNC), None)
        } else {
            let lent = at(paths::LENT);
            (at(paths::RUN_EMITTING), Some(quote_spanned!(span=> , #outlet: #lent<'_>)))
        };
        let arc = at(paths::ARC);
        let shared = if self.per_connection() { quote!(()) } else { quote!(Self) };
        let given = if handler.receiver == Receiver::None { quote!(_) } else { quote!(#this) };
        let result = self.result(handler, Place::Now);
        quote_spanned! {span=>
            #run(#cx, &#this, move |#given: &#arc<#shared> #lent| { #result })
        }
    }

    fn future(&self, handler: &Handler<'_>) -> TokenStream {
        let span = Span::mixed_site();
        let pending = self.at(span, paths::PENDING);
        let (before, inside) = self.instance(handler);
        let result = self.result(handler, Place::Future);
        quote_spanned! {span=>
            #before
            #pending(async move { #inside #result })
        }
    }

    /// Statements that make `this`: before the future and inside.
    fn instance(&self, handler: &Handler<'_>) -> (TokenStream, TokenStream) {
        let span = Span::mixed_site();
        let Locals { cx, this, out, value, .. } = self.locals;
        if handler.receiver == Receiver::None {
            return (TokenStream::new(), TokenStream::new());
        }
        if !self.per_connection() {
            let clone = paths::clone(span);
            return (quote_spanned!(span=> let #this = #clone(&#this);), TokenStream::new());
        }
        let (ok, err) = (ok(span), err(span));
        let before = quote_spanned! {span=>
            let #this = match #cx.instance::<Self>() {
                #ok(#value) => #value,
                #err(#out) => return #out,
            };
        };
        // A reference keeps the lock to the end of the future, because the result may borrow from it.
        let mutable = (handler.receiver == Receiver::Mut).then(|| quote!(mut));
        (before, quote_spanned!(span=> let #this = &#mutable *#this.lock().await;))
    }

    /// Calls the method and makes a `Dispatch` (now) or a `Reply` (in a future) of its result.
    fn result(&self, handler: &Handler<'_>, place: Place) -> TokenStream {
        let span = here(return_span(handler.sig));
        // At the return type like the calls on it, or an error would move to the attribute.
        let r = Ident::new("r", span);
        let call = self.call(handler, place);
        let tail = match handler.role {
            Role::ConnectGuard => self.answer(span, paths::ADMIT, &r, place),
            Role::Create => self.answer(span, paths::CREATED, &r, place),
            _ => self.reply(span, &r, place),
        };
        quote_spanned!(span=> let #r = #call; #tail)
    }

    fn call(&self, handler: &Handler<'_>, place: Place) -> TokenStream {
        let span = here(handler.sig.ident.span());
        let (this, method) = (&self.locals.this, &handler.sig.ident);
        let receiver = match (handler.receiver, place) {
            (Receiver::None, _) => None,
            (Receiver::Arc, Place::Now) => {
                let clone = paths::clone(span);
                Some(quote_spanned!(span=> #clone(#this),))
            }
            (Receiver::Ref, Place::Future) if !self.per_connection() => {
                Some(quote_spanned!(span=> &#this,))
            }
            _ => Some(quote_spanned!(span=> #this,)),
        };
        let arguments = (0..handler.params.len()).map(argument);
        let wait = handler.is_awaited().then(|| quote_spanned!(span=> .await));
        quote_spanned!(span=> Self::#method(#receiver #(#arguments),*) #wait)
    }

    /// The tail of a connect guard or `#[create]`.
    fn answer(&self, span: Span, function: Name, r: &Ident, place: Place) -> TokenStream {
        let socket = &self.locals.socket;
        let types = (function == paths::CREATED).then(|| quote_spanned!(span=> ::<Self, _>));
        let function = self.at(span, function);
        let reply = quote_spanned!(span=> #function #types(&#socket, #r));
        let dispatch = self.at(span, paths::DISPATCH);
        match place {
            Place::Now => quote_spanned!(span=> #dispatch::Ready(#reply)),
            Place::Future => reply,
        }
    }

    /// The tail of an event handler.
    fn reply(&self, span: Span, r: &Ident, place: Place) -> TokenStream {
        let at = |name| self.at(span, name);
        let (ret, outlet, out) = (at(paths::RET), &self.locals.outlet, &self.locals.out);
        let (ok, err) = (ok(span), err(span));
        let (good, bad) = match place {
            Place::Now => {
                let failed = at(paths::FAILED);
                (quote_spanned!(span=> .finish(#r, #outlet)), quote_spanned!(span=> #failed(#out)))
            }
            Place::Future => {
                let reply = at(paths::REPLY);
                (
                    quote_spanned!(span=> .run(#r, #outlet).await),
                    quote_spanned!(span=> #reply::Err(#out)),
                )
            }
        };
        quote_spanned! {span=>
            match #ret::of(&#r).split(#r) {
                #ok(#r) => (&&&#ret::of(&#r)) #good,
                #err(#out) => #bad,
            }
        }
    }
}

/// Whether it has arguments.
fn is_event(handler: &Handler<'_>) -> bool {
    matches!(handler.role, Role::Messages(_) | Role::ServerSide(_))
}

fn is_server_side(handler: &Handler<'_>) -> bool {
    matches!(handler.role, Role::ServerSide(_))
}

/// Whether the method is called in the dispatch itself. An instance must be locked, which may wait.
fn runs_now(handler: &Handler<'_>, per_connection: bool) -> bool {
    let is_locked = per_connection && handler.receiver != Receiver::None;
    !handler.can_wait() && !is_locked
}
