//! The attributes that make a type a Socket.IO controller.
//!
//! Use them through `sio_actix`, which documents each. `#[ws_controller]` reads a whole `impl` block
//! (`controller`) or a type (`path`); the others are consumed by it, and alone are an error (`helper`).
//! An expansion only calls what `sio_actix::__private` offers, and contains no `unsafe`.
#![expect(
    missing_docs,
    reason = "the texts are beside the re-exports in sio-actix, where their examples can run"
)]

mod attr;
mod controller;
mod diag;
mod helper;
mod item;
mod namespace;
mod path;
mod paths;
mod strip;
mod words;

use proc_macro::TokenStream;

use item::Form;
use words::Word;

#[proc_macro_attribute]
pub fn ws_controller(arguments: TokenStream, item: TokenStream) -> TokenStream {
    item::expand(Form::Controller, arguments.into(), &item.into()).into()
}

#[proc_macro_attribute]
pub fn ws_handlers(arguments: TokenStream, item: TokenStream) -> TokenStream {
    item::expand(Form::Handlers, arguments.into(), &item.into()).into()
}

macro_rules! helpers {
    ($($name:ident = $word:ident,)*) => {
        $(#[proc_macro_attribute]
        pub fn $name(_: TokenStream, item: TokenStream) -> TokenStream {
            helper::expand(Word::$word, &item.into()).into()
        })*
    };
}

helpers! {
    on_message = OnMessage,
    on_connection = OnConnection,
    on_disconnecting = OnDisconnecting,
    on_disconnect = OnDisconnect,
    on_server_side = OnServerSide,
    connect_guard = ConnectGuard,
    create = Create,
    emit = Emit,
    broadcast = Broadcast,
    guard = Guard,
    middleware = Middleware,
    on_error = OnError,
}
