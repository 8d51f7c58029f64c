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

/// Looks at a socket when it is dropped.
struct Looks(Socket, Arc<Mutex<Vec<usize>>>);

impl Drop for Looks {
    fn drop(&mut self) {
        self.1.lock().unwrap().push(self.0.rooms().len());
    }
}

#[test]
fn a_socket_has_left_its_rooms_when_its_client_can_come_back() {
    let sockets = Sockets::default();
    let server = limited(joining(&sockets), |limits| limits.max_recovery_sockets = 1);
    let (mut one, _) = greeted(&server);
    let (mut two, mut client) = greeted(&server);
    let seen = Arc::default();
    let [first, second] = <[Socket; 2]>::try_from(std::mem::take(&mut *sockets.lock().unwrap()))
        .expect("two sockets");
    first.set_state(Looks(second, Arc::clone(&seen)));
    drop(first);
    one.drop_connection();
    drop(one);
    // It takes the place of the first one, whose value looks on.
    two.drop_connection();
    assert_eq!(*seen.lock().unwrap(), [0]);
    come_back(&server, &mut client);
}
