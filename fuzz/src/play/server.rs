//! The server: one worker whose clock stands still unless it is moved.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};
use std::ops::Deref;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Wake, Waker};
use std::time::{Duration, Instant};

use futures_channel::oneshot;
use sio_core::packet::{Rest, Value};
use sio_core::server::{AckFuture, AckSender, Io, NamespaceBuilder, Socket, Worker};
use sio_core::sid::{SID_BYTES, SidSource};

/// Small, so that a short input gets there.
const MAX_PAYLOAD: usize = 2_000;
pub(super) const SEND_BUFFER: usize = 8_000;
const SEND_FRAMES: usize = 64;

#[derive(Default)]
struct Counter(AtomicU64);

impl SidSource for Counter {
    fn fill(&self, bytes: &mut [u8; SID_BYTES]) {
        let number = self.0.fetch_add(1, Ordering::Relaxed);
        *bytes = [0; SID_BYTES];
        bytes[SID_BYTES - 8..].copy_from_slice(&number.to_be_bytes());
    }
}

#[derive(Default)]
pub(super) struct Wakes(AtomicUsize);

impl Wakes {
    pub(super) fn take(&self) -> usize {
        self.0.swap(0, Ordering::AcqRel)
    }
}

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::AcqRel);
    }
}

/// One socket as the server's user sees it.
struct Known {
    socket: Socket,
    /// Numbered events that were sent to it.
    sent: u64,
}

/// What handlers note.
#[derive(Default)]
pub(super) struct Notes {
    /// Sockets by their tag, in the order in which they connected.
    known: Vec<(u64, Known)>,
    connected: u64,
    disconnected: u64,
    /// The last number of each client that came.
    heard: HashMap<u64, u64>,
    /// Clients that lost a socket, and with it what its handlers had not begun with.
    left: HashSet<u64>,
    gates: Vec<oneshot::Sender<()>>,
    /// Handlers must not panic to say so, for that is caught.
    broken: Option<String>,
}

impl Notes {
    fn hear(&mut self, client: u64, number: u64) {
        let last = self.heard.insert(client, number).unwrap_or_default();
        let follows = number == last + 1;
        if !follows && !(self.left.contains(&client) && number > last) {
            self.broken = Some(format!("client {client}: {number} came after {last}"));
        }
    }
}

pub(super) type Shared = Arc<Mutex<Notes>>;

pub(super) struct Inner {
    pub(super) io: Io,
    pub(super) worker: Rc<Worker>,
    clock: Rc<Cell<Instant>>,
    wakes: Arc<Wakes>,
    notes: Shared,
    asked: RefCell<Vec<AckFuture<Rest<Value>>>>,
}

#[derive(Clone)]
pub(super) struct Server(Rc<Inner>);

impl Deref for Server {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.worker.stop();
    }
}

fn lock(notes: &Shared) -> MutexGuard<'_, Notes> {
    notes.lock().unwrap()
}

/// Events that anybody may send.
fn handlers(ns: &mut NamespaceBuilder, notes: &Shared) {
    ns.on("echo", |socket: Socket, ack: AckSender, args: Rest<Value>| {
        if ack.is_wanted() {
            ack.send(args).is_ok()
        } else {
            socket.emit("echo", args).is_ok()
        };
    });
    ns.on("join", |socket: Socket, room: String| socket.join(room));
    ns.on("leave", |socket: Socket, room: String| socket.leave(&room));
    ns.on("room", |socket: Socket, room: String| {
        let _full = socket.io().to(room).emit("room", ());
    });
    ns.on("end", |socket: Socket| socket.disconnect(false));
    ns.on("close", |socket: Socket| socket.disconnect(true));
    ns.on("panic", || -> () { std::panic::resume_unwind(Box::new("a handler's own")) });
    let waiting = Arc::clone(notes);
    let wait = move || {
        let (gate, waits) = oneshot::channel();
        lock(&waiting).gates.push(gate);
        async move {
            // A gate that is dropped is open.
            let _dropped = waits.await;
        }
    };
    let ordered = wait.clone();
    ns.on("later", move || wait());
    ns.on("ordered", move || ordered()).ordered();
    let connected = Arc::clone(notes);
    ns.on_connection(move |socket: Socket| {
        let mut notes = lock(&connected);
        notes.connected += 1;
        let tag = notes.connected;
        notes.known.push((tag, Known { socket, sent: 0 }));
    });
    let disconnected = Arc::clone(notes);
    ns.on_disconnect(move |socket: Socket| {
        let mut notes = lock(&disconnected);
        notes.disconnected += 1;
        let client = socket.handshake().query_value("client").and_then(|n| n.parse::<u64>().ok());
        notes.left.extend(client);
        let at = notes.known.iter().position(|(_, known)| known.socket.id() == socket.id());
        match at {
            Some(at) => drop(notes.known.remove(at)),
            None => notes.broken = Some("a socket disconnected that is not connected".to_owned()),
        }
    });
}

impl Server {
    pub(super) fn start() -> Self {
        let notes = Shared::default();
        let (main, other, numbers) = (Arc::clone(&notes), Arc::clone(&notes), Arc::clone(&notes));
        let mut config = Io::builder()
            .namespace("/", move |ns| {
                handlers(ns, &main);
                ns.on(super::NUMBERED, move |client: u64, number: u64| {
                    lock(&numbers).hear(client, number)
                });
            })
            .namespace("/n", move |ns| handlers(ns, &other));
        let options = config.config_mut();
        options.engine.allow_eio3 = true;
        options.limits.max_payload = MAX_PAYLOAD;
        options.limits.send_buffer_high = SEND_BUFFER / 4;
        options.limits.send_buffer_max = SEND_BUFFER;
        options.limits.send_buffer_max_frames = SEND_FRAMES;
        options.limits.max_handlers = 4;
        let io = config.build(Box::<Counter>::default()).unwrap();
        let clock = Rc::new(Cell::new(Instant::now()));
        let shown = Rc::clone(&clock);
        let (worker, started) = Worker::start(&io, move || shown.get());
        assert!(started);
        let asked = RefCell::default();
        let inner = Inner { io, worker, clock, wakes: Arc::default(), notes, asked };
        let server = Self(Rc::new(inner));
        server.run();
        server
    }

    pub(super) fn run(&self) {
        let waker = Waker::from(Arc::clone(&self.wakes));
        let mut cx = Context::from_waker(&waker);
        loop {
            self.wakes.take();
            assert!(self.worker.poll(&mut cx).is_pending());
            let due = self.worker.next_deadline().is_some_and(|due| due <= self.clock.get());
            if self.wakes.take() == 0 && !due && !self.worker.has_more() {
                return;
            }
        }
    }

    pub(super) fn advance(&self, by: Duration) {
        let target = self.clock.get() + by;
        while let Some(due) = self.worker.next_deadline().filter(|due| *due <= target) {
            self.clock.set(due.max(self.clock.get()));
            self.run();
        }
        self.clock.set(target);
        self.run();
    }

    /// Sends the next numbered event to one socket.
    fn emit(&self, index: usize, more: usize) {
        let (socket, tag, number) = {
            let notes = lock(&self.notes);
            if notes.known.is_empty() {
                return;
            }
            let (tag, known) = &notes.known[index % notes.known.len()];
            (known.socket.clone(), *tag, known.sent + 1)
        };
        if socket.emit("n", (tag, number, "x".repeat(more))).is_ok() {
            let mut notes = lock(&self.notes);
            // The emit may have ended it.
            if let Some((_, known)) = notes.known.iter_mut().find(|(known, _)| *known == tag) {
                known.sent = number;
            }
        }
    }

    pub(super) fn emit_to_one(&self, index: usize) {
        self.emit(index, 0);
    }

    pub(super) fn emit_to_all(&self) {
        let count = lock(&self.notes).known.len();
        (0..count).for_each(|index| self.emit(index, 0));
        let _full = self.io.emit("all", ());
    }

    pub(super) fn emit_much(&self, index: usize, times: usize) {
        (0..times % 16).for_each(|_| self.emit(index, times * 4));
    }

    pub(super) fn ask(&self, index: usize) {
        let socket = {
            let notes = lock(&self.notes);
            let Some(count) = notes.known.len().checked_sub(1) else { return };
            notes.known[index % (count + 1)].1.socket.clone()
        };
        let timeout = Some(Duration::from_secs(10));
        self.asked.borrow_mut().push(socket.emit_with_ack("ask", (), timeout));
    }

    pub(super) fn disconnect(&self, index: usize, close: bool) {
        let socket = {
            let notes = lock(&self.notes);
            let Some(count) = notes.known.len().checked_sub(1) else { return };
            notes.known[index % (count + 1)].1.socket.clone()
        };
        socket.disconnect(close);
    }

    /// Lets handlers that wait go on; `false`: none waited.
    pub(super) fn open_gates(&self) -> bool {
        // Opened ones may lead to others.
        for round in 0..1_000 {
            let gates = std::mem::take(&mut lock(&self.notes).gates);
            if gates.is_empty() {
                return round > 0;
            }
            drop(gates);
            self.run();
        }
        panic!("handlers go on for ever");
    }

    /// The last numbered event to a socket; `None`: it is gone.
    pub(super) fn sent(&self, tag: u64) -> Option<u64> {
        let notes = lock(&self.notes);
        notes.known.iter().find(|(known, _)| *known == tag).map(|(_, known)| known.sent)
    }

    /// The last number that came from a client; `None`: not all need have come.
    pub(super) fn heard(&self, client: u64) -> Option<u64> {
        let notes = lock(&self.notes);
        let heard = notes.heard.get(&client).copied().unwrap_or_default();
        (!notes.left.contains(&client)).then_some(heard)
    }

    pub(super) fn check(&self) {
        let notes = lock(&self.notes);
        if let Some(broken) = &notes.broken {
            panic!("{broken}");
        }
        assert!(notes.disconnected <= notes.connected);
    }

    /// Everybody is gone: nothing is left.
    pub(super) fn finish(&self) {
        self.run();
        self.open_gates();
        self.advance(Duration::from_secs(120));
        self.check();
        assert_eq!(self.io.session_count(), 0, "sessions are left");
        for namespace in self.io.namespaces() {
            assert_eq!(self.io.of(&namespace).socket_count(), 0, "{namespace}");
        }
        {
            let notes = lock(&self.notes);
            assert_eq!(notes.connected, notes.disconnected, "sockets that did not disconnect");
        }
        let mut cx = Context::from_waker(Waker::noop());
        for asked in self.asked.take() {
            assert!(std::pin::pin!(asked).poll(&mut cx).is_ready(), "an ack is waited for");
        }
    }
}
