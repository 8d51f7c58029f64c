//! `#[ws_controller("/ns")]` on a struct or enum: the namespace alone, for `#[ws_handlers]` to use.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use quote::quote_spanned;
use syn::parse::ParseStream;
use syn::{Attribute, Generics, Ident, Visibility, WhereClause};

use crate::attr::{self, Accepted};
use crate::controller;
use crate::diag::Errors;
use crate::namespace::{CRATE, namespace, runtime, static_str};
use crate::paths::{CONTROLLER_PATH, here};

const ACCEPTED: &[Accepted] = &[CRATE];

/// The parts of the type that an `impl` for it repeats.
pub(crate) struct TypeHead {
    name: Ident,
    generics: Generics,
}

/// Reads a struct, enum or union up to where its `where` clause ends.
pub(crate) fn parse(input: ParseStream<'_>) -> syn::Result<TypeHead> {
    input.call(Attribute::parse_outer)?;
    input.parse::<Visibility>()?;
    // `struct`, `enum` or `union`, which the caller has seen.
    input.parse::<TokenTree>()?;
    let name = input.parse()?;
    let mut generics: Generics = input.parse()?;
    let mut clause: Option<WhereClause> = input.parse()?;
    while !input.is_empty() {
        let tree: TokenTree = input.parse()?;
        // The fields of a tuple struct stand before its `where`.
        let is_tuple =
            matches!(&tree, TokenTree::Group(g) if g.delimiter() == Delimiter::Parenthesis);
        if is_tuple && clause.is_none() {
            clause = input.parse()?;
        }
    }
    generics.where_clause = clause;
    Ok(TypeHead { name, generics })
}

/// The `impl ControllerPath` and the errors; the type itself is not repeated.
pub(crate) fn expand(arguments: TokenStream, head: &TypeHead) -> TokenStream {
    let mut errors = Errors::new();
    let mine = foreign(arguments, &mut errors);
    let read = attr::arguments(mine, ACCEPTED, true, &mut errors);
    let path = namespace(&read, &mut errors);
    let paths = runtime(&read, &mut errors);
    let span = here(head.name.span());
    let (trait_path, text) = (paths.at(span, CONTROLLER_PATH), static_str());
    let name = &head.name;
    let (impl_generics, type_generics, clause) = head.generics.split_for_impl();
    let errors = errors.into_tokens();
    quote_spanned! {span=>
        #errors
        #[automatically_derived]
        impl #impl_generics #trait_path for #name #type_generics #clause {
            const PATH: #text = #path;
        }
    }
}

/// Reports options that belong to the methods, and leaves the rest.
fn foreign(arguments: TokenStream, errors: &mut Errors) -> TokenStream {
    let trees: Vec<TokenTree> = arguments.into_iter().collect();
    let is_comma = |tree: &TokenTree| matches!(tree, TokenTree::Punct(p) if p.as_char() == ',');
    let mut mine = TokenStream::new();
    for part in trees.split_inclusive(is_comma) {
        let option = match part.first() {
            Some(TokenTree::Ident(ident)) if *ident != "crate" => Some(ident),
            _ => None,
        };
        let known = option.and_then(|ident| {
            let known = controller::OPTIONS.iter().find(|(name, _)| ident == name);
            known.map(|(name, shape)| (ident, attr::written(name, *shape)))
        });
        if let Some((ident, written)) = known {
            let place = "on the `impl` block of the methods";
            errors.at(ident, format_args!("{written} goes into #[ws_handlers(..)] {place}"));
        } else {
            mine.extend(part.iter().cloned());
        }
    }
    mine
}
