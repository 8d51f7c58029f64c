//! Arguments of attributes: names in quotes, constants, and options from a list of accepted ones.
//!
//! Each attribute says what it accepts; everything that is unknown, given twice or of the wrong
//! shape is reported here, with the list of what is accepted. Parsing goes on behind a mistake at
//! the next comma.

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::parse::{Parse, ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::{Attribute, Expr, ExprPath, Ident, LitStr, Meta, Token, parenthesized, token};

use crate::diag::Errors;

/// How an option is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// `ordered`
    Flag,
    /// `guard(a, b)`
    List,
    /// `room = "r"`; holds what the message shows behind the `=`.
    Value(&'static str),
    /// As `Value`, and may be given several times.
    Values(&'static str),
}

/// An option that an attribute accepts.
pub(crate) type Accepted = (&'static str, Shape);

/// A name: in quotes, or the path of a constant.
#[derive(Clone)]
pub(crate) enum Name {
    Literal(LitStr),
    Constant(ExprPath),
}

impl Name {
    pub(crate) fn literal(&self) -> Option<String> {
        match self {
            Self::Literal(literal) => Some(literal.value()),
            Self::Constant(_) => None,
        }
    }

    /// The same for equal names; a constant never equals a literal, whatever its value.
    pub(crate) fn key(&self) -> String {
        match self {
            Self::Literal(literal) => format!("{:?}", literal.value()),
            Self::Constant(path) => path.to_token_stream().to_string(),
        }
    }

    /// As the user sees it in a message.
    pub(crate) fn shown(&self) -> String {
        match self {
            Self::Literal(literal) => literal.value(),
            Self::Constant(path) => path.to_token_stream().to_string().replace(' ', ""),
        }
    }
}

impl ToTokens for Name {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        match self {
            Self::Literal(literal) => literal.to_tokens(tokens),
            Self::Constant(path) => path.to_tokens(tokens),
        }
    }
}

/// What stood behind an option's name.
pub(crate) enum Given {
    Flag,
    List(Vec<Expr>),
    Value(Expr),
}

/// One option as the user wrote it.
pub(crate) struct Choice {
    pub(crate) name: Ident,
    pub(crate) given: Given,
}

/// The arguments of one attribute.
#[derive(Default)]
pub(crate) struct Arguments {
    pub(crate) names: Vec<Name>,
    pub(crate) options: Vec<Choice>,
    /// Something was wrong and reported; what is absent here may have stood there.
    pub(crate) is_broken: bool,
}

impl Arguments {
    /// The name of the flag as the user wrote it.
    pub(crate) fn flag(&self, name: &str) -> Option<&Ident> {
        self.options.iter().map(|choice| &choice.name).find(|given| *given == name)
    }

    /// Every value of `name = value`.
    pub(crate) fn values(&self, name: &str) -> impl Iterator<Item = &Expr> {
        self.options.iter().filter(move |choice| choice.name == name).filter_map(|choice| {
            match &choice.given {
                Given::Value(value) => Some(value),
                Given::Flag | Given::List(_) => None,
            }
        })
    }

    /// The expressions of `name(a, b)`.
    pub(crate) fn list(&self, name: &str) -> Vec<Expr> {
        let choice = self.options.iter().find(|choice| choice.name == name);
        match choice.map(|choice| &choice.given) {
            Some(Given::List(list)) => list.clone(),
            _ => Vec::new(),
        }
    }
}

/// The tokens between the parentheses of an attribute, nothing for one without.
pub(crate) fn inside(attr: &Attribute, errors: &mut Errors) -> Option<TokenStream> {
    match &attr.meta {
        Meta::Path(_) => Some(TokenStream::new()),
        Meta::List(list) => Some(list.tokens.clone()),
        Meta::NameValue(pair) => {
            let name = attr.path().segments.last().map(|s| s.ident.to_string());
            let name = name.unwrap_or_default();
            errors.at(pair.eq_token, format_args!("arguments go in parentheses: #[{name}(..)]"));
            None
        }
    }
}

/// Reads a list of expressions, as `#[guard(a, b)]` has it.
pub(crate) fn expressions(tokens: TokenStream, errors: &mut Errors) -> Vec<Expr> {
    match Punctuated::<Expr, Token![,]>::parse_terminated.parse2(tokens) {
        Ok(list) => list.into_iter().collect(),
        Err(error) => {
            errors.push(error);
            Vec::new()
        }
    }
}

/// Reads arguments; `takes_names` says whether names in quotes and constants are accepted.
pub(crate) fn arguments(
    tokens: TokenStream,
    accepted: &[Accepted],
    takes_names: bool,
    errors: &mut Errors,
) -> Arguments {
    let mut read = Arguments::default();
    let parser = |input: ParseStream<'_>| {
        while !input.is_empty() {
            let entry = argument(input, accepted, takes_names).and_then(|entry| {
                let behind = input.is_empty() || input.peek(Token![,]);
                if behind { Ok(entry) } else { Err(input.error("expected `,`")) }
            });
            match entry {
                Ok(Entry::Name(name)) => read.names.push(name),
                Ok(Entry::Choice(choice)) => add(&mut read, choice, accepted, errors),
                Err(error) => {
                    read.is_broken = true;
                    errors.push(error);
                    while !input.is_empty() && !input.peek(Token![,]) {
                        input.parse::<TokenTree>()?;
                    }
                }
            }
            input.parse::<Option<Token![,]>>()?;
        }
        Ok(())
    };
    if let Err(error) = parser.parse2(tokens) {
        read.is_broken = true;
        errors.push(error);
    }
    read
}

enum Entry {
    Name(Name),
    Choice(Choice),
}

fn argument(
    input: ParseStream<'_>,
    accepted: &[Accepted],
    takes_names: bool,
) -> syn::Result<Entry> {
    if takes_names && input.peek(LitStr) {
        return Ok(Entry::Name(Name::Literal(input.parse()?)));
    }
    if !starts_path(input) {
        let wanted = if takes_names { "a name in quotes, the path of a constant" } else { "" };
        let token: TokenTree = input.parse()?;
        let message = format!("expected {}", list(accepted, wanted));
        return Err(syn::Error::new_spanned(token, message));
    }
    let path: ExprPath = input.parse()?;
    let valued = input.peek(Token![=]) || input.peek(token::Paren);
    let Some(name) = path.path.get_ident().filter(|_| path.qself.is_none()) else {
        let is_constant = takes_names && !valued;
        return if is_constant {
            Ok(Entry::Name(Name::Constant(path)))
        } else {
            Err(unknown(&path, accepted))
        };
    };
    let name = name.clone();
    let Some((_, shape)) = accepted.iter().find(|(known, _)| name == known) else {
        // A constant is written in capitals; anything else was meant as an option.
        let is_constant = name.to_string().starts_with(|c: char| c.is_uppercase() || c == '_');
        return if takes_names && !valued && is_constant {
            Ok(Entry::Name(Name::Constant(path)))
        } else {
            Err(unknown(&path, accepted))
        };
    };
    let given = if input.peek(Token![=]) {
        input.parse::<Token![=]>()?;
        Given::Value(bare(input.parse()?))
    } else if input.peek(token::Paren) {
        let content;
        parenthesized!(content in input);
        let list = content.parse_terminated(Expr::parse, Token![,])?;
        Given::List(list.into_iter().collect())
    } else {
        Given::Flag
    };
    let fits = matches!(
        (shape, &given),
        (Shape::Flag, Given::Flag)
            | (Shape::List, Given::List(_))
            | (Shape::Value(_) | Shape::Values(_), Given::Value(_))
    );
    if fits {
        Ok(Entry::Choice(Choice { name, given }))
    } else {
        let message = match shape {
            Shape::Flag => format!("`{name}` takes no value"),
            _ => format!("`{name}` is written as {}", written(&name.to_string(), *shape)),
        };
        Err(syn::Error::new_spanned(name, message))
    }
}

/// Without the invisible group around what a `macro_rules` macro passed on.
fn bare(value: Expr) -> Expr {
    match value {
        Expr::Group(group) => bare(*group.expr),
        other => other,
    }
}

fn starts_path(input: ParseStream<'_>) -> bool {
    input.peek(Ident)
        || input.peek(Token![::])
        || input.peek(Token![<])
        || input.peek(Token![crate])
        || input.peek(Token![self])
        || input.peek(Token![super])
        || input.peek(Token![Self])
}

/// Adds an option, unless it was given before.
fn add(read: &mut Arguments, choice: Choice, accepted: &[Accepted], errors: &mut Errors) {
    let repeatable = accepted
        .iter()
        .any(|(name, shape)| choice.name == name && matches!(shape, Shape::Values(_)));
    if !repeatable && read.flag(&choice.name.to_string()).is_some() {
        read.is_broken = true;
        errors.at(&choice.name, format_args!("`{}` is given twice", choice.name));
    } else {
        read.options.push(choice);
    }
}

fn unknown(path: &ExprPath, accepted: &[Accepted]) -> syn::Error {
    let shown = path.to_token_stream().to_string().replace(' ', "");
    let mut message = if accepted.is_empty() {
        format!("unknown option `{shown}`; this attribute has none")
    } else {
        format!("unknown option `{shown}`; expected {}", list(accepted, ""))
    };
    if let Some(near) = nearest(&shown, accepted) {
        message.push_str(&format!("; did you mean `{near}`?"));
    } else if accepted.iter().any(|(name, _)| *name == "fallback") {
        // The attribute of events: most likely a name without its quotes.
        message.push_str(&format!("; an event is named in quotes: \"{shown}\""));
    }
    syn::Error::new_spanned(path, message)
}

/// `a`, `b` or `c`.
fn list(accepted: &[Accepted], first: &str) -> String {
    let mut words: Vec<String> = Vec::new();
    if !first.is_empty() {
        words.push(first.to_owned());
    }
    words.extend(accepted.iter().map(|(name, shape)| written(name, *shape)));
    match words.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
        None => "nothing".to_owned(),
    }
}

/// An option as a message shows it.
pub(crate) fn written(name: &str, shape: Shape) -> String {
    match shape {
        Shape::Flag => format!("`{name}`"),
        Shape::List => format!("`{name}(..)`"),
        Shape::Value(value) | Shape::Values(value) => format!("`{name} = {value}`"),
    }
}

/// The accepted option that `word` probably stands for.
fn nearest(word: &str, accepted: &[Accepted]) -> Option<&'static str> {
    let near = accepted.iter().map(|(name, _)| {
        // Letters in another order are one slip, however far they went.
        let slips = if letters(word) == letters(name) { 0 } else { distance(word, name) };
        (slips, *name)
    });
    let (slips, name) = near.min()?;
    // Of a short word, every other short word is near.
    (slips <= name.len().max(word.len()) / 3).then_some(name)
}

fn letters(word: &str) -> Vec<char> {
    let mut letters: Vec<char> = word.chars().collect();
    letters.sort_unstable();
    letters
}

/// How many letters must be changed, added or removed to make `b` of `a`.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (cell, y) in row.iter_mut().skip(1).zip(b.chars()) {
            let changed = diagonal + usize::from(x != y);
            diagonal = *cell;
            left = changed.min(diagonal + 1).min(left + 1);
            *cell = left;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests;
