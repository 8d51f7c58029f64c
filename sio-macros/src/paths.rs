//! Every path of the runtime that an expansion names, each once.
//!
//! They are absolute, so that no name of the user's module changes what they mean, and they can be
//! given the place of any token of the user, so that the compiler's errors point there.

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::Path;

/// A name in `sio_actix::__private`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Name(&'static str);

macro_rules! names {
    ($($constant:ident = $name:literal,)*) => {
        $(pub(crate) const $constant: Name = Name($name);)*
    };
}

names! {
    ADMIT = "admit",
    ARC = "Arc",
    ARG_CURSOR = "ArgCursor",
    CONNECTION_CONTROLLER = "ConnectionController",
    CONTROLLER = "Controller",
    CONTROLLER_PATH = "ControllerPath",
    CREATED = "created",
    DEFAULT_INSTANCE = "default_instance",
    DISPATCH = "Dispatch",
    EMISSION = "Emission",
    EVENT_CX = "EventCx",
    FAILED = "failed",
    FINISH = "finish",
    FINISH_STRICT = "finish_strict",
    FORCED_ARGUMENT = "forced_argument",
    FORCED_CONTEXT = "forced_context",
    FORCED_SERVER_SIDE_ARGUMENT = "forced_server_side_argument",
    FORCED_SERVER_SIDE_CONTEXT = "forced_server_side_context",
    LENT = "Lent",
    NAMESPACE_BUILDER = "NamespaceBuilder",
    PENDING = "pending",
    PROBE = "Probe",
    PROBE_TRAITS = "probe",
    REGISTRAR = "Registrar",
    REPLY = "Reply",
    REQUIREMENTS = "Requirements",
    RET = "Ret",
    RUN_EMITTING = "run_emitting",
    RUN_SYNC = "run_sync",
    SERVER_SIDE_CX = "ServerSideCx",
}

/// Where the runtime is.
#[derive(Debug)]
pub(crate) struct Paths {
    private: TokenStream,
}

impl Paths {
    /// `krate` is what `crate = path` said.
    pub(crate) fn new(krate: Option<&Path>) -> Self {
        let krate = krate.map_or_else(|| quote!(::sio_actix), ToTokens::to_token_stream);
        Self { private: quote!(#krate::__private) }
    }

    /// The path to `name`, placed at `span`.
    pub(crate) fn at(&self, span: Span, name: Name) -> TokenStream {
        let name = syn::Ident::new(name.0, here(span));
        let colons = quote_spanned!(here(span)=> ::);
        // A path that the user wrote keeps the meaning it has where it was written.
        let moved = self.private.clone().into_iter().map(|mut tree: TokenTree| {
            tree.set_span(tree.span().located_at(span));
            tree
        });
        moved.chain(colons).chain(name.to_token_stream()).collect()
    }
}

/// The place of `span`, with names that cannot meet those of the user.
pub(crate) fn here(span: Span) -> Span {
    Span::mixed_site().located_at(span)
}

/// `Result::Ok`, whatever the user calls `Ok` or `Result`.
pub(crate) fn ok(span: Span) -> TokenStream {
    quote_spanned!(here(span)=> ::core::result::Result::Ok)
}

/// `Result::Err`.
pub(crate) fn err(span: Span) -> TokenStream {
    quote_spanned!(here(span)=> ::core::result::Result::Err)
}

/// `Clone::clone`, where the trait may not be in scope.
pub(crate) fn clone(span: Span) -> TokenStream {
    quote_spanned!(here(span)=> ::core::clone::Clone::clone)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crate_path_replaces_the_default() {
        let span = Span::call_site();
        let text = |paths: Paths| paths.at(span, ARC).to_string().replace(' ', "");
        assert_eq!(text(Paths::new(None)), "::sio_actix::__private::Arc");
        let path = syn::parse_quote!(crate::web::sio);
        assert_eq!(text(Paths::new(Some(&path))), "crate::web::sio::__private::Arc");
    }
}
