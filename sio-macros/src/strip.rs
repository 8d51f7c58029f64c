//! The user's block without our attributes.
//!
//! The block is given back token by token, never printed from a syntax tree: a half-typed body or
//! signature reaches the compiler as it stands, and completion works. Helpers go even when the
//! block has errors, because each would otherwise fire an error of its own.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use quote::quote;

use crate::words::{PARAMETER_WORDS, Word};

/// `item` with the helper attributes removed from the members of its body.
pub(crate) fn strip(item: TokenStream) -> TokenStream {
    let mut trees: Vec<TokenTree> = item.into_iter().collect();
    let body = trees.iter_mut().rev().find_map(|tree| match tree {
        TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => Some(group),
        _ => None,
    });
    if let Some(body) = body {
        *body = regroup(body, members(body.stream()));
    }
    trees.into_iter().collect()
}

/// The members of a block without our attributes, those of parameters included.
fn members(stream: TokenStream) -> TokenStream {
    let is_helper = |name: &str| Word::of_name(name).is_some();
    let makes_handler = |name: &str| Word::of_name(name).is_some_and(Word::makes_handler);
    let mut kept: Vec<TokenTree> = Vec::new();
    let mut owns_parameters = false;
    for tree in stream {
        match &tree {
            TokenTree::Group(group)
                if is_attribute(&kept, group) && names_ours(group.stream(), &is_helper) =>
            {
                kept.pop();
                if !owns_parameters && names_ours(group.stream(), &makes_handler) {
                    owns_parameters = true;
                    kept.extend(may_own_parameters());
                }
            }
            // The arguments of a macro call are not ours; everything else in parentheses at this
            // level is a visibility or a parameter list.
            TokenTree::Group(group)
                if group.delimiter() == Delimiter::Parenthesis && !ends_with(&kept, '!') =>
            {
                kept.push(regroup(group, parameters(group.stream())).into());
            }
            TokenTree::Group(group) => {
                // The body ends the member.
                owns_parameters &= group.delimiter() != Delimiter::Brace;
                kept.push(tree);
            }
            _ => kept.push(tree),
        }
    }
    kept.into_iter().collect()
}

/// Handlers cannot take what clippy's `needless_pass_by_value` would have them take.
fn may_own_parameters() -> TokenStream {
    quote!(#[allow(
        clippy::needless_pass_by_value,
        reason = "parameters of handlers own their data"
    )])
}

/// A parameter list without our attributes.
fn parameters(stream: TokenStream) -> TokenStream {
    let is_parameter_word = |name: &str| PARAMETER_WORDS.contains(&name);
    let mut kept: Vec<TokenTree> = Vec::new();
    for tree in stream {
        match &tree {
            TokenTree::Group(group)
                if is_attribute(&kept, group) && names_ours(group.stream(), &is_parameter_word) =>
            {
                kept.pop();
            }
            _ => kept.push(tree),
        }
    }
    kept.into_iter().collect()
}

fn is_attribute(before: &[TokenTree], group: &Group) -> bool {
    group.delimiter() == Delimiter::Bracket && ends_with(before, '#')
}

fn ends_with(trees: &[TokenTree], sign: char) -> bool {
    matches!(trees.last(), Some(TokenTree::Punct(punct)) if punct.as_char() == sign)
}

/// Whether the inside of `#[..]` is one of our attributes, directly or behind a `cfg_attr`.
fn names_ours(attr: TokenStream, is_ours: &dyn Fn(&str) -> bool) -> bool {
    let mut name = String::new();
    for tree in attr {
        match tree {
            TokenTree::Ident(ident) => name = ident.to_string(),
            TokenTree::Punct(punct) if punct.as_char() == ':' => {}
            TokenTree::Group(group) if name == "cfg_attr" => {
                return conditional(group.stream())
                    .into_iter()
                    .any(|attr| names_ours(attr, is_ours));
            }
            TokenTree::Group(_) | TokenTree::Punct(_) | TokenTree::Literal(_) => break,
        }
    }
    is_ours(&name)
}

/// The attributes that `cfg_attr(condition, attribute, ..)` gives, each as tokens.
pub(crate) fn conditional(arguments: TokenStream) -> Vec<TokenStream> {
    let trees: Vec<TokenTree> = arguments.into_iter().collect();
    let is_comma = |tree: &TokenTree| matches!(tree, TokenTree::Punct(p) if p.as_char() == ',');
    trees.split(is_comma).skip(1).map(|part| part.iter().cloned().collect()).collect()
}

fn regroup(old: &Group, stream: TokenStream) -> Group {
    let mut group = Group::new(old.delimiter(), stream);
    group.set_span(old.span());
    group
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn helpers_go_and_everything_else_stays() {
        let stripped = strip(quote! {
            #[cfg(x)]
            impl Chat {
                /// Said.
                #[on_message("say")]
                #[sio_actix::emit("said")]
                #[tracing::instrument]
                #[cfg_attr(x, guard(y))]
                fn say(&self, #[arg] #[allow(unused)] a: u8) { #[on_message] b. }
            }
        });
        let expected = quote! {
            #[cfg(x)]
            impl Chat {
                /// Said.
                #[allow(
                    clippy::needless_pass_by_value,
                    reason = "parameters of handlers own their data"
                )]
                #[tracing::instrument]
                fn say(&self, #[allow(unused)] a: u8) { #[on_message] b. }
            }
        };
        assert_eq!(stripped.to_string(), expected.to_string());
    }

    #[test]
    fn macro_calls_keep_their_arguments() {
        let item = quote! { impl Chat { members!(#[arg] x); } };
        assert_eq!(strip(item.clone()).to_string(), item.to_string());
    }
}
