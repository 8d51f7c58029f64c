//! A server on three threads, and one client whose session moves between them.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_channel::oneshot;
use sio_core::close::DisconnectReason;
use sio_core::engine::{ProbeReply, Transport};
use sio_core::server::{Answer, Io, IoConfig, PollReply, PushReply, SessionHandle, Socket};
use sio_core::sid::{SID_BYTES, SidSource};

use crate::threads::{Clock, Fetched, Local, Thread};

/// The workers.
pub(crate) const A: usize = 0;
pub(crate) const B: usize = 1;
pub(crate) const C: usize = 2;

/// Ids that count, so that a failing test reads the same each time.
#[derive(Default)]
pub(crate) struct Counter(AtomicU64);

impl SidSource for Counter {
    fn fill(&self, bytes: &mut [u8; SID_BYTES]) {
        *bytes = [0; SID_BYTES];
        let number = self.0.fetch_add(1, Ordering::Relaxed);
        bytes[SID_BYTES - 8..].copy_from_slice(&number.to_be_bytes());
    }
}

/// What handlers share with the test.
#[derive(Clone, Default)]
pub(crate) struct Shared {
    pub(crate) notes: Arc<Mutex<Vec<String>>>,
    sockets: Arc<Mutex<Vec<Socket>>>,
    gates: Arc<Mutex<HashMap<String, oneshot::Sender<()>>>>,
}

impl Shared {
    fn note(&self, note: String) {
        self.notes.lock().unwrap().push(note);
    }

    pub(crate) async fn wait(&self, name: &str) {
        let (opened, waiting) = oneshot::channel();
        self.gates.lock().unwrap().insert(name.to_owned(), opened);
        // A gate that is dropped is open.
        let _dropped = waiting.await;
    }

    /// Lets a handler that waits go on; `false`: none waits at this gate.
    pub(crate) fn open_gate(&self, name: &str) -> bool {
        let gate = self.gates.lock().unwrap().remove(name);
        gate.is_some_and(|gate| gate.send(()).is_ok())
    }

    /// The newest socket.
    pub(crate) fn socket(&self) -> Socket {
        self.sockets.lock().unwrap().last().unwrap().clone()
    }

    pub(crate) fn take_notes(&self) -> Vec<String> {
        std::mem::take(&mut self.notes.lock().unwrap())
    }
}

/// The handlers of `/`: `up` notes and answers, `slow` waits at the gate of its name before that,
/// `shout` broadcasts.
pub(crate) fn config(shared: &Shared) -> IoConfig {
    let connected = shared.clone();
    let (up, slow, ended) = (shared.clone(), shared.clone(), shared.clone());
    let mut config = Io::builder().namespace("/", |ns| {
        ns.on_connection(move |socket: Socket| {
            connected.sockets.lock().unwrap().push(socket.clone());
            socket.join("base");
        });
        ns.on("up", move |socket: Socket, name: String| {
            up.note(name.clone());
            socket.emit(&name, ())
        });
        ns.on("slow", async move |socket: Socket, name: String| {
            slow.note(name.clone());
            slow.wait(&name).await;
            socket.emit(&name, ())
        });
        ns.on("shout", |io: Io, name: String| io.emit(&name, ()));
        ns.on_disconnect(move |reason: DisconnectReason| ended.note(reason.to_string()));
    });
    config.config_mut().limits.max_handlers = 1;
    config
}

/// The server and its client.
pub(crate) struct World {
    pub(crate) io: Io,
    pub(crate) threads: Vec<Thread>,
    pub(crate) clock: Clock,
    pub(crate) shared: Shared,
    pub(crate) session: Arc<SessionHandle>,
    pub(crate) socket: Socket,
    /// The worker whose WebSocket carries the session.
    pub(crate) carrier: Option<usize>,
    poll: Option<Answer<PollReply>>,
    push: Option<Answer<PushReply>>,
    got: Vec<String>,
}

impl World {
    /// A session opened by polling on A that has joined `/`.
    pub(crate) fn new() -> Self {
        Self::with(config, vec![Thread::spawn(), Thread::spawn(), Thread::spawn()])
    }

    pub(crate) fn with(config: impl FnOnce(&Shared) -> IoConfig, threads: Vec<Thread>) -> Self {
        let mut world = Self::opened(config, threads);
        world.got.clear();
        world
    }

    /// As [`Self::with`] a server that recovers; gives the `pid` of the socket as well.
    pub(crate) fn with_pid(
        config: impl FnOnce(&Shared) -> IoConfig,
        threads: Vec<Thread>,
    ) -> (Self, String) {
        let mut world = Self::opened(config, threads);
        let answer = world.got.pop().unwrap();
        let (_, pid) = answer.split_once("\"pid\":\"").unwrap();
        world.got.clear();
        (world, pid.trim_end_matches("\"}").to_owned())
    }

    fn opened(config: impl FnOnce(&Shared) -> IoConfig, threads: Vec<Thread>) -> Self {
        let shared = Shared::default();
        let io = config(&shared).build(Box::<Counter>::default()).unwrap();
        let clock = Clock::start();
        for thread in &threads {
            thread.start(&io, &clock);
        }
        let session = threads[A].run(|local| local.open(Transport::Polling));
        let opened = Arc::clone(&session);
        let mut connect =
            threads[A].run(move |local| local.push(&opened, Bytes::from_static(b"40")));
        assert!(matches!(connect.try_recv(), Ok(Some(PushReply::Ok))));
        let socket = shared.socket();
        let mut world = Self {
            io,
            threads,
            clock,
            shared,
            session,
            socket,
            carrier: None,
            poll: None,
            push: None,
            got: Vec::new(),
        };
        world.start_poll(A);
        world.take_answer();
        assert_eq!(world.got.len(), 2, "{:?}", world.got);
        world
    }

    /// Stops the workers and gives the threads back.
    pub(crate) fn stop(&mut self) -> Vec<Thread> {
        for thread in &self.threads {
            thread.stop();
        }
        std::mem::take(&mut self.threads)
    }

    // ---- the workers ----------------------------------------------------------------------------

    pub(crate) fn run<R: Send + 'static>(
        &self,
        worker: usize,
        call: impl FnOnce(&mut Local) -> R + Send + 'static,
    ) -> R {
        self.threads[worker].run(call)
    }

    /// Polls one worker once.
    pub(crate) fn poll(&self, worker: usize) {
        self.run(worker, |local| local.poll());
    }

    /// Polls all workers until none has anything left to do.
    pub(crate) fn settle(&self) {
        let running: Vec<_> = self.threads.iter().filter(|thread| thread.is_running()).collect();
        while running.iter().any(|thread| thread.run(|local| local.poll_if_woken())) {}
    }

    /// Lets time pass.
    pub(crate) fn advance(&self, by: Duration) {
        self.clock.advance(by);
        (0..self.threads.len()).for_each(|worker| self.poll(worker));
        self.settle();
    }

    // ---- emitting -------------------------------------------------------------------------------

    /// Emits to the socket from a worker's thread.
    pub(crate) fn emit_on(&self, worker: usize, name: &'static str) {
        let socket = self.socket.clone();
        self.run(worker, move |_| socket.emit(name, ()).unwrap());
    }

    /// Emits to everybody from a worker's thread.
    pub(crate) fn broadcast_on(&self, worker: usize, name: &'static str) {
        let io = self.io.clone();
        self.run(worker, move |_| io.emit(name, ()).unwrap());
    }

    // ---- the client by polling ------------------------------------------------------------------

    /// A poll arrives at a worker.
    pub(crate) fn start_poll(&mut self, worker: usize) {
        assert!(self.poll.is_none(), "a poll waits");
        let session = Arc::clone(&self.session);
        self.poll = Some(self.run(worker, move |local| local.worker.poll_session(&session)));
    }

    /// The connection of the waiting poll is gone, as its worker notices.
    pub(crate) fn lose_poll(&mut self, worker: usize) {
        self.poll.take().expect("no poll waits").close();
        let session = Arc::clone(&self.session);
        self.run(worker, move |local| local.worker.poll_lost(&session, false));
    }

    pub(crate) const fn polls(&self) -> bool {
        self.poll.is_some()
    }

    /// Takes the answer of the poll if there is one; the reason if it was no payload.
    pub(crate) fn take_answer(&mut self) -> Option<String> {
        let answer = match self.poll.as_mut()?.try_recv() {
            Ok(None) => return None,
            Ok(Some(PollReply::Payload(payload))) => {
                self.got.extend(payload.as_str().split('\u{1e}').map(str::to_owned));
                String::from("payload")
            }
            Ok(Some(PollReply::Refused(error))) => format!("refused {}", error.code()),
            Ok(Some(PollReply::Overlap)) => String::from("overlap"),
            Err(oneshot::Canceled) => String::from("gone"),
        };
        self.poll = None;
        Some(answer)
    }

    /// A push arrives at a worker.
    pub(crate) fn start_push(&mut self, worker: usize, body: &str) {
        assert!(self.push.is_none(), "a push waits");
        let (session, body) = (Arc::clone(&self.session), Bytes::copy_from_slice(body.as_bytes()));
        self.push = Some(self.run(worker, move |local| local.push(&session, body)));
    }

    pub(crate) const fn pushes(&self) -> bool {
        self.push.is_some()
    }

    /// Takes the answer of the push if there is one.
    pub(crate) fn take_push_answer(&mut self) -> Option<&'static str> {
        let answer = match self.push.as_mut()?.try_recv() {
            Ok(None) => return None,
            Ok(Some(PushReply::Ok)) => "ok",
            Ok(Some(PushReply::Refused(_))) => "refused",
            Ok(Some(PushReply::Invalid)) => "invalid",
            Ok(Some(PushReply::Exhausted)) => "exhausted",
            Err(oneshot::Canceled) => "gone",
        };
        self.push = None;
        Some(answer)
    }

    // ---- the client by WebSocket ----------------------------------------------------------------

    /// A WebSocket request arrives at a worker; `None`: another one has claimed the session, or the
    /// session is still on its way for one that has given up.
    pub(crate) fn request(&self, worker: usize) -> Option<Fetched> {
        if !self.session.claim_websocket() {
            return None;
        }
        match self.fetch(worker) {
            Fetched::Busy => {
                self.give_up(worker, None);
                None
            }
            fetched => Some(fetched),
        }
    }

    /// A WebSocket request that had claimed the session is gone.
    pub(crate) fn give_up(&self, worker: usize, request: Option<oneshot::Receiver<()>>) {
        drop(request);
        let session = Arc::clone(&self.session);
        self.run(worker, move |local| local.worker.release_websocket(&session));
    }

    /// A WebSocket request whose session has to come from elsewhere is made and given up at once.
    pub(crate) fn request_and_give_up(&self, worker: usize) {
        match self.request(worker) {
            Some(Fetched::Coming(arrival)) => self.give_up(worker, Some(arrival)),
            other => panic!("{other:?}"),
        }
    }

    /// A WebSocket request, made again when the session has come to rest if another one had claimed it.
    pub(crate) fn request_until_heard(&self, worker: usize) -> Fetched {
        self.request(worker).unwrap_or_else(|| {
            self.settle();
            self.request(worker).expect("nobody has claimed the session")
        })
    }

    /// The worker looks for the session.
    pub(crate) fn fetch(&self, worker: usize) -> Fetched {
        let session = Arc::clone(&self.session);
        self.run(worker, move |local| local.fetch(&session))
    }

    /// The session has to be brought from elsewhere.
    pub(crate) fn fetch_from_afar(&self, worker: usize) -> oneshot::Receiver<()> {
        match self.fetch(worker) {
            Fetched::Coming(arrival) => arrival,
            other => panic!("{other:?}"),
        }
    }

    /// The request has its session: the WebSocket opens.
    pub(crate) fn open_probe(&mut self, worker: usize) -> bool {
        let session = Arc::clone(&self.session);
        self.run(worker, move |local| local.open_probe(&session))
    }

    pub(crate) fn probe_frame(&mut self, worker: usize, text: &'static str) -> ProbeReply {
        let session = Arc::clone(&self.session);
        let reply = self.run(worker, move |local| local.probe_frame(&session, text));
        if reply == ProbeReply::Upgraded {
            self.carrier = Some(worker);
        }
        reply
    }

    pub(crate) fn drop_probe(&self, worker: usize) {
        let session = Arc::clone(&self.session);
        self.run(worker, move |local| local.drop_probe(&session));
    }

    /// A turn of the WebSocket; the client has read what polling gave before.
    pub(crate) fn turn(&mut self, input: Option<String>) {
        self.take_answer();
        let (worker, session) = (self.carrier.unwrap(), Arc::clone(&self.session));
        let texts = self.run(worker, move |local| local.turn(&session, input.as_deref()));
        self.got.extend(texts);
    }

    /// Upgrades a session that is on this worker.
    pub(crate) fn upgrade(&mut self, worker: usize) {
        assert!(self.open_probe(worker), "the session is not here");
        assert_eq!(self.probe_frame(worker, "2probe"), ProbeReply::Pong);
        assert_eq!(self.probe_frame(worker, "5"), ProbeReply::Upgraded);
        self.turn(None);
    }

    // ---- clients that come back ----------------------------------------------------------------

    /// The connection is lost, and with it what the client has not read; its worker notices.
    pub(crate) fn lose(&mut self, worker: usize) {
        let session = Arc::clone(&self.session);
        self.got.clear();
        if let Some(carrier) = self.carrier.take() {
            self.poll = None;
            return self.run(carrier, move |local| local.lose(&session));
        }
        if self.poll.is_none() {
            self.start_poll(worker);
        }
        let mut poll = self.poll.take().unwrap();
        let answered = matches!(poll.try_recv(), Ok(Some(_)));
        poll.close();
        self.run(worker, move |local| local.worker.poll_lost(&session, answered));
    }

    /// Opens another session, which takes the place of the one that was lost.
    pub(crate) fn reopen(&mut self, worker: usize, transport: Transport) {
        self.push = None;
        self.poll = None;
        self.session = self.run(worker, move |local| local.open(transport));
        self.carrier = (transport == Transport::Websocket).then_some(worker);
    }

    /// The packets that came since this was asked last.
    pub(crate) fn packets(&mut self) -> Vec<String> {
        std::mem::take(&mut self.got)
    }

    // ---- what came of it ------------------------------------------------------------------------

    /// Everything the client gets when it asks until nothing more comes: the names of events.
    pub(crate) fn collect(&mut self) -> Vec<String> {
        loop {
            self.settle();
            if self.carrier.is_some() {
                self.turn(None);
                self.settle();
                self.turn(None);
            }
            self.take_answer();
            if self.carrier.is_some() || self.poll.is_some() {
                return self.events();
            }
            self.start_poll(A);
            self.settle();
            if self.take_answer().is_some_and(|answer| answer != "payload") {
                return self.events();
            }
        }
    }

    /// The names of the events that came since this was asked last.
    pub(crate) fn events(&mut self) -> Vec<String> {
        let got = std::mem::take(&mut self.got);
        got.iter()
            .filter(|text| !matches!(text.as_str(), "2" | "6"))
            .map(|text| {
                let name = text.strip_prefix("42[\"").and_then(|text| text.strip_suffix("\"]"));
                name.unwrap_or(text).to_owned()
            })
            .collect()
    }

    #[track_caller]
    pub(crate) fn assert_empty(&self) {
        self.settle();
        assert_eq!(self.io.session_count(), 0);
        assert_eq!(self.io.of("/").socket_count(), 0);
    }
}
