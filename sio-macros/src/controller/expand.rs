//! The registration of a controller, printed from a model without mistakes.
//!
//! The expansion is one trait impl. Its `register` has one statement per handler attribute; what the
//! statement hands over is printed by `handler`. Nothing in here can fail.

mod handler;

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;

use super::model::{Chain, Controller, Emission, Handler, Message, Namespace, Role, Scope, Target};
use crate::namespace::static_str;
use crate::paths::{self, here};
use handler::{Locals, Printer};

/// The impl that registers everything.
///
/// It carries no `#[allow(..)]`: what it does is silent by itself, and a crate that forbids a lint
/// refuses every `allow` of it.
pub(crate) fn controller(controller: &Controller<'_>) -> TokenStream {
    let locals = Locals::new();
    let Locals { reg, ns, .. } = &locals;
    let span = Span::mixed_site();
    let at = |name| controller.paths.at(span, name);
    let (registrar, traits) = (at(paths::REGISTRAR), at(paths::PROBE_TRAITS));
    let printer = Printer { controller, locals: &locals };
    let options = options(controller, reg);
    let create = default_create(controller, &printer);
    let handlers = controller.handlers.iter().map(|handler| registration(&printer, handler));
    let body = quote_spanned! {span=>
        use #traits::*;
        let mut #reg = #registrar::new(#ns, ::core::any::type_name::<Self>());
        #options
        #create
        #(#handlers)*
    };
    implementation(controller, controller.scope.is_connection(), ns, &body)
}

/// What keeps `mount` from adding errors to those of the block.
pub(crate) fn stub(controller: &Controller<'_>) -> TokenStream {
    // A trait impl may stand beside the true controller, which then has an impl of its own.
    if controller.block.of_trait.is_some() {
        return TokenStream::new();
    }
    let ns = Locals::new().ns;
    let is_connection = controller.scope.is_connection();
    implementation(controller, is_connection, &ns, &quote!(let _ = #ns;))
}

fn implementation(
    controller: &Controller<'_>,
    per_connection: bool,
    ns: &Ident,
    body: &TokenStream,
) -> TokenStream {
    let span = here(controller.block.self_ty.span());
    let at = |name| controller.paths.at(span, name);
    let (arc, builder, text) = (at(paths::ARC), at(paths::NAMESPACE_BUILDER), static_str());
    let of_type = at(paths::CONTROLLER_PATH);
    let (name, receiver) = if per_connection {
        (at(paths::CONNECTION_CONTROLLER), None)
    } else {
        (at(paths::CONTROLLER), Some(quote_spanned!(Span::mixed_site()=> self: #arc<Self>,)))
    };
    let self_ty = &controller.block.self_ty;
    let (impl_generics, _, clause) = controller.block.generics.split_for_impl();
    // A second namespace on the type, which would be ignored, is a conflict with this impl.
    let path = match &controller.namespace {
        Namespace::Own(expression) => Some(quote_spanned! {span=>
            #[automatically_derived]
            impl #impl_generics #of_type for #self_ty #clause { const PATH: #text = #expression; }
        }),
        Namespace::OfType => None,
    };
    quote_spanned! {span=>
        #path
        #[automatically_derived]
        impl #impl_generics #name for #self_ty #clause {
            const NAMESPACE: #text = <Self as #of_type>::PATH;
            fn register(#receiver #ns: &mut #builder) { #body }
        }
    }
}

/// Statements for what the attribute of the block says.
fn options(controller: &Controller<'_>, reg: &Ident) -> TokenStream {
    let span = Span::mixed_site();
    let chain = chained(&controller.chain).into_iter().map(|call| quote!(#reg #call;));
    // The instance can serve one event at a time, so the next waits in any case.
    let ordered = (controller.ordered || controller.scope.is_connection())
        .then(|| quote_spanned!(span=> #reg.ordered();));
    let cancel = controller
        .cancel_on_disconnect
        .then(|| quote_spanned!(span=> #reg.cancel_on_disconnect();));
    quote!(#(#chain)* #ordered #cancel)
}

/// Calls that add guards, middleware and error hooks, each at its expression.
fn chained(chain: &Chain) -> Vec<TokenStream> {
    let call = |method: &str, expression: &syn::Expr| {
        let span = here(expression.span());
        let method = Ident::new(method, span);
        quote_spanned!(span=> .#method(#expression))
    };
    let guards = chain.guards.iter().map(|e| call("guard", e));
    let middleware = chain.middleware.iter().map(|e| call("middleware", e));
    let hooks = chain.on_error.iter().map(|e| call("on_error", e));
    guards.chain(middleware).chain(hooks).collect()
}

/// How the instance of a connection comes to be when no method says so.
fn default_create(controller: &Controller<'_>, printer: &Printer<'_>) -> Option<TokenStream> {
    let Scope::Connection(span) = controller.scope else { return None };
    let creators = controller.handlers.iter().filter(|h| matches!(h.role, Role::Create));
    // A conditional #[create] leaves the default for the other configuration.
    let mut conditions = Vec::new();
    for creator in creators {
        if creator.cfgs.is_empty() {
            return None;
        }
        let each = creator.cfgs.iter().filter_map(|cfg| cfg.meta.require_list().ok());
        let tokens = each.map(|list| &list.tokens);
        conditions.push(quote!(all(#(#tokens),*)));
    }
    let span = here(span);
    let at = |name| controller.paths.at(span, name);
    let (created, default) = (at(paths::CREATED), at(paths::DEFAULT_INSTANCE));
    let (dispatch, requirements) = (at(paths::DISPATCH), at(paths::REQUIREMENTS));
    let event_cx = at(paths::EVENT_CX);
    let Locals { reg, cx, .. } = printer.locals;
    let cfg = (!conditions.is_empty()).then(|| quote!(#[cfg(not(any(#(#conditions),*)))]));
    Some(quote_spanned! {span=>
        #cfg
        #reg.create("default", |_: &mut #requirements| {}, |#cx: &#event_cx<'_>| {
            #dispatch::Ready(#created::<Self, _>(#cx.socket(), #default::<Self>()))
        });
    })
}

/// The statements of one method.
fn registration(printer: &Printer<'_>, handler: &Handler<'_>) -> TokenStream {
    let span = here(handler.role_at.span());
    let reg = &printer.locals.reg;
    let name = handler.sig.ident.unraw().to_string();
    let require = printer.require(handler);
    let simple = |call: &str| {
        let (call, closure) = (Ident::new(call, span), printer.life_cycle(handler));
        quote_spanned!(span=> #reg.#call(#name, #require, #closure))
    };
    let added = additions(printer, handler);
    let statements = match &handler.role {
        Role::Messages(messages) => messages
            .iter()
            .map(|message| {
                let closure = printer.event(handler, message.strict);
                let options = message_options(message);
                let (call, events) = target(&message.target, span);
                quote_spanned! {span=>
                    #reg.#call(#events #name, #require, #closure) #added #options;
                }
            })
            .collect(),
        Role::ServerSide(all) => all
            .iter()
            .map(|one| {
                let closure = printer.event(handler, one.strict);
                let multi = one.multi.then(|| quote_spanned!(span=> .multi()));
                let events = &one.events;
                quote_spanned! {span=>
                    #reg.server_side(&[#(#events),*], #name, #require, #closure) #multi;
                }
            })
            .collect(),
        Role::Connection { cancel } => {
            let call = simple("connection");
            let cancel = cancel.as_ref().map(option);
            quote!(#call #added #cancel;)
        }
        Role::Disconnecting => {
            let call = simple("disconnecting");
            quote!(#call #added;)
        }
        Role::Disconnect => {
            let call = simple("disconnect");
            quote!(#call #added;)
        }
        Role::ConnectGuard => {
            let call = simple("connect_guard");
            quote!(#call;)
        }
        Role::Create => {
            let call = simple("create");
            quote!(#call;)
        }
    };
    let cfgs = &handler.cfgs;
    let quiet = handler.is_deprecated.then(|| quote!(#[allow(deprecated)]));
    quote!(#(#cfgs)* #quiet { #statements })
}

/// The registrar's method, and the events as its first argument.
fn target(target: &Target, span: Span) -> (Ident, TokenStream) {
    match target {
        Target::Events(names) => {
            (Ident::new("event", span), quote_spanned!(span=> &[#(#names),*],))
        }
        Target::Any(_) => (Ident::new("any", span), TokenStream::new()),
        Target::Fallback(_) => (Ident::new("fallback", span), TokenStream::new()),
    }
}

fn message_options(message: &Message) -> TokenStream {
    let span = Span::mixed_site();
    let ordered = message.ordered.then(|| quote_spanned!(span=> .ordered()));
    let multi = message.multi.then(|| quote_spanned!(span=> .multi()));
    let latest = message.latest.as_ref().map(option);
    let cancel = message.cancel.as_ref().map(option);
    quote!(#ordered #multi #latest #cancel)
}

/// A call without arguments, named as the option.
fn option(name: &Ident) -> TokenStream {
    let name = Ident::new(&name.to_string(), here(name.span()));
    quote_spanned!(name.span()=> .#name())
}

/// Calls on what the registrar returned: emissions, guards, middleware, error hooks.
fn additions(printer: &Printer<'_>, handler: &Handler<'_>) -> TokenStream {
    let emissions = handler.emissions.iter().map(|emission| {
        let emission = self::emission(printer, emission);
        quote_spanned!(Span::mixed_site()=> .emit(#emission))
    });
    emissions.chain(chained(&handler.chain)).collect()
}

fn emission(printer: &Printer<'_>, emission: &Emission) -> TokenStream {
    let span = here(emission.at.span());
    let path = printer.controller.paths.at(span, paths::EMISSION);
    let kind = Ident::new(if emission.is_broadcast { "broadcast" } else { "emit" }, span);
    let event = &emission.event;
    let rooms = emission.rooms.iter().map(|room| {
        let span = here(room.span());
        quote_spanned!(span=> .room(#room))
    });
    let flags = emission.flags.iter().map(option);
    let calls: TokenStream = rooms.chain(flags).collect();
    let start = quote_spanned!(span=> #path::#kind(#event));
    start.into_iter().chain(calls.to_token_stream()).collect()
}
