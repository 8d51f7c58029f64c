//! `#[ws_controller]` and `#[ws_handlers]` on an `impl` block.
//!
//! `block` reads the block, `parse` its attributes into the `model`, `check` judges the model, and
//! `expand` prints the registration. A block with mistakes becomes its errors and a stub, so that
//! mounting the controller does not add errors of its own.

pub(crate) mod block;
mod check;
mod expand;
mod model;
mod parse;

use proc_macro2::TokenStream;
use quote::quote;

use crate::diag::Errors;
use crate::item::Form;
use block::Block;

pub(crate) use parse::OPTIONS;

/// What stands behind the user's block.
pub(crate) fn expand(form: Form, arguments: TokenStream, block: &Block) -> TokenStream {
    let mut errors = Errors::new();
    let controller = parse::controller(form, arguments, block, &mut errors);
    check::controller(&controller, &mut errors);
    if let Some(errors) = errors.into_tokens() {
        let stub = expand::stub(&controller);
        quote!(#errors #stub)
    } else {
        expand::controller(&controller)
    }
}

#[cfg(test)]
mod tests;
