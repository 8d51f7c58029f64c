//! What threads share, in every interleaving: the queues of the workers, a session's handle, changes of rooms.
//!
//! `cargo xtask loom` runs these. Each model makes the real thing anew for each interleaving; a wait that nobody
//! ends, a lost message and a broken order fail it.
//! Locks that are held for a few plain steps and waited for by nobody need no model; neither does what one thread
//! owns.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::UNIX_EPOCH;

use loom::future::block_on;
use loom::sync::Mutex;
use loom::sync::atomic::{AtomicBool, Ordering};
use loom::thread;

use crate::close::CloseReason;
use crate::engine::Transport;
use crate::frame::Frame;
use crate::sid::Sid;

use super::bus::{Bus, Message};
use super::cluster::{Change, Changes};
use super::hub::SessionHandle;
use super::sessions::SessionOp;
use super::transfer::announce;
use super::{Handshake, HandshakeParts, Opening};

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
