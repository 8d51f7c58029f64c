//! The thread that everything the pages are told goes through, in one order.
//!
//! Whoever has something to tell never waits: what there is no room for is dropped and counted, but for what a
//! new page cannot do without.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use sio_core::server::{Io, WeakIo};

use super::budget::{Budget, Charge, room_for_one};
use super::commands::Order;
use super::shown::{News, ShownEvent};
use super::stats::{Sampler, Stats};

/// What may wait to be told; its bytes are bounded as well.
const MAX_WAITING: usize = 16_384;
/// How often the server's counters are looked at, and every how many times the pages are told.
const SAMPLE: Duration = Duration::from_secs(1);
const SAMPLES: u32 = 2;

/// Both ends, and who listens.
pub(super) struct Feed {
    /// Bounded by what [`State`] counts.
    sender: mpsc::Sender<Waiting>,
    /// The thread takes it.
    receiver: Mutex<Option<mpsc::Receiver<Waiting>>>,
    namespace: Arc<str>,
    stats: Arc<Stats>,
    state: Arc<State>,
    budget: Arc<Budget>,
}

/// Something to tell, with the room that it takes until then.
struct Waiting {
    news: News,
    charge: Option<Charge>,
}

#[derive(Debug, Default)]
struct State {
    missed: AtomicU64,
    /// What was said and is not told yet.
    waiting: AtomicUsize,
    /// Pages of this server.
    pages: AtomicUsize,
    /// Other servers may have some.
    in_cluster: AtomicBool,
}

impl State {
    fn is_heard(&self) -> bool {
        self.in_cluster.load(Ordering::Relaxed) || self.pages.load(Ordering::Relaxed) > 0
    }
}

impl fmt::Debug for Feed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Feed").field("state", &self.state).finish_non_exhaustive()
    }
}

impl Feed {
    pub(super) fn new(namespace: Arc<str>, stats: Arc<Stats>) -> Arc<Self> {
        let (sender, receiver) = mpsc::channel();
        let receiver = Mutex::new(Some(receiver));
        let (state, budget) = (Arc::default(), Arc::default());
        Arc::new(Self { sender, receiver, namespace, stats, state, budget })
    }

    /// Tells the pages, soon; nobody, if there is none. A page that comes is told everything that is.
    pub(super) fn say(&self, news: News) {
        if self.is_heard() && self.send(news).is_err() {
            self.state.missed.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Tells what a new page waits for, whether there is room or not; there is one of each kind for a page.
    pub(super) fn say_surely(&self, news: News) {
        self.queue(Waiting { news, charge: None });
    }

    /// Gives it back if there is no room for it.
    fn send(&self, news: News) -> Result<(), News> {
        let has_place = self.state.waiting.load(Ordering::Relaxed) < MAX_WAITING;
        let charge = if has_place { self.budget.take(news.weight()) } else { None };
        if charge.is_none() {
            return Err(news);
        }
        self.queue(Waiting { news, charge });
        Ok(())
    }

    fn queue(&self, waiting: Waiting) {
        // Before the thread can have taken it.
        self.state.waiting.fetch_add(1, Ordering::Relaxed);
        if self.sender.send(waiting).is_err() {
            // The server has ended.
            self.state.waiting.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Takes room for an event, which all news of it share.
    pub(super) fn make_room(&self, mut event: ShownEvent) -> Option<Arc<ShownEvent>> {
        event.charge = self.budget.take(event.weight());
        if event.charge.is_none() {
            self.state.missed.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        Some(Arc::new(event))
    }

    /// Something was said that is not told yet.
    pub(super) fn has_more_to_say(&self) -> bool {
        self.state.waiting.load(Ordering::Relaxed) > 0
    }

    /// Has a command carried out behind what was said before, or now if there is no room for it.
    pub(super) fn order(&self, io: &Io, order: Order) {
        if let Err(News::Order(order)) = self.send(News::Order(order)) {
            order.carry_out(io);
        }
    }

    /// Somebody may hear what is said.
    pub(super) fn is_heard(&self) -> bool {
        self.state.is_heard()
    }

    pub(super) fn page_came(&self) {
        self.state.pages.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn page_went(&self) {
        self.state.pages.fetch_sub(1, Ordering::Relaxed);
    }

    /// Starts the thread; it ends with the server.
    pub(super) fn start(&self, io: &Io) {
        self.state.in_cluster.store(io.node_id().is_some(), Ordering::Relaxed);
        let receiver = self.receiver.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(receiver) = receiver else { return };
        let speaker = Speaker {
            io: io.downgrade(),
            namespace: Arc::clone(&self.namespace),
            stats: Arc::clone(&self.stats),
            state: Arc::clone(&self.state),
        };
        let thread = thread::Builder::new().name("sio-admin".to_owned());
        if let Err(error) = thread.spawn(move || speaker.run(&receiver)) {
            tracing::error!(%error, "the Admin UI has no thread");
        }
    }
}

/// What the thread has.
struct Speaker {
    io: WeakIo,
    namespace: Arc<str>,
    stats: Arc<Stats>,
    state: Arc<State>,
}

impl Speaker {
    /// Until nobody has the server any more.
    fn run(self, news: &mpsc::Receiver<Waiting>) {
        let mut sampler = Sampler::default();
        let mut next = Instant::now();
        let mut samples = 0_u32;
        loop {
            let wait = next.saturating_duration_since(Instant::now());
            let heard = if wait.is_zero() {
                Err(RecvTimeoutError::Timeout)
            } else {
                news.recv_timeout(wait)
            };
            let Some(io) = self.io.upgrade() else { return };
            match heard {
                Ok(Waiting { news, charge }) => {
                    self.guarded(|| self.tell(&io, news));
                    drop(charge);
                    self.state.waiting.fetch_sub(1, Ordering::Relaxed);
                }
                Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) => {
                    next = Instant::now() + SAMPLE;
                    sampler.sample(io.traffic(), &self.stats);
                    if samples.is_multiple_of(SAMPLES) {
                        self.guarded(|| self.tell_stats(&io, &mut sampler));
                        self.tell_missed();
                    }
                    samples = samples.wrapping_add(1);
                }
            }
        }
    }

    /// Nothing of this is the user's, but what connects the servers may be.
    fn guarded(&self, call: impl FnOnce()) {
        if catch_unwind(AssertUnwindSafe(call)).is_err() {
            tracing::error!("telling the Admin UI panicked");
        }
    }

    fn tell(&self, io: &Io, news: News) {
        if let Err(error) = news.tell(io, &io.of(&self.namespace)) {
            tracing::debug!(%error, "the Admin UI was not told something");
            self.state.missed.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn tell_stats(&self, io: &Io, sampler: &mut Sampler) {
        let counts = sampler.take();
        if !self.state.is_heard() {
            return;
        }
        let stats = self.stats.show(io, counts, room_for_one(io));
        if let Err(error) = io.of(&self.namespace).emit("server_stats", stats) {
            tracing::debug!(%error, "the Admin UI was not told numbers");
        }
    }

    fn tell_missed(&self) {
        let missed = self.state.missed.swap(0, Ordering::Relaxed);
        if missed > 0 {
            tracing::warn!(
                missed,
                "more happens than the Admin UI can be told; use its production mode"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use sio_core::sid::Sid;

    use super::super::shown::Whose;
    use super::super::stats::Server;
    use super::*;

    fn joined(room: &str) -> News {
        let whose = Whose { nsp: "/".into(), id: Sid::custom("a").unwrap() };
        News::Joined(whose, room.into(), String::new())
    }

    fn missed(feed: &Feed) -> u64 {
        feed.state.missed.load(Ordering::Relaxed)
    }

    fn feed() -> Arc<Feed> {
        let stats = Arc::new(Stats::new(Server::here(Some("a".to_owned()))));
        let feed = Feed::new("/admin".into(), stats);
        feed.page_came();
        feed
    }

    #[test]
    fn what_waits_is_bounded_in_number() {
        let feed = feed();
        (0..MAX_WAITING + 5).for_each(|_| feed.say(joined("r")));
        assert_eq!(missed(&feed), 5);
        feed.say_surely(joined("r"));
        assert_eq!(
            (missed(&feed), feed.state.waiting.load(Ordering::Relaxed)),
            (5, MAX_WAITING + 1)
        );
    }

    #[test]
    fn what_waits_is_bounded_in_bytes() {
        let feed = feed();
        let large = "r".repeat(1 << 20);
        (0..20).for_each(|_| feed.say(joined(&large)));
        assert_eq!(missed(&feed), 5);
        feed.say_surely(joined(&large));
        assert_eq!(missed(&feed), 5);
        let receiver = feed.receiver.lock().unwrap().take().unwrap();
        assert_eq!(receiver.try_iter().count(), 16);
        feed.say(joined(&large));
        assert_eq!(missed(&feed), 5, "what is told makes room");
    }
}
