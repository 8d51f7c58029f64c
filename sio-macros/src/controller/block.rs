//! The `impl` block, read only as far as the attributes need it.
//!
//! Each member is attributes, visibility and a signature; its body is one unread token. What cannot
//! be read is passed over, because the block reaches the compiler unchanged and fails there, with the
//! compiler's own message.

use proc_macro2::{Delimiter, TokenTree};
use syn::ext::IdentExt;
use syn::parse::ParseStream;
use syn::parse::discouraged::Speculative;
use syn::{Abi, Attribute, Generics, Ident, Signature, Token, Type, Visibility, braced, token};

/// An `impl` block with its members.
pub(crate) struct Block {
    pub(crate) unsafety: Option<Token![unsafe]>,
    pub(crate) generics: Generics,
    /// The trait of a trait impl, which no controller is.
    pub(crate) of_trait: Option<Type>,
    pub(crate) self_ty: Type,
    pub(crate) members: Vec<Member>,
}

/// One item of the block.
pub(crate) enum Member {
    Method {
        attrs: Vec<Attribute>,
        sig: Box<Signature>,
    },
    /// A method whose signature is not Rust (yet).
    Broken {
        attrs: Vec<Attribute>,
    },
    /// A constant, a type, a macro call.
    Other {
        attrs: Vec<Attribute>,
    },
}

pub(crate) fn parse(input: ParseStream<'_>) -> syn::Result<Block> {
    input.call(Attribute::parse_outer)?;
    input.parse::<Visibility>()?;
    input.parse::<Option<Token![default]>>()?;
    let unsafety = input.parse()?;
    input.parse::<Token![impl]>()?;
    let mut generics: Generics = if input.peek(Token![<]) && !input.peek2(Token![<]) {
        input.parse()?
    } else {
        Generics::default()
    };
    input.parse::<Option<Token![const]>>()?;
    input.parse::<Option<Token![!]>>()?;
    let first: Type = input.parse()?;
    let (of_trait, self_ty) = if input.parse::<Option<Token![for]>>()?.is_some() {
        (Some(first), input.parse()?)
    } else {
        (None, first)
    };
    generics.where_clause = input.parse()?;
    let content;
    braced!(content in input);
    content.call(Attribute::parse_inner)?;
    let mut members = Vec::new();
    while !content.is_empty() {
        members.push(member(&content)?);
    }
    Ok(Block { unsafety, generics, of_trait, self_ty, members })
}

fn member(input: ParseStream<'_>) -> syn::Result<Member> {
    let attrs = input.call(Attribute::parse_outer)?;
    input.parse::<Visibility>()?;
    if input.peek(Token![default]) && !input.peek2(Token![!]) {
        input.parse::<Token![default]>()?;
    }
    if !starts_fn(input) {
        let by_semicolon = input.peek(Token![const]) || input.peek(Token![type]);
        pass(input, !by_semicolon)?;
        return Ok(Member::Other { attrs });
    }
    let ahead = input.fork();
    let member = match ahead.parse::<Signature>() {
        Ok(sig) if ahead.peek(token::Brace) || ahead.peek(Token![;]) => {
            input.advance_to(&ahead);
            Member::Method { attrs, sig: Box::new(sig) }
        }
        Ok(_) | Err(_) => Member::Broken { attrs },
    };
    pass(input, true)?;
    Ok(member)
}

/// Whether a method is next, by its qualifiers.
fn starts_fn(input: ParseStream<'_>) -> bool {
    let ahead = input.fork();
    while !ahead.peek(Token![fn]) {
        let is_qualifier = ahead.peek(Token![const])
            || ahead.peek(Token![async])
            || ahead.peek(Token![unsafe])
            || ahead.peek(Token![extern]);
        let passed = if ahead.peek(Token![extern]) {
            ahead.parse::<Abi>().is_ok()
        } else {
            is_qualifier && ahead.call(Ident::parse_any).is_ok()
        };
        if !passed {
            return false;
        }
    }
    true
}

/// Goes behind the next `;`, or behind the next `{ .. }` where one ends the item.
fn pass(input: ParseStream<'_>, braces_end: bool) -> syn::Result<()> {
    while !input.is_empty() {
        match input.parse::<TokenTree>()? {
            TokenTree::Punct(punct) if punct.as_char() == ';' => break,
            TokenTree::Group(g) if braces_end && g.delimiter() == Delimiter::Brace => break,
            _ => {}
        }
    }
    Ok(())
}
