//! A log in memory that nodes share, and in which nothing happens by itself.
//!
//! What a node says is on its way until the test lets the log take it; what is in the log reaches a node
//! when the test lets the node read.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use sio_core::cluster::{
    Adapter, BoxFuture, ClusterError, EventLog, LoggedEvent, Message, Node, Offset, Response,
    RestoredSession, SavedSession,
};

/// Something that a node says.
struct Said {
    number: u64,
    namespace: String,
    message: Message,
    /// It comes back to the node.
    returns: bool,
}

struct Entry {
    offset: Offset,
    /// The node that said it; another one, if it is not among those here.
    seat: Option<usize>,
    said: Said,
}

#[derive(Default)]
struct Seat {
    node: Option<Arc<dyn Node>>,
    on_its_way: VecDeque<Said>,
    /// What the node waits for, in order.
    unreturned: VecDeque<(u64, String, Message)>,
    given_up: BTreeSet<u64>,
    read: usize,
}

#[derive(Default)]
struct State {
    seats: Vec<Seat>,
    entries: Vec<Entry>,
    last: u64,
    sessions: HashMap<String, (SavedSession, Duration)>,
    /// Nothing is found while this is set.
    slow: bool,
    asked: usize,
    now: Duration,
    waiting: Vec<Waker>,
}

/// The log.
#[derive(Clone, Default)]
pub(crate) struct Stream(Arc<Mutex<State>>);

/// The adapter of one node.
pub(crate) struct Reader {
    stream: Stream,
    seat: usize,
}

impl Stream {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    pub(crate) fn reader(&self) -> Reader {
        let mut state = self.lock();
        state.seats.push(Seat::default());
        Reader { stream: self.clone(), seat: state.seats.len() - 1 }
    }

    fn say(&self, seat: usize, namespace: &str, message: Message, returns: bool) {
        let mut state = self.lock();
        state.last += 1;
        let (number, namespace) = (state.last, namespace.to_owned());
        let seat = &mut state.seats[seat];
        if returns {
            seat.unreturned.push_back((number, namespace.clone(), message.clone()));
        }
        seat.on_its_way.push_back(Said { number, namespace, message, returns });
    }

    /// The log takes up to `count` of what the node has said.
    pub(crate) fn take(&self, seat: usize, count: usize) {
        for _ in 0..count {
            let mut state = self.lock();
            let Some(said) = state.seats[seat].on_its_way.pop_front() else { return };
            state.add(Some(seat), said);
        }
    }

    /// A node that is not here says something.
    pub(crate) fn add(&self, message: Message) {
        let said = Said { number: 0, namespace: "/".to_owned(), message, returns: false };
        self.lock().add(None, said);
    }

    /// What the node has said and the log has not taken is lost.
    pub(crate) fn lose(&self, seat: usize) {
        self.lock().seats[seat].on_its_way.clear();
    }

    /// The node reads up to `count` entries; `false`: there are none.
    pub(crate) fn read(&self, seat: usize, count: usize) -> bool {
        for done in 0..count {
            let (node, from, offset, namespace, message) = {
                let mut state = self.lock();
                let State { seats, entries, .. } = &mut *state;
                let Some(entry) = entries.get(seats[seat].read) else { return done > 0 };
                let from = match entry.seat {
                    Some(seat) => seats[seat].node.as_ref().unwrap().id().to_owned(),
                    None => "elsewhere".to_owned(),
                };
                let reader = &mut seats[seat];
                reader.read += 1;
                let node = Arc::clone(reader.node.as_ref().unwrap());
                let Said { number, namespace, message, returns } = &entry.said;
                let mut message = Some(message.clone());
                if entry.seat == Some(seat) && *returns {
                    if reader.given_up.remove(number) {
                        message = None;
                    } else {
                        assert_eq!(reader.unreturned.pop_front().unwrap().0, *number);
                    }
                }
                (node, from, entry.offset, namespace.clone(), message)
            };
            match message {
                Some(message) => node.receive_logged(&namespace, &from, offset, message),
                None => node.note_position(&namespace, offset),
            }
        }
        true
    }

    /// What the node waits for has taken too long.
    pub(crate) fn give_up(&self, seat: usize) {
        loop {
            let (node, namespace, message) = {
                let mut state = self.lock();
                let seat = &mut state.seats[seat];
                let Some((number, namespace, message)) = seat.unreturned.pop_front() else {
                    return;
                };
                seat.given_up.insert(number);
                (Arc::clone(seat.node.as_ref().unwrap()), namespace, message)
            };
            node.receive_unlogged(&namespace, message);
        }
    }

    /// Everything that was said gets into the log and to all nodes; `false`: nothing was left.
    pub(crate) fn flush(&self) -> bool {
        let seats = self.lock().seats.len();
        let mut moved = false;
        for seat in 0..seats {
            moved |= !self.lock().seats[seat].on_its_way.is_empty();
            self.take(seat, usize::MAX);
        }
        for seat in 0..seats {
            moved |= self.read(seat, usize::MAX);
        }
        moved
    }

    pub(crate) fn set_slow(&self, slow: bool) {
        let waiting = {
            let mut state = self.lock();
            state.slow = slow;
            std::mem::take(&mut state.waiting)
        };
        waiting.into_iter().for_each(Waker::wake);
    }

    pub(crate) fn advance(&self, by: Duration) {
        let waiting = {
            let mut state = self.lock();
            state.now += by;
            std::mem::take(&mut state.waiting)
        };
        waiting.into_iter().for_each(Waker::wake);
    }

    /// How often sessions were asked for.
    pub(crate) fn asked(&self) -> usize {
        self.lock().asked
    }

    pub(crate) fn session(&self, pid: &str) -> Option<(SavedSession, Duration)> {
        self.lock().sessions.get(pid).cloned()
    }

    pub(crate) fn put_session(&self, session: SavedSession) {
        let pid = session.pid.to_string();
        self.lock().sessions.insert(pid, (session, Duration::ZERO));
    }

    /// The names of the events in the log, in order.
    pub(crate) fn names(&self) -> Vec<String> {
        let state = self.lock();
        let events = state.entries.iter().filter_map(|entry| match &entry.said.message {
            Message::Broadcast { data, .. } => Some(&data.json),
            _ => None,
        });
        events.map(|json| json.split('"').nth(1).unwrap().to_owned()).collect()
    }
}

impl State {
    fn add(&mut self, seat: Option<usize>, said: Said) {
        // Several share a millisecond.
        let count = self.entries.len() as u64;
        let offset = Offset { millis: 1_795_201_307_261 + count / 3, sequence: count % 3 };
        self.entries.push(Entry { offset, seat, said });
    }

    fn restore(&mut self, namespace: &str, pid: &str, offset: Offset) -> Option<RestoredSession> {
        let (session, _) = self.sessions.remove(pid)?;
        let known = self.entries.iter().position(|entry| entry.offset == offset)?;
        let rooms: HashSet<&str> = session.rooms.iter().map(|room| &**room).collect();
        let behind = self.entries[known + 1..].iter().filter(|e| e.said.namespace == namespace);
        let missed = behind.filter_map(|entry| match &entry.said.message {
            Message::Broadcast { options, request: None, .. } if options.include(&rooms) => {
                let (offset, message) = (entry.offset, entry.said.message.clone());
                Some(LoggedEvent { offset, message })
            }
            _ => None,
        });
        let missed = missed.collect();
        let position = self.entries.last().unwrap().offset;
        Some(RestoredSession { session, missed, position })
    }
}

impl EventLog for Reader {
    fn append(&self, namespace: &str, message: Message) {
        self.stream.say(self.seat, namespace, message, true);
    }

    fn save(&self, _namespace: &str, session: SavedSession, keep: Duration) {
        let pid = session.pid.to_string();
        self.stream.lock().sessions.insert(pid, (session, keep));
    }

    fn restore(
        &self,
        namespace: &str,
        pid: &str,
        offset: Offset,
    ) -> BoxFuture<Option<RestoredSession>> {
        self.stream.lock().asked += 1;
        let (stream, namespace, pid) = (self.stream.clone(), namespace.to_owned(), pid.to_owned());
        Box::pin(std::future::poll_fn(move |cx| {
            let mut state = stream.lock();
            if state.slow {
                state.waiting.push(cx.waker().clone());
                return Poll::Pending;
            }
            Poll::Ready(state.restore(&namespace, &pid, offset))
        }))
    }
}

struct Sleep {
    stream: Stream,
    until: Duration,
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.stream.lock();
        if state.now >= self.until {
            return Poll::Ready(());
        }
        state.waiting.push(cx.waker().clone());
        Poll::Pending
    }
}

impl Adapter for Reader {
    fn start(&self, node: Arc<dyn Node>) {
        assert!(node.recovers());
        self.stream.lock().seats[self.seat].node = Some(node);
    }

    fn open(&self, _namespace: &str) {}

    fn close(&self, _namespace: &str) {}

    fn publish(&self, namespace: &str, message: Message) {
        self.stream.say(self.seat, namespace, message, false);
    }

    fn respond(&self, _namespace: &str, _to: &str, _response: Response) {}

    fn node_count(&self, _namespace: &str) -> BoxFuture<Result<usize, ClusterError>> {
        let count = self.stream.lock().seats.len();
        Box::pin(async move { Ok(count) })
    }

    fn nodes(&self, _namespace: &str) -> BoxFuture<Result<Vec<String>, ClusterError>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<()> {
        let until = self.stream.lock().now + duration;
        Box::pin(Sleep { stream: self.stream.clone(), until })
    }

    fn ready(&self) -> BoxFuture<Result<(), ClusterError>> {
        Box::pin(async { Ok(()) })
    }

    fn stop(&self) -> BoxFuture<()> {
        Box::pin(async {})
    }

    fn event_log(&self) -> Option<&dyn EventLog> {
        Some(self)
    }
}
