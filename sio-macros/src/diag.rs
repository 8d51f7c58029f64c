//! The error collector.
//!
//! Every rule reports here and goes on, so that a user sees all mistakes of one block at once.
//! The entry points turn what was found into `compile_error!`s; nothing else does.

use std::fmt::Display;

use proc_macro2::TokenStream;
use quote::ToTokens;

/// What was found wrong, in the order it was found.
///
/// It must end in [`Errors::into_tokens`]: a collector that is dropped unread would accept a mistake.
#[derive(Debug, Default)]
pub(crate) struct Errors {
    found: Option<syn::Error>,
    read: bool,
}

impl Errors {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Reports `what`, at the tokens that the user must change.
    pub(crate) fn at(&mut self, tokens: impl ToTokens, what: impl Display) {
        self.push(syn::Error::new_spanned(tokens, what));
    }

    pub(crate) fn push(&mut self, error: syn::Error) {
        match &mut self.found {
            Some(found) => found.combine(error),
            none => *none = Some(error),
        }
    }

    /// One `compile_error!` for each error, or nothing when there was none.
    pub(crate) fn into_tokens(mut self) -> Option<TokenStream> {
        self.read = true;
        self.found.take().map(|found| found.into_compile_error())
    }
}

impl Drop for Errors {
    fn drop(&mut self) {
        // A second panic while one is under way would hide the first.
        assert!(self.read || std::thread::panicking(), "errors were collected and never read");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_errors_are_printed() {
        let mut errors = Errors::new();
        errors.at(quote::quote!(a), "first");
        errors.at(quote::quote!(b), "second");
        let text = errors.into_tokens().unwrap().to_string();
        assert!(text.contains("first") && text.contains("second"), "{text}");
    }

    #[test]
    #[should_panic(expected = "never read")]
    fn unread_errors_are_a_bug() {
        drop(Errors::new());
    }
}
