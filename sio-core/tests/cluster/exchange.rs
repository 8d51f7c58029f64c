//! An adapter in memory: nodes whose messages wait until the test hands them over.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use sio_core::adapter::Room;
use sio_core::cluster::{Adapter, AdapterStats, BoxFuture, ClusterError, Message, Node, Response};

/// Something on its way between nodes.
#[derive(Debug, Clone)]
pub(crate) enum Parcel {
    Message(Message),
    /// An answer to the node with this id; empty for all.
    Response(String, Response),
}

/// A parcel with its namespace and sender.
pub(crate) type Sent = (String, String, Parcel);

#[derive(Default)]
struct Seat {
    node: Option<Arc<dyn Node>>,
    namespaces: Vec<String>,
    /// It hears, but what it says is lost.
    silent: bool,
    /// Calls of the adapter about namespaces and rooms.
    told: Vec<String>,
}

impl Seat {
    fn id(&self) -> String {
        self.node.as_ref().map_or_else(String::new, |node| node.id().to_owned())
    }
}

#[derive(Default)]
struct State {
    seats: Vec<Seat>,
    sent: VecDeque<Sent>,
    log: Vec<Sent>,
    now: Duration,
    sleepers: Vec<Waker>,
    /// Counts and names of nodes are not to be had.
    unavailable: bool,
    stops: usize,
    reconnects: u64,
}

/// What connects the nodes of a test.
#[derive(Clone, Default)]
pub(crate) struct Exchange(Arc<Mutex<State>>);

/// The adapter of one node.
pub(crate) struct Joint {
    exchange: Exchange,
    seat: usize,
    pub(crate) watches_rooms: bool,
    pub(crate) panics: bool,
    pub(crate) asks_for_rooms: bool,
}

impl Exchange {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    pub(crate) fn joint(&self) -> Joint {
        let mut state = self.lock();
        state.seats.push(Seat::default());
        let seat = state.seats.len() - 1;
        let exchange = self.clone();
        Joint { exchange, seat, watches_rooms: false, panics: false, asks_for_rooms: false }
    }

    /// Hands over everything that waits; `false`: nothing does.
    pub(crate) fn deliver(&self) -> bool {
        let mut delivered = false;
        loop {
            let Some((namespace, from, parcel)) = self.lock().sent.pop_front() else {
                return delivered;
            };
            delivered = true;
            self.hand_over(&namespace, &from, &parcel);
        }
    }

    /// Gives a parcel to all nodes that are to hear of it; the sender hears its own messages, too.
    pub(crate) fn hand_over(&self, namespace: &str, from: &str, parcel: &Parcel) {
        let nodes: Vec<Arc<dyn Node>> = {
            let state = self.lock();
            let hears = |seat: &&Seat| seat.namespaces.iter().any(|known| known == namespace);
            state.seats.iter().filter(hears).filter_map(|seat| seat.node.clone()).collect()
        };
        for node in nodes {
            match parcel {
                Parcel::Message(message) => node.receive(namespace, from, message.clone()),
                Parcel::Response(to, response) if to.is_empty() || to == node.id() => {
                    let from = (!from.is_empty()).then_some(from);
                    node.receive_response(namespace, from, response.clone());
                }
                Parcel::Response(..) => {}
            }
        }
    }

    /// What was said since it was asked last.
    pub(crate) fn take_log(&self) -> Vec<Sent> {
        std::mem::take(&mut self.lock().log)
    }

    /// What the adapter of a node was told of namespaces and rooms since it was asked last.
    pub(crate) fn take_told(&self, seat: usize) -> Vec<String> {
        std::mem::take(&mut self.lock().seats[seat].told)
    }

    pub(crate) fn silence(&self, seat: usize, silent: bool) {
        self.lock().seats[seat].silent = silent;
    }

    /// The node is gone: nobody counts it, and it hears nothing.
    pub(crate) fn remove(&self, seat: usize) {
        self.lock().seats[seat].namespaces.clear();
    }

    pub(crate) fn set_unavailable(&self, unavailable: bool) {
        self.lock().unavailable = unavailable;
    }

    /// All connections were lost, and are there again.
    pub(crate) fn reconnect(&self) {
        self.lock().reconnects += 1;
    }

    pub(crate) fn stops(&self) -> usize {
        self.lock().stops
    }

    pub(crate) fn advance(&self, by: Duration) {
        let sleepers = {
            let mut state = self.lock();
            state.now += by;
            std::mem::take(&mut state.sleepers)
        };
        sleepers.into_iter().for_each(Waker::wake);
    }

    fn send(&self, seat: usize, namespace: &str, parcel: Parcel) {
        let mut state = self.lock();
        let from = state.seats[seat].id();
        if state.seats[seat].silent {
            return;
        }
        state.log.push((namespace.to_owned(), from.clone(), parcel.clone()));
        state.sent.push_back((namespace.to_owned(), from, parcel));
    }

    fn tell(&self, seat: usize, what: String) {
        self.lock().seats[seat].told.push(what);
    }

    fn ids(&self, namespace: &str) -> Result<Vec<String>, ClusterError> {
        let state = self.lock();
        if state.unavailable {
            return Err(ClusterError::Unavailable("refused".to_owned()));
        }
        let has = |seat: &&Seat| seat.namespaces.iter().any(|known| known == namespace);
        Ok(state.seats.iter().filter(has).map(Seat::id).collect())
    }
}

struct Sleep {
    exchange: Exchange,
    until: Duration,
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.exchange.lock();
        if state.now >= self.until {
            return Poll::Ready(());
        }
        state.sleepers.push(cx.waker().clone());
        Poll::Pending
    }
}

impl Adapter for Joint {
    fn start(&self, node: Arc<dyn Node>) {
        self.exchange.lock().seats[self.seat].node = Some(node);
    }

    fn open(&self, namespace: &str) {
        self.exchange.tell(self.seat, format!("+{namespace}"));
        self.exchange.lock().seats[self.seat].namespaces.push(namespace.to_owned());
    }

    fn close(&self, namespace: &str) {
        self.exchange.tell(self.seat, format!("-{namespace}"));
        self.exchange.lock().seats[self.seat].namespaces.retain(|known| known != namespace);
    }

    fn watches_rooms(&self) -> bool {
        self.watches_rooms
    }

    fn open_room(&self, namespace: &str, room: &Room, own: bool) {
        let own = if own { " own" } else { "" };
        self.exchange.tell(self.seat, format!("{namespace} +{room}{own}"));
    }

    fn close_room(&self, namespace: &str, room: &Room, own: bool) {
        let own = if own { " own" } else { "" };
        self.exchange.tell(self.seat, format!("{namespace} -{room}{own}"));
    }

    fn publish(&self, namespace: &str, message: Message) {
        assert!(!self.panics, "the adapter fails");
        self.exchange.send(self.seat, namespace, Parcel::Message(message));
    }

    fn respond(&self, namespace: &str, to: &str, response: Response) {
        assert!(!self.panics, "the adapter fails");
        self.exchange.send(self.seat, namespace, Parcel::Response(to.to_owned(), response));
    }

    fn node_count(&self, namespace: &str) -> BoxFuture<Result<usize, ClusterError>> {
        assert!(!self.panics, "the adapter fails");
        let count = self.exchange.ids(namespace).map(|ids| ids.len());
        Box::pin(async move { count })
    }

    fn nodes(&self, namespace: &str) -> BoxFuture<Result<Vec<String>, ClusterError>> {
        let ids = self.exchange.ids(namespace);
        Box::pin(async move { ids })
    }

    fn can_ask_for_rooms(&self) -> bool {
        self.asks_for_rooms
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<()> {
        let until = self.exchange.lock().now + duration;
        Box::pin(Sleep { exchange: self.exchange.clone(), until })
    }

    fn ready(&self) -> BoxFuture<Result<(), ClusterError>> {
        let ids = self.exchange.ids("/");
        Box::pin(async move { ids.map(drop) })
    }

    fn stats(&self) -> AdapterStats {
        let mut stats = AdapterStats::default();
        stats.reconnects = self.exchange.lock().reconnects;
        stats
    }

    fn stop(&self) -> BoxFuture<()> {
        self.exchange.lock().stops += 1;
        Box::pin(async {})
    }
}
