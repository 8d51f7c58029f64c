//! What the attribute stands on: an `impl` block, a type, or something it cannot serve.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::quote;
use syn::parse::{ParseStream, Parser};
use syn::{Attribute, Token, Visibility};

use crate::controller::{self, block};
use crate::diag::Errors;
use crate::path;
use crate::strip::strip;

/// Which of the two attributes was used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// `#[ws_controller("/ns")]`
    Controller,
    /// `#[ws_handlers]`
    Handlers,
}

/// The item without our attributes, followed by what it becomes.
pub(crate) fn expand(form: Form, arguments: TokenStream, item: &TokenStream) -> TokenStream {
    let kind = kind.parse2(item.clone());
    // Elsewhere an attribute of this name is another's, such as the helper of a derive.
    let kept = if matches!(kind, Ok(Kind::Impl)) { strip(item.clone()) } else { item.clone() };
    let generated = match kind {
        Ok(Kind::Impl) => {
            block::parse.parse2(item.clone()).map_or_else(syn::Error::into_compile_error, |block| {
                controller::expand(form, arguments, &block)
            })
        }
        Ok(Kind::Type) if form == Form::Controller => path::parse
            .parse2(item.clone())
            .map_or_else(syn::Error::into_compile_error, |head| path::expand(arguments, &head)),
        Ok(Kind::Type) => refuse(
            "#[ws_handlers] goes on the `impl` block of the methods; the type has #[ws_controller(\"/namespace\")]",
        ),
        Ok(Kind::Other) => refuse(match form {
            Form::Controller => {
                "#[ws_controller] goes on the inherent `impl` block of a controller, or on its struct"
            }
            Form::Handlers => "#[ws_handlers] goes on the inherent `impl` block of a controller",
        }),
        Err(error) => error.into_compile_error(),
    };
    quote!(#kept #generated)
}

fn refuse(what: &str) -> TokenStream {
    let mut errors = Errors::new();
    errors.push(syn::Error::new(Span::call_site(), what));
    errors.into_tokens().unwrap_or_default()
}

enum Kind {
    Impl,
    Type,
    Other,
}

/// Looks at the keyword only; whatever is behind it is taken unread.
fn kind(input: ParseStream<'_>) -> syn::Result<Kind> {
    input.call(Attribute::parse_outer)?;
    input.parse::<Visibility>()?;
    let unsafe_impl = input.peek(Token![unsafe]) && input.peek2(Token![impl]);
    let default_impl = input.peek(Token![default]) && input.peek2(Token![impl]);
    let kind = if input.peek(Token![impl]) || unsafe_impl || default_impl {
        Kind::Impl
    } else if input.peek(Token![struct]) || input.peek(Token![enum]) || is_union(input) {
        Kind::Type
    } else {
        Kind::Other
    };
    input.parse::<TokenStream>()?;
    Ok(kind)
}

/// `union` is a keyword only in front of a name.
fn is_union(input: ParseStream<'_>) -> bool {
    input.peek2(syn::Ident)
        && matches!(input.cursor().token_tree(), Some((TokenTree::Ident(word), _)) if is_word(&word))
}

fn is_word(word: &Ident) -> bool {
    word == "union"
}
