//! The namespace of a controller, and the rules that its text must keep.
//!
//! A text with `{name}` or `{name:regex}` in it is a pattern: it stands for every namespace of that
//! form. Only literals can be checked here; the value of a constant is checked when it is mounted.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote};
use syn::LitStr;
use syn::ext::IdentExt;
use syn::parse::Parser;

use crate::attr::{Accepted, Arguments, Name};
use crate::diag::Errors;
use crate::paths::Paths;

/// What `#[ws_controller]` and `#[ws_handlers]` accept about the crate.
pub(crate) const CRATE: Accepted = ("crate", crate::attr::Shape::Value("path"));

/// The one namespace among the names of an attribute, `"/"` when there is none.
pub(crate) fn namespace(arguments: &Arguments, errors: &mut Errors) -> TokenStream {
    for more in arguments.names.iter().skip(1) {
        errors.at(more, "a controller has one namespace");
    }
    let Some(name) = arguments.names.first() else {
        return quote!("/");
    };
    if let Name::Literal(literal) = name
        && let Err(what) = check(&literal.value())
    {
        errors.at(literal, what);
    }
    name.to_token_stream()
}

/// The runtime that `crate = path` names, or the default one.
pub(crate) fn runtime(arguments: &Arguments, errors: &mut Errors) -> Paths {
    match arguments.values("crate").next() {
        Some(syn::Expr::Path(path)) if path.qself.is_none() => Paths::new(Some(&path.path)),
        Some(other) => {
            errors.at(other, "`crate` takes a path: `crate = path::to::sio_actix`");
            Paths::new(None)
        }
        None => Paths::new(None),
    }
}

/// A literal `str` type, whatever the user calls `str`.
pub(crate) fn static_str() -> TokenStream {
    let span = Span::mixed_site();
    quote::quote_spanned!(span=> &'static ::core::primitive::str)
}

fn check(text: &str) -> Result<(), String> {
    if !text.starts_with('/') {
        let fixed = LitStr::new(&format!("/{text}"), Span::call_site()).to_token_stream();
        return Err(format!("a namespace starts with `/`; write {fixed}"));
    }
    let mut names: Vec<&str> = Vec::new();
    let mut rest = text;
    while let Some((fixed, behind)) = rest.split_once('{') {
        if fixed.contains('}') {
            break;
        }
        let Some((parameter, behind)) = close(behind) else {
            return Err("a `{` of this namespace pattern has no `}`".to_owned());
        };
        let (name, regex) =
            parameter.split_once(':').map_or((parameter, None), |(n, r)| (n, Some(r)));
        if syn::Ident::parse_any.parse_str(name).is_err() || name.starts_with("r#") {
            return Err(format!(
                "`{{{parameter}}}` names no parameter; a namespace pattern has `{{name}}` or `{{name:regex}}`"
            ));
        }
        if regex == Some("") {
            return Err(format!("the regex of `{{{parameter}}}` is empty; write `{{{name}}}`"));
        }
        if names.contains(&name) {
            return Err(format!("this namespace pattern has two parameters `{name}`"));
        }
        names.push(name);
        rest = behind;
    }
    if rest.contains('}') {
        return Err("a `}` of this namespace pattern has no `{`".to_owned());
    }
    Ok(())
}

/// Splits behind the `}` that closes a parameter; a regex may have braces of its own.
fn close(text: &str) -> Option<(&str, &str)> {
    let mut depth = 0_usize;
    for (at, sign) in text.char_indices() {
        match sign {
            '{' => depth += 1,
            '}' if depth == 0 => {
                let (inside, behind) = text.split_at_checked(at)?;
                return Some((inside, behind.strip_prefix('}')?));
            }
            '}' => depth -= 1,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_and_patterns_are_accepted() {
        let good = [
            "/",
            "/chat",
            "/org/{org}",
            "/org/{org}/room/{id:[0-9]+}",
            "/room-{id}",
            "/{a:[0-9]{2,4}}/{b}",
            "/{type}",
        ];
        for text in good {
            assert_eq!(check(text), Ok(()), "{text}");
        }
    }

    #[test]
    fn mistakes_are_told() {
        let bad = [
            ("", "write \"/\""),
            ("chat", "write \"/chat\""),
            ("/{org", "has no `}`"),
            ("/{a:[0-9]{2}", "has no `}`"),
            ("/org}", "has no `{`"),
            ("/}{", "has no `{`"),
            ("/{a}}", "has no `{`"),
            ("/{}", "`{}` names no parameter"),
            ("/{1a}", "`{1a}` names no parameter"),
            ("/{:x}", "`{:x}` names no parameter"),
            ("/{a:}", "write `{a}`"),
            ("/{a}/{a:x}", "two parameters `a`"),
        ];
        for (text, part) in bad {
            let what = check(text).expect_err(text);
            assert!(what.contains(part), "{text}: {what}");
        }
    }
}
