//! Nodes with several workers: each takes its part, and the last to be through answers.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::task::Poll;
use std::time::Duration;

use sio_core::cluster::Response;
use sio_core::engine::Transport;
use sio_core::server::{BroadcastAckError, Io, IoConfig, SessionHandle};

use crate::exchange::{Joint, Parcel};
use crate::threads::{Clock, Thread};
use crate::world::{Counter, World, joining};

/// A node with two workers and a client on each.
struct Wide {
    io: Io,
    threads: [Thread; 2],
    clients: Vec<Arc<SessionHandle>>,
}

impl Wide {
    fn start(world: &World, number: u8, change: impl FnOnce(&mut Joint)) -> Self {
        Self::start_with(world, number, joining(), change)
    }

    fn start_with(
        world: &World,
        number: u8,
        config: IoConfig,
        change: impl FnOnce(&mut Joint),
    ) -> Self {
        let mut joint = world.exchange.joint();
        change(&mut joint);
        let sids = Box::new(Counter(number, AtomicU64::new(0)));
        let io = config.adapter(joint).build(sids).unwrap();
        let clock = Clock::start();
        let threads = [Thread::spawn(), Thread::spawn()];
        let clients = threads.iter().map(|thread| {
            thread.start(&io, &clock);
            thread.run(|local| {
                let session = local.open(Transport::Websocket);
                local.turn(&session, Some("40"));
                session
            })
        });
        let clients = clients.collect();
        Self { io, threads, clients }
    }

    /// A client says something, or only listens.
    fn turn(&self, n: usize, input: Option<&'static str>) -> Vec<String> {
        let session = Arc::clone(&self.clients[n]);
        self.threads[n].run(move |local| {
            local.poll();
            local.turn(&session, input)
        })
    }
}

/// Lets messages pass until no worker of any node has anything left to do.
fn settle(world: &World, nodes: &[&Wide]) {
    loop {
        world.settle();
        let threads = nodes.iter().flat_map(|node| &node.threads);
        let busy = threads.map(|thread| thread.run(|local| local.poll_if_woken()));
        if busy.filter(|busy| *busy).count() == 0 {
            return;
        }
    }
}

fn two_wide_nodes_and_one() -> (World, Wide, Wide) {
    let mut world = World::empty();
    world.add(joining(), |_| {});
    let (b, c) = (Wide::start(&world, 7, |_| {}), Wide::start(&world, 8, |_| {}));
    settle(&world, &[&b, &c]);
    (world, b, c)
}

#[test]
fn one_full_queue_keeps_what_another_node_says_from_its_own_worker_only() {
    let mut world = World::empty();
    world.add(joining(), |_| {});
    let mut config = joining();
    config.config_mut().limits.max_worker_queue = 3;
    let wide = Wide::start_with(&world, 7, config, |_| {});
    settle(&world, &[&wide]);
    // The first worker has no turn, and the second always has one.
    for n in 0..5 {
        world[0].io.emit("a", n).unwrap();
        world.settle();
        assert_eq!(wide.turn(1, None), [format!(r#"42["a",{n}]"#)]);
    }
    let missed = wide.io.cluster_stats().unwrap();
    assert_eq!(missed.lost, 2, "{missed:?}");
    assert_eq!(wide.turn(0, None), [r#"42["a",0]"#, r#"42["a",1]"#, r#"42["a",2]"#]);
}

#[test]
fn an_event_of_another_node_reaches_the_sockets_of_all_workers_once() {
    let (world, b, c) = two_wide_nodes_and_one();
    world[0].io.emit("a", 1).unwrap();
    settle(&world, &[&b, &c]);
    for node in [&b, &c] {
        for n in 0..2 {
            assert_eq!(node.turn(n, None), ["42[\"a\",1]"]);
        }
    }
    // From a worker's own thread as well.
    assert_eq!(b.turn(0, Some("42[\"others\"]")), [""; 0]);
    settle(&world, &[&b, &c]);
    assert_eq!(b.turn(1, None), ["42[\"hi\"]"]);
    assert_eq!(c.turn(0, None), ["42[\"hi\"]"]);
}

#[test]
fn sockets_are_fetched_from_all_workers_of_all_nodes() {
    let (world, b, c) = two_wide_nodes_and_one();
    let _client = world[0].joined();
    let io = world[0].io.clone();
    let mut asked: Pin<Box<dyn Future<Output = _>>> =
        Box::pin(async move { io.fetch_sockets().await.map(|sockets| sockets.len()).ok() });
    assert!(world.poll(&mut asked).is_pending());
    settle(&world, &[&b, &c]);
    assert_eq!(world.poll(&mut asked), Poll::Ready(Some(5)));
}

#[test]
fn the_number_of_those_asked_is_told_when_all_workers_have_asked_and_before_any_answer() {
    let (world, b, c) = two_wide_nodes_and_one();
    let io = world[0].io.clone();
    type Asked = Pin<Box<dyn Future<Output = Result<Vec<u8>, BroadcastAckError<u8>>>>>;
    let mut asked: Asked = Box::pin(io.emit_with_ack("q", (), Duration::from_secs(1)));
    assert!(world.poll(&mut asked).is_pending());
    world.exchange.take_log();
    // One worker has asked and has its answer; the other has not heard of it.
    assert_eq!(b.turn(0, None), ["420[\"q\"]"]);
    b.turn(0, Some("430[1]"));
    assert_eq!(world.exchange.take_log().len(), 0);
    assert_eq!(b.turn(1, None), ["420[\"q\"]"]);
    let told = world.exchange.take_log();
    assert!(
        matches!(
            [&told[0].2, &told[1].2],
            [
                Parcel::Response(_, Response::ClientCount { count: 2, .. }),
                Parcel::Response(_, Response::Ack { .. }),
            ]
        ),
        "{told:?}"
    );
    b.turn(1, Some("430[2]"));
    for n in 0..2 {
        c.turn(n, None);
        c.turn(n, Some("430[3]"));
    }
    settle(&world, &[&b, &c]);
    assert_eq!(world.poll(&mut asked), Poll::Ready(Ok(vec![1, 2, 3, 3])));
}

#[test]
fn a_room_with_members_on_two_workers_is_opened_and_closed_once() {
    let world = World::empty();
    let node = Wide::start(&world, 7, |joint| joint.watches_rooms = true);
    world.exchange.take_told(0);
    node.turn(0, Some("42[\"join\",\"r\"]"));
    node.turn(1, Some("42[\"join\",\"r\"]"));
    assert_eq!(world.exchange.take_told(0), ["/ +r"]);
    node.turn(0, Some("41"));
    assert_eq!(world.exchange.take_told(0).len(), 1);
    node.turn(1, Some("41"));
    let told = world.exchange.take_told(0);
    assert_eq!(told[0], "/ -r");
    assert_eq!(told.len(), 2);
}
