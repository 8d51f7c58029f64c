//! What goes round by the log, what does not, and what waits for it.

use sio_core::adapter::BroadcastOptions;
use sio_core::cluster::{Data, Message};
use sio_core::server::Socket;

use super::*;

fn event(json: &str, id: Option<u64>, change: impl FnOnce(&mut BroadcastOptions)) -> Message {
    let mut options = BroadcastOptions::default();
    change(&mut options);
    let data = Data { json: json.into(), attachments: Vec::new() };
    Message::Broadcast { data, id, options, request: None }
}

// 34.3
#[test]
fn an_event_is_delivered_on_all_nodes_when_it_comes_back_and_carries_its_offset() {
    let world = World::new();
    let (mut a, mut b) = (world[A].joined(), world[B].joined());
    world[A].io.to("base").emit("one", 1).unwrap();
    world.socket(B).emit("two", ()).unwrap();
    assert!(a.frames().is_empty() && b.frames().is_empty());
    world.stream.take(B, 1);
    world.stream.take(A, 1);
    world.read(A, 2);
    assert_eq!(a.frames(), ["42[\"one\",1,\"1795201307261-1\"]"]);
    assert!(b.frames().is_empty());
    world.read(B, 2);
    assert_eq!(
        b.frames(),
        ["42[\"two\",\"1795201307261-0\"]", "42[\"one\",1,\"1795201307261-1\"]"]
    );
}

#[test]
fn what_cannot_be_missed_is_delivered_at_once_without_an_offset() {
    let world = World::new();
    let mut client = world[A].joined();
    let (io, socket) = (&world[A].io, world.socket(A));
    io.volatile().emit("volatile", 1).unwrap();
    assert_eq!(client.frames(), ["42[\"volatile\",1]"]);
    io.local().emit("local", 1).unwrap();
    assert_eq!(client.frames(), ["42[\"local\",1]"]);
    socket.emit_volatile("mine", 1).unwrap();
    assert_eq!(client.frames(), ["42[\"mine\",1]"]);
    drop(socket.emit_with_ack::<()>("asked", 1, None));
    assert_eq!(client.frames(), ["420[\"asked\",1]"]);
    // The volatile one is in the log, for the others.
    let mut other = world[B].joined();
    world.flush();
    assert!(client.frames().is_empty());
    assert_eq!(other.frames(), ["42[\"volatile\",1]"]);
}

#[test]
fn a_reserved_name_is_refused_before_the_log_has_it() {
    let world = World::new();
    let _client = world[A].joined();
    assert!(world[A].io.emit("connect", 1).is_err());
    assert!(world.socket(A).emit("disconnect", 1).is_err());
    assert!(world.stream.names().is_empty() && !world.stream.flush());
}

#[test]
fn what_other_nodes_put_into_the_log_is_delivered_as_it_was_meant() {
    let world = World::new();
    let mut client = world[A].joined();
    let own = Arc::clone(world.socket(A).id().as_arc());
    world.stream.add(event("[\"volatile\"]", None, |options| options.flags.volatile = true));
    world.stream.add(event("[\"asked\",1]", Some(7), |_| {}));
    world.stream.add(event("[\"asked elsewhere\"]", Some(8), |o| o.rooms = vec!["none".into()]));
    world.stream.add(event("[\"logged\"]", None, |options| options.rooms = vec![own]));
    world.stream.add(event("[\"broken\"", None, |_| {}));
    world.stream.add(event("[\"connect\"]", None, |_| {}));
    let options = BroadcastOptions::default();
    world.stream.add(Message::Join { options, rooms: vec!["late".into()] });
    world.flush();
    assert_eq!(
        client.frames(),
        ["42[\"volatile\"]", "42[\"asked\",1]", "42[\"logged\",\"1795201307262-0\"]"]
    );
    assert!(world.socket(A).rooms().iter().any(|room| **room == *"late"));
    assert_eq!(world[A].io.cluster_stats().unwrap().garbage, 2);
}

#[test]
fn what_the_log_does_not_take_is_delivered_at_once_and_not_again() {
    let world = World::new();
    let (mut a, mut b) = (world[A].joined(), world[B].joined());
    world[A].io.emit("late", 1).unwrap();
    world.stream.give_up(A);
    assert_eq!(a.frames(), ["42[\"late\",1]"]);
    world.flush();
    assert!(a.frames().is_empty());
    assert_eq!(b.frames(), ["42[\"late\",1,\"1795201307261-0\"]"]);
}

#[test]
fn a_node_that_has_left_the_cluster_delivers_to_its_own_sockets() {
    let world = World::new();
    let mut client = world[A].joined();
    let leave = std::pin::pin!(world[A].io.leave_cluster());
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(leave.poll(&mut cx).is_ready());
    world[A].io.emit("alone", 1).unwrap();
    assert_eq!(client.frames(), ["42[\"alone\",1]"]);
}

// 34.6
#[test]
fn what_a_guard_says_comes_before_the_answer() {
    let world = World::with(|config| {
        config.namespace("/", |ns| {
            ns.connect_guard(|socket: Socket| socket.emit("first", 1).is_ok());
        })
    });
    let (_client, answers) = world.ask(A, "");
    assert_eq!(answers[0], "42[\"first\",1]");
    assert!(answers[1].starts_with("40{"), "{answers:?}");
}

#[test]
fn the_end_of_a_socket_waits_for_what_was_said_to_it() {
    let world = World::new();
    let mut client = world[A].joined();
    let socket = world.socket(A);
    socket.emit("bye", 1).unwrap();
    socket.disconnect(false);
    socket.emit("too late", 1).unwrap();
    assert!(client.frames().is_empty());
    world.flush();
    assert_eq!(client.frames(), ["42[\"bye\",1,\"1795201307261-0\"]", "41"]);
    assert!(!socket.is_connected());
    // Nothing is on its way: it ends at once.
    let mut client = world[A].joined();
    world.socket(A).disconnect(true);
    assert_eq!(client.frames(), ["41", "(closed)"]);
}

#[test]
fn operations_and_events_without_an_offset_stay_behind_what_was_said_before() {
    let world = World::new();
    let mut client = world[A].joined();
    let (io, socket) = (&world[A].io, world.socket(A));
    io.to("base").emit("one", ()).unwrap();
    io.to("base").sockets_leave("base");
    io.to("base").local().emit("two", ()).unwrap();
    io.local().emit("three", ()).unwrap();
    io.disconnect_sockets(false);
    assert!(socket.rooms().len() == 2 && client.frames().is_empty());
    world.stream.give_up(A);
    assert_eq!(client.frames(), ["42[\"one\"]", "42[\"three\"]", "41"]);
}

#[test]
fn an_adapter_that_loses_an_event_holds_nothing_up_for_long() {
    let world = World::new();
    let mut client = world[A].joined();
    world[A].io.emit("lost", 1).unwrap();
    world.stream.lose(A);
    world.socket(A).disconnect(false);
    world.advance(SECOND);
    assert!(client.frames().is_empty());
    world.advance(2 * SECOND);
    assert_eq!(client.frames(), ["41"]);
}

#[test]
fn no_more_events_are_on_their_way_than_may_be() {
    let world = World::with(|mut config| {
        config.config_mut().limits.max_recovery_packets = 2;
        config
    });
    let mut client = world[A].joined();
    let io = &world[A].io;
    io.emit("one", ()).unwrap();
    io.emit("two", ()).unwrap();
    assert!(io.emit("three", ()).is_err());
    world.flush();
    io.emit("four", ()).unwrap();
    world.flush();
    let mut known = Client::default();
    let frames = client.frames();
    assert_eq!(known.note_events(&frames), ["42[\"one\"]", "42[\"two\"]", "42[\"four\"]"]);
}
