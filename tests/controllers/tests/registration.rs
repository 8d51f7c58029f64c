//! Mistakes that are found when the server is built, all of them together.

use std::panic::{AssertUnwindSafe, catch_unwind};

use actix_web::web;
use sio_actix::Io;
use sio_actix::prelude::*;
use sio_client::test::{TestClient, TestServer};

struct Pool;
struct Mailer;

const RESERVED: &str = "disconnect";

struct Shop;

#[ws_controller("/shop")]
impl Shop {
    #[on_message("buy")]
    fn buy(&self, _pool: web::Data<Pool>) {}

    #[on_connection]
    fn joined(&self, _mailer: web::Data<Mailer>) {}

    #[connect_guard]
    fn admitted(&self, _mailer: web::Data<Mailer>) {}

    #[on_message("optional")]
    fn optional(&self, _other: Option<web::Data<String>>) {}
}

struct Wrong;

#[ws_controller("/shop")]
impl Wrong {
    #[on_message("buy")]
    fn buy_again(&self) {}

    #[on_message(RESERVED)]
    fn reserved(&self) {}

    #[on_message("param")]
    fn param(&self, _param: NamespaceParam<u8>) {}

    #[on_message("reason")]
    fn reason(&self, _reason: DisconnectReason) {}

    #[on_disconnect]
    fn left(&self, _ack: AckSender) {}
}

struct Each;

#[ws_controller("/each", scope = connection)]
impl Each {
    #[create]
    fn create(_pool: web::Data<Pool>) -> Self {
        Self
    }
}

fn message(built: Result<Io, sio_actix::ConfigError>) -> String {
    built.expect_err("there are mistakes").to_string()
}

#[test]
fn missing_data_names_type_and_handler() {
    let message = message(Io::builder().mount(Shop).mount_scoped::<Each>().try_build());
    for part in ["Pool", "Shop::buy", "Mailer", "Shop::joined", "Shop::admitted", "Each::create"] {
        assert!(message.contains(part), "{part} is not in: {message}");
    }
    assert!(!message.contains("optional"), "{message}");
}

#[test]
fn data_that_is_given_is_not_missing() {
    let builder = Io::builder().data(web::Data::new(Pool)).mount(Shop);
    let message = message(builder.try_build());
    assert!(!message.contains("Pool") && message.contains("Mailer"), "{message}");
    let builder = Io::builder().mount(Shop).mount_scoped::<Each>();
    let builder = builder.data(web::Data::new(Pool)).data(web::Data::new(Mailer));
    drop(builder.try_build().expect("nothing is missing, in whatever order it is given"));
}

#[test]
fn all_mistakes_are_told_together() {
    let builder = Io::builder().mount(Shop).mount(Wrong).mount_at("/a/{b", Empty);
    let message = message(builder.try_build());
    for part in [
        "`buy`",
        "Wrong::buy_again",
        "`disconnect`",
        "Wrong::reserved",
        "Wrong::param",
        "Wrong::reason",
        "DisconnectReason",
        "Wrong::left",
        "AckSender",
        "Pool",
        "Mailer",
        "`{` without `}`",
    ] {
        assert!(message.contains(part), "{part} is not in: {message}");
    }
}

struct Empty;

#[ws_controller("/never")]
impl Empty {}

#[test]
#[should_panic(expected = "Shop::buy")]
fn build_panics_with_the_same_text() {
    drop(Io::builder().mount(Shop).build());
}

struct Replaced;

#[ws_controller("/replaced", ordered)]
impl Replaced {
    #[on_message("estimate", latest)]
    async fn estimate(&self) {}
}

#[test]
fn latest_of_events_that_wait_for_each_other_is_a_mistake() {
    let message = message(Io::builder().mount(Replaced).try_build());
    assert!(message.contains("Replaced::estimate is `latest`"), "{message}");
}

#[actix_web::test]
async fn mistakes_at_run_time_change_nothing() {
    let io = Io::builder()
        .namespace("/", |ns| {
            ns.on("known", || ()).multi();
        })
        .build();
    let add = |path: &str| {
        let wrong = |ns: &mut NamespaceBuilder| {
            ns.on("new", || ());
            ns.on("known", || ());
            ns.on("known", || ());
        };
        catch_unwind(AssertUnwindSafe(|| io.namespace(path, wrong))).unwrap_err()
    };
    for path in ["/", "/other", "/org/{org}"] {
        let panic = add(path).downcast::<String>().expect("the panic is a text");
        assert!(panic.contains("`known`"), "{panic}");
    }
    assert_eq!(io.namespaces(), ["/"]);
    let srv = TestServer::memory(io.clone()).await;
    let refused = TestClient::connect(&srv, "/org/acme").await;
    assert_eq!(refused.unwrap_err().to_string(), "connection refused: Invalid namespace");
    // Nothing of the refused registration is in the way of a right one.
    io.namespace("/", |ns| {
        ns.on("new", || ());
    });
}
