//! Expansions compared with stored ones, and mistakes with the part of the message that tells them.
//!
//! The stored ones are in `sio-macros/snapshots`. `SNAPSHOTS=overwrite` writes them; read the
//! difference before it is committed.

use std::path::Path;

use proc_macro2::TokenStream;
use quote::quote;

use crate::item::{Form, expand};

/// The expansion of `item`, as rustfmt would nearly print it.
fn printed(form: Form, arguments: TokenStream, item: &TokenStream) -> String {
    let tokens = expand(form, arguments, item);
    let file: syn::File = syn::parse2(tokens.clone()).unwrap_or_else(|e| panic!("{e}: {tokens}"));
    prettyplease::unparse(&file)
}

fn snapshot(name: &str, form: Form, arguments: TokenStream, item: &TokenStream) {
    let found = printed(form, arguments, item);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("snapshots/{name}.rs"));
    if std::env::var("SNAPSHOTS").is_ok_and(|mode| mode == "overwrite") {
        std::fs::write(&path, &found).unwrap();
    }
    let stored = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(found, stored, "{} differs", path.display());
}

#[test]
fn one_event() {
    let item = quote! {
        impl Hello {
            #[on_message("add")]
            #[emit("sum")]
            async fn add(&self, a: i64, socket: Socket) -> i64 { a + 1 }
        }
    };
    snapshot("one_event", Form::Controller, quote!("/"), &item);
}

#[test]
fn sync_methods() {
    let item = quote! {
        impl Hello {
            #[on_message("none")]
            fn none() {}
            #[on_message("shared", strict)]
            fn shared(self: Arc<Self>, #[ctx] a: Both) -> Result<u8, Fault> { Ok(1) }
            #[on_message("stream")]
            fn stream(&self) -> impl Stream<Item = u8> { self.items() }
        }
    };
    snapshot("sync_methods", Form::Controller, quote!(), &item);
}

#[test]
fn every_option() {
    let item = quote! {
        impl Hello {
            #[on_message("a", names::B, ordered, latest, cancel_on_disconnect, multi)]
            #[on_message(fallback)]
            #[guard(admin, Role("x"))]
            #[middleware(audit)]
            #[on_error(log)]
            #[emit("c", room = "r", room = ROOM, always)]
            #[broadcast("d", except_self, local, volatile)]
            #[cfg(feature = "x")]
            #[deprecated]
            async fn a(&self) {}
        }
    };
    let options = quote!(
        "/x",
        guard(g),
        middleware(m),
        on_error(e),
        ordered,
        cancel_on_disconnect,
        crate = sio
    );
    snapshot("every_option", Form::Controller, options, &item);
}

#[test]
fn life_cycle() {
    let item = quote! {
        impl Hello {
            #[connect_guard]
            async fn admit(&self, auth: Auth<Token>) -> Result<State<User>, Refused> { Err(Refused) }
            #[connect_guard]
            fn count(&self) -> bool { true }
            #[on_connection(cancel_on_disconnect)]
            async fn joined(&self, socket: Socket) {}
            #[on_disconnecting]
            #[broadcast("left")]
            fn leaving(&self) -> u8 { 1 }
            #[on_disconnect]
            fn left() {}
        }
    };
    snapshot("life_cycle", Form::Controller, quote!(PATH), &item);
}

#[test]
fn server_side() {
    let item = quote! {
        impl Hello {
            #[on_server_side("ask", NAME, strict)]
            #[on_server_side("tell", multi)]
            async fn ask(&self, io: Io, a: i64) -> Result<i64, Fault> { Ok(a) }
            #[on_server_side("now")]
            fn now(&self, #[ctx] a: Both, #[arg] b: Both) -> u8 { 1 }
            #[on_server_side("shared")]
            fn shared(self: Arc<Self>) {}
            #[on_server_side("none")]
            fn none(a: u8) {}
        }
    };
    snapshot("server_side", Form::Controller, quote!("/"), &item);
}

#[test]
fn connection_scope() {
    let item = quote! {
        impl Counter {
            #[connect_guard]
            fn admit(socket: Socket) -> bool { true }
            #[on_message("up")]
            fn up(&mut self, by: u32) -> u32 { 1 }
            #[on_message("get")]
            async fn get(&self) -> u32 { 1 }
            #[on_message("none")]
            fn none() {}
        }
    };
    snapshot("connection_scope", Form::Controller, quote!("/c", scope = connection), &item);
}

#[test]
fn created_instance() {
    let item = quote! {
        impl Counter {
            #[create]
            async fn new(user: State<User>) -> Result<Self, Refused> { Err(Refused) }
        }
    };
    snapshot("created_instance", Form::Controller, quote!(scope = connection), &item);
}

#[test]
fn generic_handlers_of_a_type() {
    let item = quote! {
        impl<R: Repo, const N: usize> Gen<R, N> where R: Clone {
            #[on_message("get")]
            fn get(&self, key: R::Key) -> [u8; N] { [0; N] }
        }
    };
    snapshot("generic_handlers", Form::Handlers, quote!(guard(logged_in)), &item);
}

#[test]
fn namespace_of_a_type() {
    let item = quote! { pub struct Gen<R: Repo = Memory, const N: usize = 1>(R) where R: Clone; };
    snapshot("namespace_of_a_type", Form::Controller, quote!("/gen/{id}"), &item);
}

/// Everything that is printed for a controller with mistakes.
fn mistakes(arguments: TokenStream, item: &TokenStream) -> String {
    let text = expand(Form::Controller, arguments, item).to_string();
    assert!(text.contains("compile_error"), "{text}");
    text
}

#[test]
fn mistakes_leave_the_block_and_a_stub() {
    let item = quote! {
        impl Hello {
            #[on_message("a", nope)]
            fn a(&mut self, text: &str) { half. }
            #[emit("b")]
            fn b(&self) {}
        }
    };
    let text = mistakes(quote!("x", nope), &item);
    for part in
        ["unknown option `nope`", "share one controller", "use `String`", "half .", "fn register"]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!text.contains("# [on_message") && !text.contains("# [emit"), "{text}");
    // The event stood in the attribute that could not be read.
    assert!(!text.contains("needs the name"), "{text}");
}

#[test]
fn what_cannot_be_read_is_left_to_the_compiler() {
    let item = quote! {
        impl Hello {
            const N: usize = { 1 };
            type T = u8;
            members! { #[on_message] x }
            fn plain(&self, a: ) {}
            #[on_message("a")]
            fn a(&self) { a. }
        }
    };
    let text = expand(Form::Controller, quote!(), &item).to_string();
    assert!(!text.contains("compile_error"), "{text}");
    assert!(text.contains("fn plain (& self , a :) { }") && text.contains("\"a\""), "{text}");
}

#[test]
fn broken_handler_does_not_vanish() {
    let item = quote! { impl Hello { #[on_message("a")] fn a(&self, a: ) {} } };
    mistakes(quote!(), &item);
}

#[test]
fn conditional_methods_may_share_an_event() {
    let item = quote! {
        impl Hello {
            #[cfg(a)] #[on_message("x")] fn a(&self) {}
            #[cfg(not(a))] #[on_message("x")] fn b(&self) {}
            #[on_message("y", multi)] fn c(&self) {}
            #[on_message("y", multi)] fn d(&self) {}
        }
    };
    let text = expand(Form::Controller, quote!(), &item).to_string();
    assert!(!text.contains("compile_error"), "{text}");
}

#[test]
fn nothing_panics() {
    let items = [
        quote!(),
        quote!(impl),
        quote!(impl A),
        quote!(impl<T> {}),
        quote!(struct),
        quote!(
            struct A<
        ),
        quote!(
            pub(crate) union A {
                a: u8,
            }
        ),
        quote!(union),
        quote!(impl A { fn }),
        quote!(impl A { #[on_message] }),
        quote!(impl A { #[on_message(,)] fn a(); #[emit(= , room =)] #[guard(,)] fn b() }),
        quote!(impl A { #[on_message("a")] pub async unsafe extern "C" fn a(_: u8, ...) {} }),
        quote!(impl A { #[on_message("a", room)] #[ctx] const A: u8; #![inner] fn a(self: u8) {} }),
        quote!(
            unsafe impl<'a, T: ?Sized> !B for &'a [T]
            where
                T: C,
            {
                #[create]
                fn a() -> ! {}
            }
        ),
        quote!(default impl A { default fn a() {} default!(); }),
        quote!(#[a = ] impl A {}),
    ];
    for item in items {
        for form in [Form::Controller, Form::Handlers] {
            for arguments in
                [quote!(), quote!("/{", scope, crate = 1, = ;), quote!(::a, <T>::b, 'c')]
            {
                drop(expand(form, arguments, &item));
            }
        }
    }
}

#[test]
fn attributes_of_others_stay_on_a_type() {
    let item = quote! { #[derive(Guarded)] struct Hello { #[guard] a: u8, #[emit] b: u8 } };
    let text = expand(Form::Controller, quote!("/"), &item).to_string();
    assert!(text.starts_with(&item.to_string()), "{text}");
}

#[test]
fn other_crate_paths_replace_every_default() {
    let item = quote! {
        impl Hello {
            #[create] fn new() -> Self { Self }
            #[connect_guard] async fn admit(socket: Socket) -> bool { true }
            #[on_connection] async fn joined(&mut self) {}
            #[on_message("a")] #[emit("b")] fn a(&self, #[ctx] b: B, #[arg] c: C) {}
            #[on_message("d", strict)] fn d(e: E) {}
            #[on_disconnect] fn left() {}
        }
    };
    let options = quote!("/", scope = connection, crate = crate::facade);
    let text = expand(Form::Controller, options, &item).to_string();
    assert!(!text.contains("compile_error") && !text.contains("sio_actix"), "{text}");
}

#[test]
fn raw_names_are_told_without_their_mark() {
    let item = quote! { impl Hello { #[on_message("x")] fn r#type(&self) {} } };
    let text = expand(Form::Controller, quote!(), &item).to_string();
    assert!(text.contains("\"type\"") && text.contains("Self :: r#type"), "{text}");
}
