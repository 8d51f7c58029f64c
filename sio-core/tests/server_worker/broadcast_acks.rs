//! Broadcasts that ask for acks.

use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use sio_core::packet::{Binary, Value};
use sio_core::server::{
    AckError, BroadcastAckError, BroadcastAckFuture, Io, IoConfig, NamespaceRef, RemoteSocket,
    Socket,
};

use crate::carrier::Server;
use crate::tools::Notes;

const SECOND: Duration = Duration::from_secs(1);
const MS: Duration = Duration::from_millis(1);
/// Timers are this late at most.
const TICK: Duration = Duration::from_millis(8);

type Asked = Pin<Box<BroadcastAckFuture<String>>>;
type Outcome = Result<Vec<String>, BroadcastAckError<String>>;

fn start() -> Server {
    Server::start(joining())
}

/// Clients join rooms by event.
fn joining() -> IoConfig {
    Io::builder().namespace("/", |ns| {
        ns.on("join", |socket: Socket, room: String| socket.join(room));
    })
}

fn ask(server: &Server) -> Asked {
    Box::pin(server.io.of("/").emit_with_ack("q", 1, SECOND))
}

fn poll<F: Future + ?Sized>(future: &mut Pin<Box<F>>) -> Poll<F::Output> {
    future.as_mut().poll(&mut Context::from_waker(Waker::noop()))
}

fn timed_out(responses: &[&str]) -> Poll<Outcome> {
    let mut error = timeout_error();
    error.responses = responses.iter().map(ToString::to_string).collect();
    Poll::Ready(Err(error))
}

/// The error of a broadcast that nobody answered.
fn timeout_error() -> BroadcastAckError<String> {
    let server = start();
    let _client = server.joined();
    let mut asked = Box::pin(server.io.of("/").emit_with_ack("q", (), Duration::ZERO));
    match poll(&mut asked) {
        Poll::Ready(Err(error)) => error,
        other => panic!("{other:?}"),
    }
}

fn answers(answers: &[&str]) -> Poll<Outcome> {
    Poll::Ready(Ok(answers.iter().map(ToString::to_string).collect()))
}

/// Emits that wait for an ack, on all sockets.
fn pending(server: &Server) -> usize {
    match pin!(server.io.inventory()).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(inventory) => inventory.pending_acks,
        Poll::Pending => panic!("the only worker has not answered"),
    }
}

#[test]
fn a_receiver_that_does_not_answer_in_time_is_missing_and_its_late_answer_is_ignored() {
    let server = start();
    let (mut a, mut b) = (server.joined(), server.joined());
    let mut asked = ask(&server);
    assert_eq!(a.frames(), ["420[\"q\",1]"]);
    assert_eq!(b.frames(), ["420[\"q\",1]"]);
    a.exchange("430[\"ra\"]");
    server.advance(SECOND - MS);
    assert_eq!(poll(&mut asked), Poll::Pending);
    assert_eq!(pending(&server), 1);
    server.advance(MS + TICK);
    assert_eq!(poll(&mut asked), timed_out(&["ra"]));
    assert_eq!(pending(&server), 0);
    assert_eq!(b.exchange("430[\"rb\"]"), [""; 0]);
    let text = poll(&mut ask_nobody_answers(&server)).map_err(|error| error.to_string());
    assert_eq!(text, Poll::Ready(Err("operation has timed out".to_owned())));
}

fn ask_nobody_answers(server: &Server) -> Asked {
    Box::pin(server.io.of("/").emit_with_ack("q", (), Duration::ZERO))
}

#[test]
fn a_timeout_of_zero_has_passed_before_any_answer() {
    let server = start();
    let mut client = server.joined();
    let mut asked = ask_nobody_answers(&server);
    assert_eq!(poll(&mut asked), timed_out(&[]));
    assert_eq!(client.frames(), ["420[\"q\"]"]);
    assert_eq!(pending(&server), 0);
    assert_eq!(client.exchange("430[1]"), [""; 0]);
}

#[test]
fn nobody_answers_at_once_with_an_empty_list() {
    let server = start();
    let client = server.joined();
    let nobody: [NamespaceRef; 2] = [server.io.of("/nowhere"), server.io.of("/")];
    for (index, namespace) in nobody.iter().enumerate() {
        let selection = if index == 0 { namespace.everybody().clone() } else { namespace.to("x") };
        let mut asked: Asked = Box::pin(selection.emit_with_ack("q", (), SECOND));
        assert_eq!(poll(&mut asked), answers(&[]));
    }
    drop(client);
}

#[test]
fn reserved_names_and_values_without_a_form_are_refused() {
    let server = start();
    let mut client = server.joined();
    let mut asked: Asked = Box::pin(server.io.of("/").emit_with_ack("connect", (), SECOND));
    match poll(&mut asked) {
        Poll::Ready(Err(error)) => {
            assert_eq!(error.to_string(), "\"connect\" is a reserved event name");
            assert!(matches!(error.reason, AckError::Emit(_)));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!((client.frames(), pending(&server)), (Vec::new(), 0));
}

#[test]
fn answers_come_in_order_of_arrival_and_only_their_first_argument_counts() {
    let server = start();
    let (mut a, mut b, mut c) = (server.joined(), server.joined(), server.joined());
    let mut asked = ask(&server);
    b.exchange("430[\"rb\"]");
    c.exchange("430[\"rc\",\"more\"]");
    assert_eq!(poll(&mut asked), Poll::Pending);
    a.exchange("430[\"ra\"]");
    assert_eq!(poll(&mut asked), answers(&["rb", "rc", "ra"]));
    assert_eq!(pending(&server), 0);
}

#[test]
fn a_second_answer_and_one_of_somebody_who_was_not_asked_do_not_count() {
    let server = start();
    let (mut a, mut b) = (server.joined(), server.joined());
    a.exchange("42[\"join\",\"room\"]");
    let mut asked: Asked = Box::pin(server.io.to("room").emit_with_ack("q", (), SECOND));
    assert_eq!((a.frames(), b.frames()), (vec!["420[\"q\"]".to_owned()], Vec::new()));
    b.exchange("430[\"not asked\"]");
    assert_eq!(poll(&mut asked), Poll::Pending);
    a.send_all(&["430[\"one\"]", "430[\"two\"]"]);
    assert_eq!(poll(&mut asked), answers(&["one"]));
}

#[test]
fn a_receiver_that_ends_is_missing_and_with_the_last_of_them_the_wait_ends() {
    let server = start();
    let (mut a, b, mut c) = (server.joined(), server.joined(), server.joined());
    let mut asked = ask(&server);
    a.exchange("430[\"ra\"]");
    drop(b);
    assert_eq!(poll(&mut asked), Poll::Pending);
    c.exchange("41");
    assert_eq!(poll(&mut asked), timed_out(&["ra"]));
    assert_eq!(pending(&server), 0);
}

#[test]
fn a_receiver_that_ends_does_not_end_the_wait_for_the_others() {
    let server = start();
    let (a, mut b) = (server.joined(), server.joined());
    let mut asked = ask(&server);
    drop(a);
    b.exchange("430[\"rb\"]");
    assert_eq!(poll(&mut asked), timed_out(&["rb"]));
}

#[test]
fn a_future_that_is_dropped_leaves_nothing_behind() {
    let server = start();
    let (mut a, mut b) = (server.joined(), server.joined());
    let asked = ask(&server);
    a.exchange("430[\"ra\"]");
    drop(asked);
    assert_eq!(pending(&server), 0);
    assert_eq!(b.exchange("430[\"rb\"]"), ["420[\"q\",1]"]);
    drop((a, b));
    server.assert_empty();
}

#[test]
fn sockets_that_owe_too_many_answers_are_not_asked_and_missing() {
    let mut config = joining();
    config.config_mut().limits.max_pending_acks = 1;
    let server = Server::start(config);
    let (mut a, mut b) = (server.joined(), server.joined());
    a.exchange("42[\"join\",\"room\"]");
    let first: Asked = Box::pin(server.io.to("room").emit_with_ack("q", (), SECOND));
    let mut second = ask(&server);
    assert_eq!((a.frames(), b.frames()), (vec!["420[\"q\"]".into()], vec!["421[\"q\",1]".into()]));
    b.exchange("431[\"rb\"]");
    assert_eq!(poll(&mut second), timed_out(&["rb"]));
    drop(first);
    let mut third = ask(&server);
    a.exchange("432[\"ra\"]");
    b.exchange("432[\"rb\"]");
    assert_eq!(poll(&mut third), answers(&["ra", "rb"]));
}

#[test]
fn the_limit_makes_room_by_what_nobody_waits_for_any_more() {
    let mut config = joining();
    config.config_mut().limits.max_pending_acks = 1;
    let server = Server::start(config);
    let mut client = server.joined();
    let remote = fetched(&server).remove(0);
    // Its entry stays until it is due or its place is needed.
    drop(remote.emit_with_ack::<u8>("q", (), SECOND));
    let mut asked = ask(&server);
    assert_eq!(client.exchange("431[\"r\"]"), ["420[\"q\"]", "421[\"q\",1]"]);
    assert_eq!(poll(&mut asked), answers(&["r"]));
}

#[test]
fn ids_are_counted_per_namespace_by_all_emits_with_acks() {
    let server = Server::start(joining().namespace("/other", |_| {}));
    let mut client = server.joined();
    client.connect("/other");
    let sockets = server.sockets();
    let one = sockets[0].emit_with_ack::<String>("one", (), None);
    let all: BroadcastAckFuture<String> = server.io.emit_with_ack("all", (), SECOND);
    let other: BroadcastAckFuture<String> = server.io.of("/other").emit_with_ack("all", (), SECOND);
    let two = sockets[0].emit_with_ack::<String>("two", (), None);
    assert_eq!(
        client.frames(),
        ["420[\"one\"]", "421[\"all\"]", "42/other,0[\"all\"]", "422[\"two\"]"]
    );
    drop((one, all, other, two));
}

#[test]
fn binary_answers_are_bytes_in_the_list() {
    let server = start();
    let mut client = server.joined();
    let mut asked: Pin<Box<BroadcastAckFuture<Binary>>> =
        Box::pin(server.io.of("/").emit_with_ack("q", Binary::from(vec![7]), SECOND));
    assert_eq!(client.frames(), ["451-0[\"q\",{\"_placeholder\":true,\"num\":0}]", "<07>"]);
    client.send("461-0[{\"_placeholder\":true,\"num\":0}]");
    client.send_binary(&[1, 2, 3]);
    match poll(&mut asked) {
        Poll::Ready(Ok(answers)) => assert_eq!(answers[0].as_ref(), [1, 2, 3]),
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_answer_that_does_not_fit_is_told_and_the_others_are_there() {
    let server = start();
    let (mut a, mut b) = (server.joined(), server.joined());
    let mut asked = ask(&server);
    a.exchange("430[7]");
    b.exchange("430[\"rb\"]");
    match poll(&mut asked) {
        Poll::Ready(Err(error)) => {
            assert!(matches!(error.reason, AckError::Invalid(_)), "{error}");
            assert_eq!(error.responses, ["rb"]);
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn who_cannot_be_sent_a_volatile_question_is_not_asked() {
    let server = start();
    let mut listening = server.joined();
    let away = server.joined_by_polling();
    let mut asked: Asked = Box::pin(server.io.volatile().emit_with_ack("q", (), SECOND));
    listening.exchange("430[\"here\"]");
    assert_eq!(poll(&mut asked), answers(&["here"]));
    drop(away);
}

#[test]
fn a_handler_may_ask_everybody_else() {
    let notes = Notes::default();
    let noted = notes.clone();
    let server = Server::start(Io::builder().namespace("/", move |ns| {
        ns.on("ask", async move |socket: Socket| {
            let answers: Vec<Value> = socket.broadcast().emit_with_ack("q", (), SECOND).await?;
            noted.add(format!("{answers:?}"));
            Ok::<_, BroadcastAckError<Value>>(answers.len())
        });
    }));
    let (mut a, mut b) = (server.joined(), server.joined());
    assert_eq!(a.exchange("425[\"ask\"]"), [""; 0]);
    assert_eq!(b.exchange("430[true]"), ["420[\"q\"]"]);
    assert_eq!(a.frames(), ["435[1]"]);
    assert_eq!(notes.take(), ["[Bool(true)]"]);
}

fn fetched(server: &Server) -> Vec<RemoteSocket> {
    match pin!(server.io.fetch_sockets()).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(sockets) => sockets.unwrap(),
        Poll::Pending => panic!("the only worker has not answered"),
    }
}

#[test]
fn a_remote_socket_gives_one_value_or_only_an_error() {
    let server = start();
    let (mut a, mut b) = (server.joined(), server.joined());
    let sockets = fetched(&server);
    let mut asked = Box::pin(sockets[0].emit_with_ack::<String>("q", 1, SECOND));
    assert_eq!(a.frames(), ["420[\"q\",1]"]);
    assert_eq!(b.frames(), [""; 0]);
    assert_eq!(poll(&mut asked), Poll::Pending);
    a.exchange("430[\"ra\",\"more\"]");
    assert_eq!(poll(&mut asked), Poll::Ready(Ok("ra".to_owned())));
    let mut late = Box::pin(sockets[1].emit_with_ack::<String>("q", 1, SECOND));
    server.advance(SECOND + TICK);
    assert_eq!(poll(&mut late), Poll::Ready(Err(AckError::Timeout)));
    drop(b);
    let mut gone = Box::pin(sockets[1].emit_with_ack::<String>("q", 1, SECOND));
    assert_eq!(poll(&mut gone), Poll::Ready(Err(AckError::Disconnected)));
}
