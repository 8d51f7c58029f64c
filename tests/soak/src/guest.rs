//! One client: what it does, by its own dice, and what it takes note of.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use fastrand::Rng;
use futures_util::future::{join, join_all};
use sio_client::{AckError, Client, EmitError, LifeEvent, Reconnection, Socket, TransportMode};
use tokio::time::{Instant, sleep, timeout, timeout_at};

use crate::hall::{Numbers, ROOMS};
use crate::line::Lines;
use crate::view::View;

/// An answer takes no longer on a connection that nobody disturbs.
const ANSWER: Duration = Duration::from_secs(20);
/// How long after a disturbance an answer may still be missing: the client's part in noticing and coming back.
const DISTURBED: Duration = Duration::from_secs(30);

/// What happened to it.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) said: u64,
    pub(crate) acked: Numbers,
    pub(crate) acks: u64,
    pub(crate) unanswered: u64,
    /// The time from an echo to its ack while nothing was disturbed, in microseconds.
    pub(crate) echoes: Vec<u32>,
}

/// When and on which connection something was sent.
type Sent = (Instant, u64);

/// A person with its connection.
#[derive(Debug)]
pub(crate) struct Guest {
    person: usize,
    rng: Rng,
    lines: Lines,
    view: Arc<Mutex<View>>,
    tally: Tally,
    /// The number of what it said last.
    last: u32,
    disturbed: Option<Instant>,
    /// A bystander is never disturbed and never leaves.
    bystander: bool,
    client: Option<(Client, Socket)>,
}

impl Guest {
    pub(crate) fn new(person: usize, address: SocketAddr, seed: u64, bystander: bool) -> Self {
        Self {
            person,
            rng: Rng::with_seed(seed),
            lines: Lines::new(address),
            view: Arc::default(),
            tally: Tally::default(),
            last: 0,
            disturbed: None,
            bystander,
            client: None,
        }
    }

    pub(crate) const fn person(&self) -> usize {
        self.person
    }

    pub(crate) const fn tally(&self) -> &Tally {
        &self.tally
    }

    pub(crate) fn view(&self) -> MutexGuard<'_, View> {
        self.view.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lives until `end`; stays connected then.
    pub(crate) async fn live(&mut self, end: Instant) -> Result<(), String> {
        // Not all in the same millisecond.
        sleep(Duration::from_millis(self.rng.u64(..3000))).await;
        while Instant::now() < end {
            let socket = match &self.client {
                Some((_, socket)) => socket.clone(),
                None => self.arrive().await?,
            };
            self.act(&socket).await;
            let pause = Duration::from_millis(self.rng.u64(50..1000));
            let _ended = timeout_at(end, sleep(pause)).await;
        }
        Ok(())
    }

    /// Connects once more if it has to; whatever comes from now on comes over a line in order.
    pub(crate) async fn settle(&mut self, limit: Duration) -> Result<(), String> {
        let socket = match &self.client {
            Some((_, socket)) => socket.clone(),
            None => self.arrive().await?,
        };
        let end = Instant::now() + limit;
        while Instant::now() < end {
            if !socket.is_active() {
                // The answer says whether to ask again.
                let _refused = socket.connect().await;
            }
            // What it still has to say is said before.
            let rest = end.saturating_duration_since(Instant::now());
            let asked = socket.emit_with_ack_within::<u32>(rest, "echo", 1).await;
            if asked == Ok(1) {
                return Ok(());
            }
            sleep(Duration::from_millis(100)).await;
        }
        Err(format!("person {} does not come back", self.person))
    }

    /// Everything that was said has come.
    pub(crate) async fn expect_complete(
        &self,
        last: &[u64],
        limit: Duration,
    ) -> Result<(), String> {
        let end = Instant::now() + limit;
        loop {
            let missing = self.view().missing(last);
            if missing.is_empty() {
                return Ok(());
            }
            if Instant::now() >= end {
                return Err(format!("person {}: {}", self.person, missing.join("; ")));
            }
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// Goes, in order.
    pub(crate) async fn leave(&mut self) {
        if let Some((client, socket)) = self.client.take() {
            drop(socket);
            self.view().note("leaves".to_owned());
            // A line that was cut has nothing to close.
            let late = timeout(Duration::from_secs(10), client.close()).await;
            self.view().note(format!("has left: {late:?}"));
        }
        self.lines.end(false);
    }

    async fn arrive(&mut self) -> Result<Socket, String> {
        let mode = match self.rng.u8(..10) {
            0..4 => TransportMode::Upgrade,
            4..7 => TransportMode::Websocket,
            _ => TransportMode::Polling,
        };
        let mut reconnection = Reconnection::default();
        reconnection.delay = Duration::from_millis(100);
        reconnection.max_delay = Duration::from_secs(2);
        let client = Client::builder("http://crowd.test")
            .transport(mode)
            .connector(self.lines.clone())
            .reconnection(reconnection)
            .connect_timeout(Duration::from_secs(10))
            .ack_timeout(ANSWER)
            .build()
            .map_err(|error| error.to_string())?;
        let auth = serde_json::json!({ "person": self.person });
        let socket = client.socket("/").with_auth(auth).map_err(|error| error.to_string())?;
        let view = Arc::clone(&self.view);
        socket.on_any(move |name, args| {
            view.lock().unwrap_or_else(PoisonError::into_inner).event(name, args);
        });
        let view = Arc::clone(&self.view);
        socket.on_life(move |life| {
            let mut view = view.lock().unwrap_or_else(PoisonError::into_inner);
            if matches!(life, LifeEvent::Connect { .. }) {
                view.connected();
            }
            view.note(format!("{life:?}"));
        });
        // It goes on trying by itself.
        let _not_yet = socket.connect().await;
        self.client = Some((client, socket.clone()));
        Ok(socket)
    }

    async fn act(&mut self, socket: &Socket) {
        if !socket.is_active() {
            // It was put out.
            let _not_yet = socket.connect().await;
        }
        let room = self.room();
        let dice = if self.bystander { self.rng.u8(..70) } else { self.rng.u8(..100) };
        match dice {
            0..25 => self.say(socket, room).await,
            25..40 => self.echo(socket).await,
            40..44 => drop(socket.try_emit("whisper", room)),
            44..55 => drop(socket.try_emit("join", room)),
            55..60 => drop(socket.try_emit("leave", room)),
            60..66 => self.echo_bytes(socket).await,
            66..70 => {
                let pause = self.rng.u64(..300);
                let sent = self.now();
                let answer = socket.emit_with_ack::<()>("slow", pause).await;
                self.answered(sent, answer.as_ref().err(), "slow");
            }
            70..78 => {
                let end = |lines: &Lines, rng: &mut Rng| lines.end(rng.bool());
                self.say_meanwhile(socket, room, Some(end)).await;
            }
            78..84 => {
                let stall = |lines: &Lines, rng: &mut Rng| {
                    lines.stall(Duration::from_millis(rng.u64(50..3000)));
                };
                self.say_meanwhile(socket, room, Some(stall)).await;
            }
            84..87 => {
                let forget = |lines: &Lines, _: &mut Rng| lines.forget(Duration::from_secs(12));
                self.say_meanwhile(socket, room, Some(forget)).await;
            }
            87..91 => {
                self.disturb(|_, _| ());
                drop(socket.try_emit("kick", ()));
            }
            91..95 => {
                self.disturb(|_, _| ());
                socket.disconnect();
            }
            _ => {
                self.disturb(|_, _| ());
                self.leave().await;
            }
        }
    }

    /// Rooms of different sizes: half of the time one of the first ten.
    fn room(&mut self) -> usize {
        if self.rng.bool() { self.rng.usize(..10) } else { self.rng.usize(..ROOMS) }
    }

    fn now(&self) -> Sent {
        (Instant::now(), self.view().generation())
    }

    fn disturb(&mut self, how: impl FnOnce(&Lines, &mut Rng)) {
        self.disturbed = Some(Instant::now());
        self.view().note("disturbed".to_owned());
        how(&self.lines, &mut self.rng);
    }

    async fn say(&mut self, socket: &Socket, room: usize) {
        self.say_meanwhile(socket, room, None::<fn(&Lines, &mut Rng)>).await;
    }

    /// Says something several times, all on its way at once, while something happens to the connection.
    async fn say_meanwhile(
        &mut self,
        socket: &Socket,
        room: usize,
        disturbance: Option<impl FnOnce(&Lines, &mut Rng)>,
    ) {
        let burst = self.rng.u32(1..6);
        let numbers: Vec<u32> = (1..=burst).map(|n| self.last + n).collect();
        self.last += burst;
        self.tally.said += u64::from(burst);
        let sent = self.now();
        if disturbance.is_some() {
            self.disturbed = Some(sent.0);
            self.view().note("disturbed".to_owned());
        }
        // Polled in this order, and so sent.
        let answers =
            join_all(numbers.iter().map(|n| socket.emit_with_ack::<u64>("say", (*n, room))));
        let pause = sleep(Duration::from_micros(self.rng.u64(..2000)));
        let during = async {
            pause.await;
            if let Some(disturbance) = disturbance {
                disturbance(&self.lines, &mut self.rng);
            }
        };
        let (answers, ()) = join(answers, during).await;
        for (n, answer) in numbers.into_iter().zip(answers) {
            if answer.is_ok() {
                self.tally.acked.add(n);
            }
            self.answered(sent, answer.as_ref().err(), "say");
        }
    }

    async fn echo(&mut self, socket: &Socket) {
        let (sent, number) = (self.now(), self.rng.u32(..));
        let answer = socket.emit_with_ack::<u32>("echo", number).await;
        if answer.as_ref().is_ok_and(|answer| *answer != number) {
            self.view().wrong(&format!("an echo of {number} is {answer:?}"));
        }
        if answer.is_ok() && self.disturbed.is_none() {
            let took = u32::try_from(sent.0.elapsed().as_micros()).unwrap_or(u32::MAX);
            self.tally.echoes.push(took);
        }
        self.answered(sent, answer.as_ref().err(), "echo");
    }

    async fn echo_bytes(&mut self, socket: &Socket) {
        let length = self.rng.usize(..30_000);
        let bytes = Bytes::from(vec![self.rng.u8(..); length]);
        let sent = self.now();
        let answer = socket.emit_with_ack::<Bytes>("echo", bytes.clone()).await;
        if answer.as_ref().is_ok_and(|answer| *answer != bytes) {
            self.view().wrong(&format!("an echo of {length} bytes is another"));
        }
        self.answered(sent, answer.as_ref().err(), "echo of bytes");
    }

    /// Every event is answered, unless the connection was disturbed.
    fn answered(&mut self, (sent, generation): Sent, error: Option<&AckError>, what: &str) {
        let Some(error) = error else {
            self.tally.acks += 1;
            self.view().settled(generation);
            return;
        };
        self.tally.unanswered += 1;
        let calm = self.disturbed.is_none_or(|disturbed| sent > disturbed + DISTURBED);
        let refused = matches!(error, AckError::Emit(EmitError::BufferFull { .. }));
        let impossible = matches!(error, AckError::Remote { .. } | AckError::Invalid(_));
        if impossible || (calm && !refused) {
            self.view().wrong(&format!("{what} is not answered: {error}"));
        }
    }
}
