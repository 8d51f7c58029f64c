//! The events of the chat: what a client may ask, and what the others in its room are told.
//!
//! The others may be connected to other nodes: a broadcast reaches them all the same.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use sio_actix::core::server;
use sio_actix::prelude::*;
use sio_actix::{EmitError, Sid};
use tokio::sync::{mpsc, oneshot};

use crate::cluster::Cluster;
use crate::room::{self, Left, Line, Part, Refusal, Rooms, Summary};

type Job = Box<dyn FnOnce(&mut Rooms<Sid>) + Send>;

/// Jobs that may wait at the desk; above that, handlers wait, and with them the clients' input.
const WAITING_JOBS: usize = 1_024;
/// How often a node of a cluster says who is on it.
const REPEAT: Duration = Duration::from_secs(10);

/// The one task that holds the rooms, and runs a job at a time on them.
///
/// Packets of one task leave in the order of its calls, those of two do not. As everything the chat
/// sends is sent by jobs, everybody is told everything in the order in which it happened: no list of
/// members overtakes a newer one, and no line its reader's answer to `join`. A lock could not promise
/// that, and must not be held while something is sent: that may end a socket, and call its handler.
#[derive(Debug, Clone)]
pub(crate) struct Desk(mpsc::Sender<Job>);

impl Desk {
    /// Starts the task on this thread, for the node of that name.
    pub(crate) fn open(node: &str) -> Self {
        let (desk, mut jobs) = mpsc::channel::<Job>(WAITING_JOBS);
        let mut rooms = Rooms::new(node);
        actix_web::rt::spawn(async move {
            while let Some(job) = jobs.recv().await {
                job(&mut rooms);
            }
        });
        Self(desk)
    }

    /// Runs a job when its turn comes, and gives its result. Once it waits there it
    /// will run, whether or not this is still awaited.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Rooms<Sid>) -> T + Send + 'static,
    ) -> Result<T, EventError> {
        let (done, result) = oneshot::channel();
        let job = move |rooms: &mut Rooms<Sid>| {
            let _nobody_waits = done.send(job(rooms));
        };
        if self.0.send(Box::new(job)).await.is_err() {
            return Err(EventError::internal("the desk is closed"));
        }
        Ok(result.await?)
    }
}

impl From<Refusal> for EventError {
    fn from(refusal: Refusal) -> Self {
        Self::new(refusal.code(), refusal.to_string())
    }
}

#[derive(Debug, Deserialize)]
struct Wish {
    nick: String,
    room: String,
}

#[derive(Debug, Serialize)]
struct Typing<'a> {
    nick: &'a str,
    on: bool,
}

/// The controller: each event is a job for the desk.
#[derive(Debug)]
pub(crate) struct Chat {
    desk: Desk,
    cluster: Cluster,
}

#[ws_controller("/")]
impl Chat {
    pub(crate) fn new(desk: Desk, cluster: Cluster) -> Self {
        Self { desk, cluster }
    }

    /// Takes the ack: a returned value leaves when this goes on, and by then later jobs may have spoken.
    ///
    /// The next event of the socket waits until the other nodes have answered.
    #[on_message("join", ordered)]
    async fn join(&self, socket: Socket, ack: AckSender, wish: Wish) -> Result<(), EventError> {
        let room = room::name(&wish.room)?;
        let others = if self.cluster.has_others() {
            // From now on the socket hears what is said in the room: nothing falls between what the other nodes
            // answer and the first line. The page sorts it out.
            socket.join(channel(&room));
            self.cluster.parts(&socket.io(), &room).await
        } else {
            Vec::new()
        };
        self.desk.run(move |rooms| join(rooms, &socket, ack, &wish, &others)).await
    }

    #[on_message("say")]
    async fn say(&self, socket: Socket, text: String) -> Result<Line, EventError> {
        self.desk.run(move |rooms| say(rooms, &socket, &text)).await?
    }

    #[on_message("typing")]
    async fn typing(&self, socket: Socket, on: bool) -> Result<(), EventError> {
        self.desk.run(move |rooms| typing(rooms, &socket, on)).await
    }

    /// Another node asks what this one has of a room.
    #[on_server_side("room")]
    async fn room(&self, room: String) -> Result<Part, EventError> {
        self.desk.run(move |rooms| rooms.part(&room)).await
    }

    /// Another node asks for this one's rooms.
    #[on_server_side("rooms")]
    async fn rooms(&self) -> Result<Vec<Summary>, EventError> {
        self.desk.run(|rooms| rooms.list()).await
    }

    #[on_disconnect]
    async fn gone(&self, socket: Socket) -> Result<(), EventError> {
        self.desk.run(move |rooms| gone(rooms, &socket)).await
    }
}

/// Answers by hand, because the answer has to leave before anything that happens in the room later.
fn join(rooms: &mut Rooms<Sid>, socket: &Socket, ack: AckSender, wish: &Wish, others: &[Part]) {
    // Its end may have been handled already, and nobody would take it out of the room again.
    if !socket.is_connected() {
        return;
    }
    let joined = match rooms.join(socket.id(), &wish.nick, &wish.room, others, now()) {
        Ok(joined) => joined,
        Err(refusal) => {
            leave_again(rooms, socket, &wish.room);
            return ack.send_error(refusal);
        }
    };
    let io = socket.io();
    if let Some(left) = &joined.left {
        socket.leave(channel(&left.room));
        tell_left(&io, rooms.node(), left);
    }
    let room = &joined.snapshot.room;
    if let Err(error) = ack.send(&joined.snapshot) {
        complain(&error);
    }
    socket.join(channel(room));
    if let Some(line) = &joined.line {
        tell_line(&io, room, line);
        tell_members(&io, rooms.node(), room, &joined.snapshot.members);
    }
}

/// A refused socket stops hearing the room, unless it is there under another name.
fn leave_again(rooms: &Rooms<Sid>, socket: &Socket, room: &str) {
    let Ok(room) = room::name(room) else { return };
    if rooms.place(socket.id()).is_none_or(|place| place.room != room) {
        socket.leave(channel(&room));
    }
}

fn say(rooms: &mut Rooms<Sid>, socket: &Socket, text: &str) -> Result<Line, EventError> {
    let said = rooms.say(socket.id(), text, now())?;
    tell_line(&socket.io(), &said.room, &said.line);
    Ok(said.line)
}

fn typing(rooms: &Rooms<Sid>, socket: &Socket, on: bool) {
    let Some(place) = rooms.place(socket.id()) else {
        return;
    };
    let others = socket.to(channel(&place.room));
    let nick = &place.nick;
    report(others.emit("typing", Typing { nick, on }));
}

fn gone(rooms: &mut Rooms<Sid>, socket: &Socket) {
    if let Some(left) = rooms.leave(socket.id(), now()) {
        tell_left(&socket.io(), rooms.node(), &left);
    }
}

/// Says something in a room in the server's name; for a job of an HTTP handler.
pub(crate) fn notice(
    rooms: &mut Rooms<Sid>,
    io: &server::Io,
    room: &str,
    text: &str,
    others: &[Part],
) -> Result<Line, Refusal> {
    let said = rooms.notice(room, text, others, now())?;
    tell_line(io, &said.room, &said.line);
    Ok(said.line)
}

/// Says again and again who is on this node: the page forgets a node that it has not heard of for longer,
/// as one that was killed cannot take its leave.
pub(crate) async fn repeat_members(desk: Desk, io: server::Io) {
    let mut ticks = actix_web::rt::time::interval(REPEAT);
    loop {
        ticks.tick().await;
        let io = io.clone();
        let told = desk.run(move |rooms| {
            let (node, occupied) = rooms.occupied();
            for (room, members) in occupied {
                tell_members(&io, node, room, &members);
            }
        });
        if told.await.is_err() {
            return;
        }
    }
}

fn tell_left(io: &server::Io, node: &str, left: &Left) {
    tell_line(io, &left.room, &left.line);
    tell_members(io, node, &left.room, &left.members);
}

fn tell_line(io: &server::Io, room: &str, line: &Line) {
    report(io.to(channel(room)).emit("line", (line, room)));
}

/// Each node speaks for its own people; the page puts them together.
fn tell_members(io: &server::Io, node: &str, room: &str, members: &[String]) {
    report(io.to(channel(room)).emit("members", (members, room, node)));
}

/// A room of the chat as a room of the server, where every socket id is a room, too: without the prefix,
/// a chat room named like a socket would be read by that socket.
fn channel(room: &str) -> String {
    format!("chat:{room}")
}

/// What has happened stays so, and is in the history, even if a worker is too busy to be told.
fn report(sent: Result<(), EmitError>) {
    if let Err(error) = sent {
        complain(&error);
    }
}

#[expect(clippy::print_stderr, reason = "the example has no other log")]
fn complain(error: &dyn std::error::Error) {
    eprintln!("chat: {error}");
}

fn now() -> u64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX)
}
