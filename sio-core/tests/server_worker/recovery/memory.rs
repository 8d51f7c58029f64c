//! What is kept is freed in time.

use std::sync::Arc;

use super::*;

#[test]
fn what_nobody_comes_back_for_is_freed_on_an_idle_server() {
    let sockets = Sockets::default();
    let server = Server::start(joining(&sockets).namespace("/room/{name}", |_| {}));
    let (mut socket, client) = greeted(&server);
    let token = Arc::new(());
    let handle = sockets.lock().unwrap().pop().unwrap();
    handle.set_shared_state(Arc::clone(&token));
    drop(handle);
    socket.exchange("40/room/x,");
    socket.drop_connection();
    drop(socket);
    assert_eq!(Arc::strong_count(&token), 2);
    assert!(server.io.of("/room/x").exists());
    server.advance(WINDOW + 2 * SECOND);
    assert_eq!(Arc::strong_count(&token), 1);
    assert!(!server.io.of("/room/x").exists());
    // The events go as well, and then nobody has to look any more.
    server.advance(50 * SECOND);
    assert_eq!(server.worker.next_deadline(), None);
    is_new(&server, &client, &client.request());
}

/// Values of the user's that panic when they are dropped.
struct Fragile;

impl Drop for Fragile {
    fn drop(&mut self) {
        panic!("dropped");
    }
}

#[test]
fn a_value_that_panics_when_it_is_freed_does_no_harm() {
    let sockets = Sockets::default();
    let server = Server::start(joining(&sockets));
    let (mut socket, _) = greeted(&server);
    sockets.lock().unwrap().pop().unwrap().set_state(Fragile);
    socket.drop_connection();
    server.advance(WINDOW + 2 * SECOND);
    greeted(&server);
}
