//! Logins to the Admin UI when many are tried: who is let in, what is logged, and what the store is asked.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

mod admin;

use std::future::ready;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use integration::{Http, Log, Server, Wire, Ws, echo};
use sio_actix::core::cluster::BoxFuture;
use sio_actix::core::login::{LoginStore, LoginStoreError};
use sio_actix::{AdminMode, AdminUi};

use admin::{HASH, INVALID, LOGIN, Page};

const BUSY: &str = r#"44/admin,{"message":"too many login attempts, try again later"}"#;
const WRONG: &str = r#"40/admin,{"username":"admin","password":"guess"}"#;

fn basic() -> AdminUi {
    AdminUi::basic("admin", HASH).mode(AdminMode::Production)
}

fn start(admin: AdminUi) -> Server {
    Server::start(|io| io.namespace("/", echo).instrument(admin), 1)
}

/// A client with another loopback address.
fn open_from(server: &Server, host: u8) -> Ws {
    let mut http = Http::over(Wire::connect_from([127, 0, 0, host].into(), server.address()));
    http.write(Ws::handshake("/socket.io/?EIO=4&transport=websocket"));
    assert_eq!(http.response().status, 101);
    let mut ws = Ws::over(http.into_wire());
    ws.next_text();
    ws
}

/// Whose login has a seat by the time this returns.
fn try_login(ws: &mut Ws) {
    ws.text(WRONG);
    // The refusal waits, and this was handled after the login.
    ws.text("40/nowhere,");
    ws.expect(r#"44/nowhere,{"message":"Invalid namespace"}"#);
}

#[test]
fn the_logins_of_few_addresses_lock_nobody_out() {
    let server = start(basic());
    let hosts = (2..6).flat_map(|host| [host; 8]);
    let mut strangers: Vec<_> = hosts.map(|host| open_from(&server, host)).collect();
    let mut admin = Ws::open(&server);
    strangers.iter_mut().for_each(try_login);
    admin.text(LOGIN);
    Page::connected(admin).event("session");
}

#[test]
fn one_connection_writes_one_line_however_often_it_tries() {
    let log = Log::capture("warn");
    let server = start(basic());
    let mut first: Vec<_> = (0..8).map(|_| Ws::open(&server)).collect();
    let (mut one, mut other) = (Ws::open(&server), Ws::open(&server));
    first.iter_mut().for_each(try_login);
    (0..60).for_each(|_| one.text(WRONG));
    other.text(WRONG);
    (0..60).for_each(|_| one.expect(BUSY));
    other.expect(BUSY);
    assert_eq!(log.count("too many logins"), 2, "{:?}", log.lines());
}

/// Knows nobody, and counts how often it is asked.
struct Asked(Arc<AtomicUsize>);

impl LoginStore for Asked {
    fn contains(&self, _id: &str) -> BoxFuture<Result<bool, LoginStoreError>> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Box::pin(ready(Ok(false)))
    }

    fn save(&self, _id: &str) -> BoxFuture<Result<(), LoginStoreError>> {
        Box::pin(ready(Ok(())))
    }
}

#[test]
fn who_guesses_ids_does_not_keep_the_store_busy() {
    let asked = Arc::new(AtomicUsize::new(0));
    let server = start(basic().login_store(Asked(Arc::clone(&asked))));
    let begin = std::time::Instant::now();
    let mut busy = 0;
    for _ in 0..3 {
        let mut ws = Ws::open(&server);
        for n in 0..60 {
            ws.text(&format!(r#"40/admin,{{"sessionId":"{n:016x}"}}"#));
            match &*ws.next_text() {
                INVALID => {}
                BUSY => busy += 1,
                other => panic!("{other}"),
            }
        }
    }
    // Eight of one address in a second.
    let most = 8 * (usize::try_from(begin.elapsed().as_secs()).unwrap() + 1);
    let asked = asked.load(Ordering::Relaxed);
    assert!(asked <= most && busy == 180 - asked, "{asked} asked, {busy} busy");
    // A password is looked at all the same.
    let mut ws = Ws::open(&server);
    ws.text(
        r#"40/admin,{"sessionId":"0000000000000000","username":"admin","password":"changeit"}"#,
    );
    Page::connected(ws).event("session");
    let mut ws = Ws::open(&server);
    ws.text(LOGIN);
    Page::connected(ws).event("session");
}
