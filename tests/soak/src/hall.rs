//! The server: what it promises about its order it checks itself, and it numbers what it says.

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use actix_web::web::{Data, Json, ServiceConfig, get};
use actix_web::{App, HttpServer, rt};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use sio_actix::prelude::*;
use sio_actix::{EmitError, Recovery, Server, Sid};

use crate::options::Options;

pub(crate) const ROOMS: usize = 100;
/// A connection that is dead is noticed within both.
const PING_INTERVAL: Duration = Duration::from_secs(3);
const PING_TIMEOUT: Duration = Duration::from_secs(10);
/// Clients come back as the sockets they were for so long.
const RECOVERY: Duration = Duration::from_secs(8);

/// The attachment or text of the message with number `k` of a room; every fourth room talks in bytes.
pub(crate) fn is_binary(room: usize) -> bool {
    room.is_multiple_of(4)
}

/// What a message of a room carries besides its numbers.
pub(crate) fn filling(room: usize, k: u64) -> String {
    // From nothing to more than what fits into a small frame, once in a while much.
    let length = if k.is_multiple_of(97) { 20_000 } else { (k * 7 + room as u64) % 300 };
    let letter = char::from(b'a' + u8::try_from(k % 26).unwrap_or(0));
    (0..length).map(|_| letter).collect()
}

/// Which numbers have come, as ranges.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
pub(crate) struct Numbers(BTreeMap<u32, u32>);

impl Numbers {
    /// Adds a number; `false` if it was there.
    pub(crate) fn add(&mut self, number: u32) -> bool {
        if self.contains(number) {
            return false;
        }
        let mut last = number;
        if let Some(end) = number.checked_add(1).and_then(|next| self.0.remove(&next)) {
            last = end;
        }
        match self.0.range_mut(..number).next_back() {
            Some((_, end)) if *end + 1 == number => *end = last,
            _ => drop(self.0.insert(number, last)),
        }
        true
    }

    /// What is here and not there.
    pub(crate) fn not_in(&self, other: &Self) -> impl Iterator<Item = u32> {
        let all = self.0.iter().flat_map(|(first, last)| *first..=*last);
        all.filter(|number| !other.contains(*number))
    }

    fn contains(&self, number: u32) -> bool {
        self.0.range(..=number).next_back().is_some_and(|(_, end)| number <= *end)
    }
}

/// What the server knows of one client, over all its connections.
#[derive(Debug, Default)]
struct Person {
    /// The numbers of what it said.
    said: Numbers,
    /// Its socket, with the last number that came from there, and the last number sent there.
    socket: Option<Sid>,
    last: u32,
    mail: u64,
}

#[derive(Debug, Default)]
struct Room {
    said: u64,
    whispered: u64,
}

/// Everything that outlives a socket.
#[derive(Debug)]
struct Hall {
    rooms: Vec<Mutex<Room>>,
    people: Vec<Mutex<Person>>,
    wrong: Mutex<Vec<String>>,
}

/// What a client tells with CONNECT; strangers tell nothing.
#[derive(Debug, Deserialize)]
struct Who {
    person: Option<usize>,
}

/// What the server is asked for at the end.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Report {
    pub(crate) sessions: usize,
    pub(crate) sockets: usize,
    pub(crate) rooms: usize,
    pub(crate) pending_acks: usize,
    pub(crate) handlers: usize,
    pub(crate) timers: usize,
    pub(crate) recoverable: usize,
    /// What went against a promise.
    pub(crate) wrong: Vec<String>,
    /// By person, what it said.
    pub(crate) said: Vec<Numbers>,
    /// By room, the number of its last message.
    pub(crate) last: Vec<u64>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Hall {
    fn new(people: usize) -> Self {
        Self {
            rooms: (0..ROOMS).map(|_| Mutex::default()).collect(),
            people: (0..people).map(|_| Mutex::default()).collect(),
            wrong: Mutex::default(),
        }
    }

    fn wrong(&self, what: String) {
        let mut wrong = lock(&self.wrong);
        // The first few tell enough.
        if wrong.len() < 100 {
            wrong.push(what);
        }
    }

    fn room(&self, room: usize) -> Result<MutexGuard<'_, Room>, EventError> {
        let room =
            self.rooms.get(room).ok_or_else(|| EventError::new("no_room", "no such room"))?;
        Ok(lock(room))
    }

    async fn report(&self, io: &Io) -> Report {
        let inventory = io.inventory().await;
        Report {
            sessions: inventory.sessions,
            sockets: inventory.sockets,
            rooms: inventory.rooms,
            pending_acks: inventory.pending_acks,
            handlers: inventory.handlers,
            timers: inventory.timers,
            recoverable: inventory.recoverable,
            wrong: lock(&self.wrong).clone(),
            said: self.people.iter().map(|person| lock(person).said.clone()).collect(),
            last: self.rooms.iter().map(|room| lock(room).said).collect(),
        }
    }
}

/// The handlers. A room's lock is held while its number is drawn and the message is said, so that all
/// messages of a room have one order, which every member must see.
struct Doors(Arc<Hall>);

#[ws_controller("/")]
impl Doors {
    #[on_connection]
    fn greet(&self, socket: Socket, Auth(who): Auth<Who>) -> Result<(), EmitError> {
        if let Some(person) = who.person.and_then(|person| self.0.people.get(person)) {
            let mut person = lock(person);
            if socket.is_recovered() {
                // Its numbers go on, if no other connection of this person came in between.
                if person.socket.as_ref() != Some(socket.id()) {
                    person.socket = None;
                }
            } else {
                person.socket = Some(socket.id().clone());
                (person.last, person.mail) = (0, 0);
            }
        }
        socket.emit("hello", socket.is_recovered())
    }

    #[on_message("say")]
    fn say(
        &self,
        io: Io,
        socket: Socket,
        Auth(who): Auth<Who>,
        n: u32,
        name: usize,
    ) -> Result<u64, EventError> {
        let person = who.person.and_then(|person| self.0.people.get(person));
        let mut person = lock(person.ok_or_else(|| EventError::new("stranger", "who are you?"))?);
        if !person.said.add(n) {
            self.0.wrong(format!("{who:?} is heard twice with {n}"));
        }
        if person.socket.as_ref() == Some(socket.id()) {
            if n <= person.last {
                self.0.wrong(format!("{who:?} is heard with {n} after {}", person.last));
            }
            person.last = n;
            person.mail += 1;
            socket.emit("mail", person.mail)?;
        }
        drop(person);
        let mut room = self.0.room(name)?;
        room.said += 1;
        let (k, filling) = (room.said, filling(name, room.said));
        let to = io.to(name.to_string());
        if is_binary(name) {
            to.emit("said", (name, k, Bytes::from(filling)))?;
        } else {
            to.emit("said", (name, k, filling))?;
        }
        drop(room);
        Ok(k)
    }

    #[on_message("whisper")]
    fn whisper(&self, io: Io, name: usize) -> Result<(), EventError> {
        let mut room = self.0.room(name)?;
        room.whispered += 1;
        Ok(io.to(name.to_string()).volatile().emit("whispered", (name, room.whispered))?)
    }

    #[on_message("join")]
    fn join(&self, socket: Socket, name: usize) -> Result<(), EventError> {
        let room = self.0.room(name)?;
        socket.join(name.to_string());
        Ok(socket.emit("joined", (name, room.said))?)
    }

    #[on_message("leave")]
    fn leave(&self, socket: Socket, name: usize) -> Result<(), EventError> {
        let room = self.0.room(name)?;
        socket.leave(name.to_string());
        socket.emit("left", name)?;
        drop(room);
        Ok(())
    }

    #[on_message("echo")]
    fn echo(&self, payload: Value) -> Value {
        payload
    }

    #[on_message("slow")]
    async fn slow(&self, milliseconds: u64) {
        rt::time::sleep(Duration::from_millis(milliseconds)).await;
    }

    #[on_message("kick")]
    fn kick(&self, socket: Socket) {
        socket.disconnect(false);
    }
}

fn routes(hall: &Arc<Hall>, io: &Io) -> impl FnOnce(&mut ServiceConfig) + use<> {
    let (hall, io) = (Data::from(Arc::clone(hall)), Data::new(io.clone()));
    move |config| {
        let report = async |hall: Data<Hall>, io: Data<Io>| Json(hall.report(&io).await);
        config.app_data(hall).app_data(io).route("/report", get().to(report));
    }
}

/// Serves until this process is ended.
#[actix_web::main]
pub(crate) async fn serve(options: &Options) -> io::Result<()> {
    let hall = Arc::new(Hall::new(options.clients));
    let mut recovery = Recovery::default();
    recovery.max_disconnection_duration = RECOVERY;
    let io = Io::builder()
        .ping_interval(PING_INTERVAL)
        .ping_timeout(PING_TIMEOUT)
        .connection_state_recovery(recovery)
        .mount(Doors(Arc::clone(&hall)))
        .build();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    println!("listening on {}", listener.local_addr()?);
    macro_rules! serve {
        ($server:ident) => {
            $server::new(move || App::new().configure(io.configure()).configure(routes(&hall, &io)))
                .workers(options.workers)
                .backlog(4096)
                .max_connections(100_000)
                .tcp_nodelay(true)
                .h1_allow_half_closed(false)
                .listen(listener)?
                .run()
                .await
        };
    }
    if options.stock { serve!(HttpServer) } else { serve!(Server) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_ranges_however_they_come() {
        let mut numbers = Numbers::default();
        for number in [3, 1, 2, 7, 8, 6, 4] {
            assert!(numbers.add(number), "{number}");
        }
        assert!(!numbers.add(2));
        assert_eq!(numbers.0, BTreeMap::from([(1, 4), (6, 8)]));
        assert!(numbers.contains(8) && !numbers.contains(5) && !numbers.contains(9));
        let mut other = Numbers::default();
        other.add(7);
        assert_eq!(numbers.not_in(&other).collect::<Vec<_>>(), [1, 2, 3, 4, 6, 8]);
    }
}
