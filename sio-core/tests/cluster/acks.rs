//! Acks of a broadcast from the sockets of all nodes.

use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use sio_core::adapter::BroadcastOptions;
use sio_core::cluster::{ClusterError, Data, Message, Response};
use sio_core::packet::Binary;
use sio_core::server::{AckError, BroadcastAckError};

use crate::exchange::{Parcel, Sent};
use crate::fetch::request;
use crate::world::{World, joining};

type Outcome = Result<Vec<String>, BroadcastAckError<String>>;
type Asked = Pin<Box<dyn Future<Output = Outcome>>>;

const SECOND: Duration = Duration::from_secs(1);

fn ask(world: &World) -> Asked {
    Box::pin(world[0].io.emit_with_ack("q", 1, SECOND))
}

/// What the answers of nodes say.
fn answers(log: &[Sent]) -> Vec<String> {
    let text = |sent: &Sent| match &sent.2 {
        Parcel::Response(_, Response::ClientCount { count, .. }) => Some(format!("{count}")),
        Parcel::Response(_, Response::Ack { value, .. }) => {
            Some(value.as_ref().map_or_else(|| "-".to_owned(), |data| data.json.to_string()))
        }
        _ => None,
    };
    log.iter().filter_map(text).collect()
}

/// Asks the sockets of the first node as another node does.
fn foreign_question(world: &World, options: BroadcastOptions) {
    let data = Data { json: "[\"q\"]".into(), attachments: Vec::new() };
    let request = Some("r".into());
    let message = Message::Broadcast { data, id: None, options, request };
    world.exchange.hand_over("/", "elsewhere", &Parcel::Message(message));
}

#[test]
fn a_node_that_does_not_report_is_named_with_the_answers_that_came() {
    let world = World::of_three(joining);
    let mut clients = world.clients("/");
    world.exchange.silence(2, true);
    let mut asked = ask(&world);
    assert!(world.poll(&mut asked).is_pending());
    for client in &mut clients {
        let id = client.frames()[0].trim_start_matches("42").split('[').next().unwrap().to_owned();
        client.send(&format!("43{id}[\"yes\"]"));
    }
    assert!(world.poll(&mut asked).is_pending());
    world.advance(SECOND);
    let Poll::Ready(Err(error)) = world.poll(&mut asked) else { panic!("not in time") };
    let missing = vec![world[2].io.node_id().unwrap().to_owned()];
    let reason = ClusterError::Timeout { received: 1, expected: 2, missing };
    assert_eq!(error.reason, AckError::Cluster(reason));
    assert_eq!(error.responses, ["yes", "yes"]);
    assert_eq!(world[0].io.cluster_stats().unwrap().pending_requests, 0);
}

#[test]
fn a_client_elsewhere_that_does_not_answer_is_a_timeout() {
    let world = World::of_three(joining);
    let mut clients = world.clients("/");
    let mut asked = ask(&world);
    assert!(world.poll(&mut asked).is_pending());
    for (n, client) in clients.iter_mut().enumerate() {
        assert_eq!(client.frames(), ["420[\"q\",1]"]);
        if n != 1 {
            client.send(&format!("430[\"r{n}\"]"));
        }
    }
    world.advance(SECOND);
    let Poll::Ready(Err(error)) = world.poll(&mut asked) else { panic!("not in time") };
    assert_eq!(error.reason, AckError::Timeout);
    assert_eq!(error.responses.len(), 2);
    // Nothing is left of the question anywhere.
    assert_eq!(clients[1].exchange("430[\"late\"]"), [""; 0]);
}

#[test]
fn a_socket_of_this_node_that_ends_is_missing_at_once() {
    let world = World::of_three(joining);
    let mut clients = world.clients("/");
    let mut asked = ask(&world);
    assert!(world.poll(&mut asked).is_pending());
    clients[1].exchange("430[\"b\"]");
    clients[2].exchange("430[\"c\"]");
    clients[0].exchange("41");
    let Poll::Ready(Err(error)) = world.poll(&mut asked) else { panic!("still waiting") };
    assert_eq!(error.reason, AckError::Timeout);
    assert_eq!(error.responses, ["b", "c"]);
}

#[test]
fn who_has_not_answered_yet_is_waited_for_when_another_node_has_left() {
    let world = World::of_three(joining);
    let mut clients = world.clients("/");
    world.exchange.silence(2, true);
    let mut asked: Asked = Box::pin(world[0].io.emit_with_ack("q", 1, 10 * SECOND));
    assert!(world.poll(&mut asked).is_pending());
    clients[0].exchange("430[\"a\"]");
    world.exchange.remove(2);
    for _ in 0..3 {
        world.advance(SECOND);
        assert!(world.poll(&mut asked).is_pending());
    }
    clients[1].exchange("430[\"b\"]");
    let expected = ["a", "b"].map(str::to_owned).to_vec();
    assert_eq!(world.poll(&mut asked), Poll::Ready(Ok(expected)));
}

#[test]
fn nodes_that_cannot_be_counted_are_an_error_when_the_own_sockets_have_answered() {
    let world = World::of_three(joining);
    let mut clients = world.clients("/");
    world.exchange.set_unavailable(true);
    let mut asked = ask(&world);
    assert!(world.poll(&mut asked).is_pending());
    clients[0].exchange("430[\"a\"]");
    let Poll::Ready(Err(error)) = world.poll(&mut asked) else { panic!("still waiting") };
    assert_eq!(error.reason.to_string(), "the cluster cannot be reached: refused");
    assert_eq!(error.responses, ["a"]);
}

#[test]
fn all_answers_of_all_nodes_come_in_order_of_arrival_and_each_client_is_asked_once() {
    let world = World::of_three(joining);
    let mut clients = world.clients("/");
    let mut asked = ask(&world);
    assert!(world.poll(&mut asked).is_pending());
    assert_eq!(world.frames(&mut clients), ["420[\"q\",1]"; 3]);
    for n in [2, 0, 1] {
        clients[n].exchange(&format!("430[\"r{n}\",\"more\"]"));
        world.settle();
        let done = world.poll(&mut asked);
        if n == 1 {
            let expected = ["r2", "r0", "r1"].map(str::to_owned).to_vec();
            assert_eq!(done, Poll::Ready(Ok(expected)));
        } else {
            assert!(done.is_pending());
        }
    }
    // Its own message comes back, and asks nobody.
    assert_eq!(world.frames(&mut clients), ["", "", ""]);
}

#[test]
fn nobody_anywhere_is_an_empty_list_at_once() {
    let world = World::of_three(joining);
    assert_eq!(world.poll(&mut ask(&world)), Poll::Ready(Ok(Vec::new())));
    let io = &world[0].io;
    let local = io.local().emit_with_ack::<String>("q", 1, SECOND);
    world.exchange.take_log();
    assert_eq!(world.now(local), Ok(Vec::new()));
    assert_eq!(world.exchange.take_log().len(), 0);
}

#[test]
fn binary_answers_of_other_nodes_are_bytes() {
    let world = World::of_three(joining);
    let mut client = world[1].websocket();
    client.connect("/");
    let mut asked: Pin<Box<dyn Future<Output = Result<Vec<Binary>, _>>>> =
        Box::pin(world[0].io.emit_with_ack("q", (), SECOND));
    assert!(world.poll(&mut asked).is_pending());
    client.send("462-0[{\"_placeholder\":true,\"num\":1},{\"_placeholder\":true,\"num\":0}]");
    client.send_binary(b"other");
    client.send_binary(b"first");
    let Poll::Ready(answers) = world.poll(&mut asked) else { panic!("still waiting") };
    let answers: Result<Vec<Binary>, BroadcastAckError<Binary>> = answers;
    assert_eq!(answers, Ok(vec![Binary(Bytes::from_static(b"first"))]));
}

#[test]
fn a_question_that_is_given_up_leaves_nothing_behind() {
    let world = World::of_three(joining);
    let mut clients = world.clients("/");
    let mut asked = ask(&world);
    assert!(world.poll(&mut asked).is_pending());
    drop(asked);
    assert_eq!(world[0].io.cluster_stats().unwrap().pending_requests, 0);
    assert_eq!(world.now(world[0].io.inventory()).pending_acks, 0);
    clients[1].exchange("430[\"late\"]");
    world.settle();
}

#[test]
fn a_remote_socket_gives_one_value_from_wherever_it_is() {
    let world = World::of_three(joining);
    let mut clients = world.clients("/");
    let there = world[1].sockets()[0].id().clone();
    let remote = world.now(world[0].io.to(&there).fetch_sockets()).unwrap().pop().unwrap();
    world.exchange.take_log();
    let mut asked = Box::pin(remote.emit_with_ack::<String>("q", 1, SECOND));
    assert!(world.poll(&mut asked).is_pending());
    let Parcel::Message(Message::Broadcast { options, .. }) = &world.exchange.take_log()[0].2
    else {
        panic!("nothing was asked")
    };
    assert!(options.flags.expect_single_response);
    assert_eq!(options.flags.timeout, Some(SECOND));
    clients[1].exchange("430[\"one\"]");
    assert_eq!(world.poll(&mut asked), Poll::Ready(Ok("one".to_owned())));
    let mut asked = Box::pin(remote.emit_with_ack::<String>("q", 1, SECOND));
    assert!(world.poll(&mut asked).is_pending());
    world.advance(SECOND);
    assert_eq!(world.poll(&mut asked), Poll::Ready(Err(AckError::Timeout)));
    clients[1].exchange("41");
    let mut asked = Box::pin(remote.emit_with_ack::<String>("q", 1, SECOND));
    assert_eq!(world.poll(&mut asked), Poll::Ready(Err(AckError::Disconnected)));
}

#[test]
fn another_node_is_told_how_many_are_asked_and_then_each_first_argument() {
    let world = World::of_three(joining);
    let (mut a, mut b) = (world[0].joined(), world[0].joined());
    foreign_question(&world, BroadcastOptions::default());
    assert_eq!(answers(&world.exchange.take_log()), ["2", "0", "0"]);
    assert_eq!((a.frames().len(), b.frames().len()), (1, 1));
    a.exchange("430[{\"a\":1}, 2]");
    b.exchange("430[]");
    assert_eq!(answers(&world.exchange.take_log()), ["{\"a\":1}", "-"]);
}

#[test]
fn sockets_that_another_node_asks_have_its_time_or_the_longest_there_is() {
    let world = World::of_three(joining);
    let mut client = world[0].joined();
    let pending = || world.now(world[0].io.inventory()).pending_acks;
    let mut options = BroadcastOptions::default();
    options.flags.timeout = Some(SECOND);
    foreign_question(&world, options.clone());
    world[0].run();
    assert_eq!(pending(), 1);
    world.advance(SECOND * 2);
    assert_eq!(pending(), 0);
    options.flags.timeout = Some(Duration::MAX);
    foreign_question(&world, options);
    foreign_question(&world, BroadcastOptions::default());
    assert_eq!(client.frames().len(), 3);
    assert_eq!(pending(), 2);
    world.advance(SECOND * 61);
    assert_eq!(pending(), 0);
    client.frames();
}

#[test]
fn an_unreadable_question_is_answered_with_nobody() {
    let world = World::of_three(joining);
    let _client = world[0].joined();
    let data = Data { json: "[]".into(), attachments: Vec::new() };
    let options = BroadcastOptions::default();
    let message = Message::Broadcast { data, id: None, options, request: Some("r".into()) };
    world.exchange.hand_over("/", "elsewhere", &Parcel::Message(message));
    assert_eq!(answers(&world.exchange.take_log()), ["0", "0", "0"]);
    assert_eq!(world[0].io.cluster_stats().unwrap().garbage, 1);
}

#[test]
fn answers_that_nobody_waits_for_are_ignored() {
    let world = World::of_three(joining);
    let mut asked = ask(&world);
    assert_eq!(world.poll(&mut asked), Poll::Ready(Ok(Vec::new())));
    let id = request(&world);
    let own = world[0].io.node_id().unwrap().to_owned();
    let response = Response::Ack { request: id, value: None };
    world.exchange.hand_over("/", "x", &Parcel::Response(own, response));
}
