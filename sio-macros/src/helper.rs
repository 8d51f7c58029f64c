//! Helper attributes that stand where no controller consumes them.
//!
//! Inside a controller they never reach the compiler. As attributes of their own they exist for
//! documentation, completion, and this error.

use proc_macro2::{Span, TokenStream};
use quote::quote;

use crate::words::Word;

/// An error that says where the attribute belongs, and the item as it was.
pub(crate) fn expand(word: Word, item: &TokenStream) -> TokenStream {
    let message = format!(
        "#[{}] only works on a method inside an `impl` block marked #[ws_controller(\"/namespace\")]",
        word.name()
    );
    let error = syn::Error::new(Span::call_site(), message).into_compile_error();
    quote!(#error #item)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn item_is_kept() {
        let text = expand(
            Word::Emit,
            &quote!(
                fn a() {}
            ),
        )
        .to_string();
        assert!(text.contains("#[emit] only works on a method") && text.ends_with("fn a () { }"));
    }
}
