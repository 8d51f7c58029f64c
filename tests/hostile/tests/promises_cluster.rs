//! Nodes that are killed and restarted: promises 21 and 22 of `docs/hostile.md`, with processes and a real Redis.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use hostile::{Balancer, Redis, Target};
use integration::DEADLINE;
use sio_client::{Client, LifeEvent, Reconnection, Socket, TransportMode};
use sio_redis::{Emitter, Mode};

fn node(redis: &Redis, mode: &str) -> Target {
    // A busy machine must not make events go without their offsets.
    let flags = ["--redis", &redis.url(), "--mode", mode, "--offset-wait", "10000"];
    Target::start(env!("CARGO_BIN_EXE_node"), &flags)
}

fn client(url: &str) -> Socket {
    let soon = Reconnection::within(Duration::from_millis(50), Duration::from_millis(500));
    let client = Client::builder(url).transport(TransportMode::Websocket).reconnection(soon);
    client.build().unwrap().socket("/")
}

/// Waits until something is so.
async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + DEADLINE;
    while !is_so() {
        assert!(Instant::now() < end, "nothing came: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Members of the room on all nodes; nothing if one of them does not answer.
async fn count(socket: &Socket) -> Option<usize> {
    socket.emit_with_ack("count", ()).await.unwrap()
}

async fn until_count(socket: &Socket, wanted: usize, limit: Duration) {
    let end = Instant::now() + limit;
    loop {
        let found = count(socket).await;
        if found == Some(wanted) {
            return;
        }
        assert!(Instant::now() < end, "{found:?} members, not {wanted}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn promise_21_the_clients_of_a_killed_node_come_back_elsewhere_and_leave_no_ghosts() {
    let redis = Redis::start();
    for mode in ["classic", "sharded", "streams"] {
        let (stays, dies) = (node(&redis, mode), node(&redis, mode));
        let balancer = Balancer::before(vec![dies.address()]);
        let (one, other) =
            (client(&format!("http://{}", stays.address())), client(&balancer.url()));
        one.connect().await.unwrap();
        other.connect().await.unwrap();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let list = Arc::clone(&heard);
        other.on("n", move |number: u64| list.lock().unwrap().push(number));
        until_count(&one, 2, DEADLINE).await;

        drop(dies);
        until_count(&one, 1, Duration::from_secs(10)).await;
        balancer.lead_to(vec![stays.address()]);
        until_count(&one, 2, DEADLINE).await;
        one.emit("say", 7).await.unwrap();
        until("an event", || *heard.lock().unwrap() == [7]).await;
        one.client().close().await;
        other.client().close().await;
    }
}

/// What a client of the rolling restart has got, and how often it came back as who it was.
#[derive(Default)]
struct Got {
    numbers: Vec<u64>,
    recovered: usize,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn promise_22_a_rolling_restart_under_load_loses_no_event_of_those_who_come_back() {
    let redis = Redis::start();
    let mut nodes: Vec<_> = (0..3).map(|_| node(&redis, "streams")).collect();
    let addresses = |nodes: &[Target]| nodes.iter().map(Target::address).collect::<Vec<_>>();
    let balancer = Balancer::before(addresses(&nodes));
    let mut clients = Vec::new();
    for _ in 0..12 {
        let (socket, got) = (client(&balancer.url()), Arc::<Mutex<Got>>::default());
        let (list, counts) = (Arc::clone(&got), Arc::clone(&got));
        socket.on("n", move |number: u64| list.lock().unwrap().numbers.push(number));
        let weak = socket.downgrade();
        socket.on_life(move |event| {
            let is_recovered = || weak.upgrade().is_some_and(|socket| socket.is_recovered());
            if matches!(event, LifeEvent::Connect { .. }) && is_recovered() {
                counts.lock().unwrap().recovered += 1;
            }
        });
        socket.connect().await.unwrap();
        clients.push((socket, got));
    }

    let (stop, url) = (Arc::new(AtomicBool::new(false)), redis.url());
    let stopped = Arc::clone(&stop);
    let load = tokio::spawn(async move {
        let emitter = Emitter::new(&url).unwrap().mode(Mode::Streams);
        let mut next = 0_u64;
        while !stopped.load(Ordering::Relaxed) {
            emitter.emit("n", next).await.unwrap();
            next += 1;
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        next
    });
    let have = |least: u64| {
        let has = |got: &Mutex<Got>| got.lock().unwrap().numbers.last() >= Some(&least);
        clients.iter().all(|(_, got)| has(got))
    };
    until("the first events", || have(10)).await;
    for _ in 0..3 {
        let oldest = nodes.remove(0);
        balancer.lead_to(addresses(&nodes));
        tokio::task::spawn_blocking(move || oldest.stop()).await.unwrap();
        nodes.push(node(&redis, "streams"));
        balancer.lead_to(addresses(&nodes));
        let last = clients[0].1.lock().unwrap().numbers.last().copied().unwrap_or_default();
        until("everybody is back", || have(last + 100)).await;
    }
    stop.store(true, Ordering::Relaxed);
    let said = load.await.unwrap();
    until("the last event", || have(said - 1)).await;
    for (socket, got) in &clients {
        let numbers = std::mem::take(&mut got.lock().unwrap().numbers);
        assert_eq!(numbers, (0..said).collect::<Vec<_>>());
        socket.client().close().await;
    }
    let recovered: usize = clients.iter().map(|(_, got)| got.lock().unwrap().recovered).sum();
    assert!(recovered >= clients.len(), "each node is restarted, so everybody moves: {recovered}");
}
