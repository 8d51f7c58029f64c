//! The attributes, with the texts that belong to them.
//!
//! A text stands beside the re-export, because its example needs this crate and the test client.

macro_rules! documented {
    ($($name:ident,)*) => {
        $(
            #[doc = include_str!(concat!("docs/", stringify!($name), ".md"))]
            pub use sio_macros::$name;
        )*
    };
}

documented! {
    broadcast,
    connect_guard,
    create,
    emit,
    guard,
    middleware,
    on_connection,
    on_disconnect,
    on_disconnecting,
    on_error,
    on_message,
    on_server_side,
    ws_controller,
    ws_handlers,
}
