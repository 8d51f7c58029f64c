//! Who does not come back, and what is not kept.

use sio_core::cluster::SavedSession;
use sio_core::server::ConnectError;

use super::*;

// 34.7
#[test]
fn what_has_not_the_form_of_an_offset_is_not_asked_for() {
    let world = World::new();
    let (mut socket, client) = world.greeted(A);
    socket.drop_connection();
    let Client { pid, .. } = &client;
    for offset in ["\"\"", "\"1-\"", "\"-1\"", "\"a-b\"", "\"1-1-1\"", "\"abcdB\"", "1", "null"] {
        world.is_new(B, &client, &format!("{{\"pid\":\"{pid}\",\"offset\":{offset}}}"));
    }
    world.is_new(B, &client, &format!("{{\"pid\":\"{pid}\"}}"));
    assert_eq!(world.stream.asked(), 0);
    assert!(world.stream.session(pid).is_some());
}

// 34.7
#[test]
fn what_the_log_does_not_know_makes_a_new_socket() {
    let world = World::new();
    let (mut socket, client) = world.greeted(A);
    socket.drop_connection();
    let mut unknown = client.clone();
    "another".clone_into(&mut unknown.pid);
    world.is_new(B, &client, &unknown.request());
    let mut unknown = client.clone();
    "1-1".clone_into(&mut unknown.offset);
    world.is_new(B, &client, &unknown.request());
    assert_eq!(world.stream.asked(), 2);
}

// 34.11
#[test]
fn an_offset_from_before_the_socket_brings_nothing() {
    let world = World::new();
    let (_before, old) = world.greeted(A);
    world[A].io.to("base").emit("secret", 1).unwrap();
    world.flush();
    let (mut socket, client) = world.greeted(A);
    socket.drop_connection();
    let forged = Client { offset: old.offset, ..client.clone() };
    world.is_new(B, &client, &forged.request());
}

#[test]
fn a_client_that_may_have_got_an_event_without_its_offset_does_not_get_it_again() {
    let world = World::new();
    let (mut socket, client) = world.greeted(A);
    world[A].io.emit("doubtful", 1).unwrap();
    world.stream.give_up(A);
    assert_eq!(socket.frames(), ["42[\"doubtful\",1]"]);
    world[A].io.emit("sure", 1).unwrap();
    world.flush();
    // It was sent, and lost with the connection.
    socket.drop_connection();
    assert!(world.stream.session(&client.pid).is_some());
    world.is_new(A, &client, &client.request());
}

// 34.11
#[test]
fn a_session_is_used_once() {
    let world = World::new();
    let (mut socket, mut client) = world.greeted(A);
    socket.drop_connection();
    let (_back, missed) = world.come_back(B, &mut client);
    assert!(missed.is_empty());
    world.is_new(A, &client, &client.request());
    // The socket lives here, and does not give itself away again.
    world.is_new(B, &client, &client.request());
    assert_eq!(world.stream.asked(), 2);
}

// 34.4
#[test]
fn only_who_left_by_accident_is_saved() {
    let world = World::new();
    let (mut socket, client) = world.greeted(A);
    socket.send("41");
    assert!(world.stream.session(&client.pid).is_none());
    let (_socket, client) = world.greeted(A);
    world.socket(A).disconnect(true);
    world[A].run();
    assert!(world.stream.session(&client.pid).is_none());
    let (mut socket, client) = world.greeted(A);
    socket.drop_connection();
    let (saved, keep) = world.stream.session(&client.pid).unwrap();
    assert_eq!((&*saved.sid, keep), (&*client.id, 120 * SECOND));
    assert_eq!(saved.rooms.len(), 2);
    assert_eq!(saved.data, serde_json::json!({}));
}

// 34.4
#[test]
fn a_server_that_shuts_down_saves_its_sockets_for_the_others() {
    let world = World::new();
    let (_socket, mut client) = world.greeted(A);
    world[A].io.close();
    world[A].run();
    world[B].io.emit("missed", 1).unwrap();
    world.flush();
    let (_back, missed) = world.come_back(B, &mut client);
    assert_eq!(missed, ["42[\"missed\",1]"]);
}

#[test]
fn a_log_that_does_not_answer_makes_a_new_socket_in_time() {
    let world = World::new();
    let (mut socket, client) = world.greeted(A);
    socket.drop_connection();
    world.stream.set_slow(true);
    let (mut socket, answers) = world.ask(B, &client.request());
    assert!(answers.is_empty());
    world.advance(2 * SECOND);
    client.assert_new(&socket.frames());
}

#[test]
fn who_goes_while_the_log_is_asked_can_come_again() {
    let world = World::new();
    let (mut socket, mut client) = world.greeted(A);
    socket.drop_connection();
    world.stream.set_slow(true);
    let (mut socket, _) = world.ask(B, &client.request());
    socket.drop_connection();
    world.stream.set_slow(false);
    world[B].run();
    let (_back, missed) = world.come_back(A, &mut client);
    assert!(missed.is_empty());
    world[B].assert_empty();
}

// 34.9
#[test]
fn who_is_refused_by_a_guard_can_come_again() {
    let open = Arc::new(Mutex::new(true));
    let world = World::with(|config| {
        let open = Arc::clone(&open);
        let mut recovery = Recovery::default();
        recovery.skip_guards = false;
        config.connection_state_recovery(recovery).connect_guard(move |socket: Socket| {
            let open = *open.lock().unwrap();
            match open || !socket.is_recovered() {
                true => Ok(()),
                false => Err(ConnectError::new("closed")),
            }
        })
    });
    let (mut socket, mut client) = world.greeted(A);
    socket.drop_connection();
    *open.lock().unwrap() = false;
    let (_refused, answers) = world.ask(B, &client.request());
    assert_eq!(answers, ["44{\"message\":\"closed\"}"]);
    *open.lock().unwrap() = true;
    world.come_back(A, &mut client);
}

#[test]
fn a_session_that_makes_no_sense_is_not_used() {
    let world = World::new();
    let (_socket, client) = world.greeted(A);
    for sid in ["", "a b", &*"x".repeat(200)] {
        let (sid, pid) = (sid.into(), "p".into());
        world.stream.put_session(SavedSession { sid, pid, ..SavedSession::default() });
        let foreign = Client { pid: "p".to_owned(), ..client.clone() };
        world.is_new(B, &client, &foreign.request());
    }
}

#[test]
fn who_got_an_event_that_may_come_again_is_not_saved_before_a_later_one() {
    let world = World::new();
    let (mut socket, client) = world.greeted(A);
    world[A].io.emit("doubtful", 1).unwrap();
    world.stream.give_up(A);
    assert_eq!(socket.frames(), ["42[\"doubtful\",1]"]);
    // Another node's event says nothing about it.
    world[B].io.emit("other", 1).unwrap();
    world.stream.take(B, 1);
    world.read(A, 1);
    socket.frames();
    socket.drop_connection();
    assert!(world.stream.session(&client.pid).is_none());

    let (mut socket, mut client) = {
        world.flush();
        world.greeted(A)
    };
    world[A].io.emit("doubtful", 1).unwrap();
    world.stream.give_up(A);
    world[A].io.emit("sure", 1).unwrap();
    world.flush();
    client.note_events(&socket.frames());
    socket.drop_connection();
    let (_back, missed) = world.come_back(A, &mut client);
    assert!(missed.is_empty());
}

#[test]
fn nobody_is_recovered_where_events_may_turn_up_that_were_delivered_already() {
    let world = World::new();
    let (mut socket, mut client) = world.greeted(B);
    socket.drop_connection();
    world[A].io.emit("doubtful", 1).unwrap();
    world.stream.give_up(A);
    // What is on its way may come behind what is read now, and is not delivered here a second time.
    world.is_new(A, &client, &client.request());

    // The log goes on, and nothing turns up for a while.
    let (mut socket, again) = (world[B].websocket(), &mut client);
    again.note_connect(&socket.exchange("40")[0]);
    world.stream.lose(A);
    world[B].io.emit("later", 1).unwrap();
    world.flush();
    again.note_events(&socket.frames());
    world.advance(3 * SECOND);
    socket.drop_connection();
    world.come_back(A, again);
}

#[test]
fn who_missed_more_than_is_kept_meanwhile_is_new() {
    let world = World::with(|mut config| {
        config.config_mut().limits.max_recovery_packets = 2;
        config
    });
    let (mut socket, client) = world.greeted(A);
    socket.drop_connection();
    world.stream.set_slow(true);
    let (mut socket, _) = world.ask(B, &client.request());
    for round in 0..3 {
        world[A].io.emit("event", round).unwrap();
        world.flush();
    }
    // Read up to here: nothing is missing.
    world.stream.set_slow(false);
    let mut client = client;
    let missed = client.note_return(socket.frames());
    assert_eq!(missed.len(), 3);
    socket.drop_connection();
    drop(socket);
    assert_eq!(world[B].io.session_count(), 0);
}
