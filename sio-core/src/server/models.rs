//! What threads share, in every interleaving: the queues of the workers, a session's handle, changes of rooms, who
//! waits for acks, and namespaces that go with their last socket.
//!
//! `cargo xtask loom` runs these. Each model makes the real thing anew for each interleaving; a wait that nobody
//! ends, a lost message and a broken order fail it.
//! Locks that are held for a few plain steps and waited for by nobody need no model; neither does what one thread
//! owns, and what only that one writes, as the counters of its traffic.
//! The other crates have nothing to check: what their threads share is behind such locks, in channels and in
//! counters of which each stands for itself.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant, UNIX_EPOCH};

use loom::future::block_on;
use loom::sync::Mutex;
use loom::sync::atomic::{AtomicBool, Ordering};
use loom::thread;

use crate::close::CloseReason;
use crate::engine::Transport;
use crate::frame::Frame;
use crate::sid::{Sid, SidSource};

use super::ack::AckError;
use super::broadcast_ack::{Collector, Heard, Question};
use super::bus::{Bus, Message};
use super::cluster::{Change, Changes};
use super::hub::{Entrance, Hub, SessionHandle};
use super::sessions::SessionOp;
use super::socket::Socket;
use super::transfer::announce;
use super::{Handshake, HandshakeParts, Io, Opening, Pattern};

fn bus(workers: usize) -> Arc<Bus> {
    let bus = Arc::new(Bus::new(100, 10_000));
    for _ in 0..workers {
        bus.register();
    }
    bus
}

fn session() -> Arc<SessionHandle> {
    let handshake = Handshake::new(&HandshakeParts {
        headers: &[],
        url: "/",
        address: None,
        secure: false,
        time: UNIX_EPOCH,
    });
    let opening = Opening::new(handshake, Transport::Polling);
    Arc::new(SessionHandle::new(Sid::custom("s").unwrap(), &opening, 0))
}

/// A thread of a model with more stack than usual, in words: to make a server takes some.
fn roomy(run: impl FnOnce() + Send + 'static) -> thread::JoinHandle<()> {
    thread::Builder::new().stack_size(1 << 16).spawn(run).unwrap()
}

fn roomy_model(run: impl Fn() + Copy + Send + Sync + 'static) {
    loom::model(move || roomy(run).join().unwrap());
}

/// A server without workers, whose clients make namespaces.
fn hub() -> Arc<Hub> {
    #[derive(Debug)]
    struct Zeros;
    impl SidSource for Zeros {
        fn fill(&self, bytes: &mut [u8; 15]) {
            bytes.fill(0);
        }
    }
    let pattern = Pattern::from("/made-{name}");
    let io = Io::builder().namespace("/", |_| {}).namespace(pattern, |_| {});
    Arc::clone(io.build(Box::new(Zeros)).unwrap().hub())
}

/// A socket that is connected, of a session of nobody.
fn socket(hub: &Arc<Hub>) -> Socket {
    let Entrance::Found(namespace) = hub.enter("/") else { panic!("there is no such namespace") };
    let socket = Socket::new(hub, namespace, &session(), "", None);
    socket.set_connected();
    socket
}

fn ends(socket: &Socket) {
    assert!(socket.begin_end());
    socket.fail_acks();
    socket.finish_end();
}

fn op(number: &'static str) -> SessionOp {
    SessionOp::SendFrame(Frame::constant(number))
}

/// What waits for a worker, in short.
fn waiting(bus: &Bus, worker: usize) -> Vec<(u64, String)> {
    let short = |message: &Message| match message {
        Message::Leave(..) => "leave".to_owned(),
        Message::Enter(_) => "enter".to_owned(),
        Message::Session(_, SessionOp::SendFrame(frame)) => {
            String::from_utf8(frame.payload().to_vec()).unwrap()
        }
        Message::Shutdown => "all".to_owned(),
        other => panic!("{other:?}"),
    };
    bus.take(worker, None).iter().map(|(number, message)| (*number, short(message))).collect()
}

/// A worker sleeps only while nothing waits for it.
#[test]
fn a_worker_that_sleeps_is_woken_by_a_message() {
    loom::model(|| {
        let bus = bus(1);
        let sender = Arc::clone(&bus);
        let sends = thread::spawn(move || {
            sender.publish(None, || Message::Shutdown).unwrap();
        });
        let taken = block_on(poll_fn(|cx| {
            let taken = bus.take(0, Some(cx.waker()));
            if taken.is_empty() { Poll::Pending } else { Poll::Ready(taken.len()) }
        }));
        assert_eq!(taken, 1);
        sends.join().unwrap();
    });
}

/// A worker looks at a flag, without the lock, before it reads input: it must not overlook what the input follows
/// from.
#[test]
fn what_was_said_before_is_seen_without_the_lock() {
    loom::model(|| {
        let bus = Arc::new(Bus::new(100, 10_000));
        let (_, flag) = bus.register();
        let said = Arc::new(AtomicBool::new(false));
        let (sender, tells) = (Arc::clone(&bus), Arc::clone(&said));
        let speaks = thread::spawn(move || {
            sender.publish(None, || Message::Shutdown).unwrap();
            tells.store(true, Ordering::Release);
        });
        // The client has heard of it, and its input comes.
        if said.load(Ordering::Acquire) {
            assert!(flag.load(Ordering::Acquire));
            assert_eq!(waiting(&bus, 0).len(), 1);
            assert!(!flag.load(Ordering::Acquire));
        }
        speaks.join().unwrap();
    });
}

#[test]
fn all_workers_get_the_same_messages_in_the_same_order() {
    loom::model(|| {
        let bus = bus(2);
        let session = session();
        let other = Arc::clone(&bus);
        let others = thread::spawn(move || {
            other.publish(None, || Message::Shutdown).unwrap();
        });
        bus.publish(None, || Message::Session(Arc::clone(&session), op("one"))).unwrap();
        // One of them takes in the middle of it.
        let mut first = waiting(&bus, 0);
        others.join().unwrap();
        first.extend(waiting(&bus, 0));
        assert_eq!(first.len(), 2);
        assert_eq!(first, waiting(&bus, 1));
    });
}

/// What other threads say to a session that moves is for the old home before the point of the move, for the new
/// one behind it, and nowhere else.
#[test]
fn messages_to_a_session_that_moves_come_once_and_in_order() {
    loom::model(|| {
        let bus = bus(2);
        let session = session();
        let (sender, known) = (Arc::clone(&bus), Arc::clone(&session));
        let speaks = thread::spawn(move || {
            sender.send_home(&known, op("one")).unwrap();
            sender.send_home(&known, op("two")).unwrap();
        });
        let told = announce(&mut bus.lock(), &session, 0, 1);
        assert!(told.iter().all(Result::is_ok));
        speaks.join().unwrap();
        let (old, new) = (waiting(&bus, 0), waiting(&bus, 1));
        let names = |messages: &[(u64, String)]| {
            messages.iter().map(|(_, name)| name.clone()).collect::<Vec<_>>()
        };
        let (before, behind) = (names(&old), names(&new));
        assert_eq!(before.last().map(String::as_str), Some("leave"));
        assert_eq!(behind.first().map(String::as_str), Some("enter"));
        let all = [&before[..before.len() - 1], &behind[1..]].concat();
        assert_eq!(all, ["one", "two"]);
        // Direct deliveries compare with the point of the move.
        let point = session.leaves_at();
        assert!(old[..old.len() - 1].iter().all(|(number, _)| *number < point));
        assert!(new[1..].iter().all(|(number, _)| *number > point));
        assert_eq!(session.home(), 1);
    });
}

/// A worker that stops takes what is left for it, and gets nothing more.
#[test]
fn a_message_is_for_a_stopping_worker_or_for_nobody() {
    loom::model(|| {
        let bus = bus(1);
        let session = session();
        let (sender, known) = (Arc::clone(&bus), Arc::clone(&session));
        let speaks = thread::spawn(move || {
            sender.send_home(&known, SessionOp::Close(CloseReason::ForcedClose)).unwrap();
        });
        let left = bus.unregister(0).len();
        speaks.join().unwrap();
        assert!(left <= 1);
        assert!(bus.take(0, None).is_empty());
        assert_eq!(bus.workers(), 0);
    });
}

/// A stream on another thread waits for room, and is told of it, or of the session's end.
#[test]
fn who_waits_for_room_is_woken_by_room_and_by_the_end() {
    for ends in [false, true] {
        loom::model(move || {
            let session = session();
            session.set_congested(true);
            let home = Arc::clone(&session);
            let writes =
                thread::spawn(move || if ends { home.end() } else { home.tell_room(false) });
            block_on(poll_fn(|cx| session.poll_room(cx, || session.is_congested())));
            writes.join().unwrap();
        });
    }
}

/// Two requests with a WebSocket for one session.
#[test]
fn one_of_two_websockets_gets_the_session() {
    loom::model(|| {
        let session = session();
        let other = Arc::clone(&session);
        let claims = thread::spawn(move || other.claim_websocket());
        let here = session.claim_websocket();
        assert!(here ^ claims.join().unwrap());
    });
}

/// The end of a session tells whoever receives a push for it, at whatever moment it comes.
#[test]
fn a_push_is_told_that_its_session_ended() {
    loom::model(|| {
        let session = session();
        let other = Arc::clone(&session);
        let ends = thread::spawn(move || other.end());
        assert!(session.begin_push());
        let mut told = session.push_ended();
        ends.join().unwrap();
        assert!(told.try_recv().is_err());
    });
}

/// Changes are noted under the lock that makes them; whichever thread tells, the order is that of their making.
#[test]
fn changes_are_told_once_and_in_the_order_of_their_making() {
    loom::model(|| {
        let changes = Arc::new(Changes::default());
        let (made, told) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(Vec::new())));
        let act = {
            let (changes, made, told) =
                (Arc::clone(&changes), Arc::clone(&made), Arc::clone(&told));
            move |name: &str, begins: bool| {
                {
                    let mut made = made.lock().unwrap();
                    made.push(name.to_owned());
                    changes.add(Change::Open(Arc::from(name)));
                }
                let tell = |change| match change {
                    Change::Open(name) => told.lock().unwrap().push(name.to_string()),
                    other => panic!("{other:?}"),
                };
                if begins { changes.begin(tell) } else { changes.tell(tell) }
            }
        };
        let other = act.clone();
        let others = thread::spawn(move || other("b", false));
        act("a", true);
        others.join().unwrap();
        assert_eq!(*made.lock().unwrap(), *told.lock().unwrap());
    });
}

/// An emit asks for an ack while its socket ends: the wait is over with the socket, whichever is first.
#[test]
fn who_waits_for_an_ack_is_told_that_the_socket_ended() {
    roomy_model(|| {
        let socket = socket(&hub());
        let other = socket.clone();
        let ends = roomy(move || ends(&other));
        let answer = block_on(socket.emit_with_ack::<u64>("a", (), None));
        assert_eq!(answer, Err(AckError::Disconnected));
        ends.join().unwrap();
        assert_eq!(socket.pending_acks(), 0);
    });
}

/// The client's answer, and the end of its socket.
#[test]
fn a_wait_for_an_ack_ends_once() {
    roomy_model(|| {
        let socket = socket(&hub());
        let waits = socket.emit_with_ack::<u64>("a", (), None);
        let other = socket.clone();
        let ends = roomy(move || ends(&other));
        socket.resolve_ack(0, "7]", &[]);
        let answer = block_on(waits);
        assert!(matches!(answer, Ok(7) | Err(AckError::Disconnected)), "{answer:?}");
        ends.join().unwrap();
        assert_eq!(socket.pending_acks(), 0);
    });
}

/// Two sockets are asked by a broadcast. One answers and one ends, while the last worker lets go of the broadcast.
#[test]
fn a_broadcast_with_acks_is_over_once_when_all_have_answered_or_ended() {
    roomy_model(|| {
        let hub = hub();
        let (stays, ends_soon) = (socket(&hub), socket(&hub));
        let (collector, outcome) = Collector::of_all(1);
        let question = Question { collector, timeout: Duration::from_secs(1) };
        let deadline = Instant::now();
        assert!(stays.ask_share(&question, deadline) && ends_soon.ask_share(&question, deadline));
        let lets_go = roomy(move || drop(question));
        let other = roomy(move || ends(&ends_soon));
        stays.resolve_ack(1, "7]", &[]);
        let outcome = block_on(outcome).unwrap();
        assert_eq!((outcome.answers.len(), outcome.reason), (1, Some(AckError::Timeout)));
        lets_go.join().unwrap();
        other.join().unwrap();
    });
}

/// What another node is told of the answers comes once each, behind how many were asked.
#[test]
fn a_listener_hears_how_many_were_asked_and_then_each_answer_once() {
    roomy_model(|| {
        let hub = hub();
        let sockets = [socket(&hub), socket(&hub)];
        let heard = Arc::new(Mutex::new(Vec::new()));
        let told = Arc::clone(&heard);
        let collector = Collector::of_each(1, move |heard| {
            let number = match heard {
                Heard::Asked(count) => 100 + count,
                Heard::Answer(answer) => answer.read().unwrap(),
                Heard::Missing => panic!("all have answered"),
            };
            told.lock().unwrap().push(number);
        });
        let question = Question { collector, timeout: Duration::from_secs(1) };
        let deadline = Instant::now();
        assert!(sockets.iter().all(|socket| socket.ask_share(&question, deadline)));
        let [first, second] = sockets;
        let answers = roomy(move || first.resolve_ack(1, "1]", &[]));
        let lets_go = roomy(move || drop(question));
        second.resolve_ack(1, "2]", &[]);
        answers.join().unwrap();
        lets_go.join().unwrap();
        let mut heard = heard.lock().unwrap().clone();
        assert_eq!(heard.first(), Some(&102));
        heard.sort_unstable();
        assert_eq!(heard, [1, 2, 102]);
    });
}

/// One client leaves a namespace that goes with its last socket, and another enters it: that one is in a namespace
/// which others find as well.
#[test]
fn nobody_is_left_in_a_namespace_that_has_gone() {
    roomy_model(|| {
        let hub = hub();
        let enter = |hub: &Hub| match hub.enter("/made-a") {
            Entrance::Found(namespace) => namespace,
            _ => panic!("the pattern fits"),
        };
        let left = enter(&hub);
        let other = Arc::clone(&hub);
        let leaves = roomy(move || other.leave(&left));
        let entered = enter(&hub);
        leaves.join().unwrap();
        assert!(hub.namespace("/made-a").is_some_and(|found| Arc::ptr_eq(&found, &entered)));
        hub.leave(&entered);
        assert!(hub.namespace("/made-a").is_none());
    });
}
