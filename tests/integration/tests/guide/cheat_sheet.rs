//! The cheat sheet of who hears what, line by line.

use std::time::Duration;

use sio_actix::EmitError;
use sio_actix::prelude::*;
use sio_client::ClientError;
use sio_client::test::{TestClient, TestServer};

const TIMEOUT: Duration = Duration::from_secs(5);

type Line = fn(&Socket, &Io) -> Result<(), EmitError>;

/// Ada sends. She is in `room`, Bob in `room` and `a`, Cleo in `a` and `b`; all three are in `/` and in `/chat`, and
/// in `/org/acme`.
const LINES: [(&str, Line, &[&str]); 17] = [
    (
        "client",
        |socket, _| {
            let (a, b) = (1, "two");
            socket.emit("e", (a, b))
        },
        &["ada"],
    ),
    ("others", |socket, _| socket.broadcast().emit("e", ()), &["bob", "cleo"]),
    ("room without the sender", |socket, _| socket.to("room").emit("e", ()), &["bob"]),
    ("two rooms", |socket, _| socket.to("a").to("b").emit("e", ()), &["bob", "cleo"]),
    ("but one", |socket, _| socket.to("a").except("b").emit("e", ()), &["bob"]),
    ("all", |_, io| io.emit("e", ()), &["ada", "bob", "cleo"]),
    ("whole room", |_, io| io.to("room").emit("e", ()), &["ada", "bob"]),
    ("namespace", |_, io| io.of("/chat").emit("e", ()), &["ada/chat", "bob/chat", "cleo/chat"]),
    ("room of a namespace", |_, io| io.of("/chat").to("room").emit("e", ()), &["cleo/chat"]),
    (
        "pattern",
        |_, io| io.of_pattern("/org/{org}").emit("e", ()),
        &["ada/org/acme", "bob/org/acme", "cleo/org/acme"],
    ),
    ("volatile", |socket, _| socket.volatile().emit("e", ()), &["ada"]),
    ("local", |_, io| io.local().emit("e", ()), &["ada", "bob", "cleo"]),
    ("uncompressed", |socket, _| socket.compress(false).emit("e", ()), &["ada"]),
    ("servers", |_, io| io.server_side_emit("e", ()), &[]),
    (
        "joined from afar",
        |_, io| {
            io.to("a").sockets_join("b");
            io.to("b").emit("e", ())
        },
        &["bob", "cleo"],
    ),
    (
        "left from afar",
        |_, io| {
            io.to("a").sockets_leave("b");
            io.to("b").emit("e", ())
        },
        &[],
    ),
    (
        "disconnected from afar",
        |_, io| {
            io.to("a").disconnect_sockets(false);
            io.emit("e", ())
        },
        &["ada"],
    ),
];

struct Sheet;

#[ws_controller("/")]
impl Sheet {
    #[on_message("join")]
    fn join(&self, socket: Socket, room: String) {
        socket.join(room);
    }

    #[on_message("line")]
    fn line(&self, socket: Socket, io: Io, line: usize) -> Result<(), EventError> {
        let (_, run, _) = LINES[line];
        Ok(run(&socket, &io)?)
    }

    #[on_message("room here")]
    fn room_here(&self, ns: NamespaceRef) -> Result<(), EmitError> {
        ns.to("room").emit("e", ())
    }

    #[on_message("here")]
    fn here(&self, ns: NamespaceRef) -> Result<(), EmitError> {
        ns.emit("e", ())
    }

    /// What is asked is what the client answers with.
    #[on_message("ask")]
    async fn ask(&self, socket: Socket) -> Result<i64, EventError> {
        type T = i64;
        let (a, timeout) = (20, TIMEOUT);
        Ok(socket.emit_with_ack::<T>("e", a, timeout).await?)
    }

    #[on_message("askAll")]
    async fn ask_all(&self, io: Io) -> Result<Vec<i64>, EventError> {
        type T = i64;
        let timeout = TIMEOUT;
        Ok(io.to("room").emit_with_ack::<T>("e", (), timeout).await?)
    }

    #[on_message("who")]
    async fn who(&self, io: Io) -> Result<usize, EventError> {
        Ok(io.to("a").fetch_sockets().await?.len())
    }
}

struct Org;

#[ws_controller("/org/{org}")]
impl Org {
    #[on_message("nothing")]
    fn nothing(&self) {}
}

struct Chat;

#[ws_controller("/chat")]
impl Chat {
    #[on_message("join")]
    fn join(&self, socket: Socket, room: String) {
        socket.join(room);
    }
}

struct Cast {
    srv: TestServer,
    clients: Vec<(String, TestClient)>,
}

async fn cast() -> Result<Cast, ClientError> {
    let srv = TestServer::memory(Io::builder().mount(Sheet).mount(Chat).mount(Org).build()).await;
    let mut clients = Vec::new();
    for (name, rooms) in [("ada", &["room"][..]), ("bob", &["room", "a"]), ("cleo", &["a", "b"])] {
        let client = TestClient::connect(&srv, "/").await?;
        for room in rooms {
            client.emit_with_ack::<()>("join", room).await?;
        }
        clients.push((name.to_owned(), client));
        for namespace in ["/chat", "/org/acme"] {
            let client = TestClient::connect(&srv, namespace).await?;
            if (name, namespace) == ("cleo", "/chat") {
                client.emit_with_ack::<()>("join", "room").await?;
            }
            clients.push((format!("{name}{namespace}"), client));
        }
    }
    Ok(Cast { srv, clients })
}

impl Cast {
    fn client(&self, name: &str) -> &TestClient {
        &self.clients.iter().find(|(known, _)| known == name).unwrap().1
    }

    /// Each of them hears the event once, nobody else does.
    async fn heard(&self, line: &str, who: &[&str]) -> Result<(), ClientError> {
        for (name, client) in &self.clients {
            if who.contains(&name.as_str()) {
                let heard = client.next::<RawArgs>("e").await;
                assert!(heard.is_ok(), "{line}: {name}: {heard:?}");
            }
        }
        for (name, client) in &self.clients {
            let more = client.expect_none_of("e", Duration::from_millis(100)).await;
            assert!(more.is_ok(), "{line}: {name} heard it, or heard it twice");
        }
        Ok(())
    }
}

#[actix_web::test]
async fn each_line_is_heard_by_those_it_names_and_by_nobody_else() -> Result<(), ClientError> {
    tokio::time::pause();
    for (line, (name, _, who)) in LINES.iter().enumerate() {
        let cast = cast().await.inspect_err(|e| panic!("1 {name} {e}"))?;
        cast.client("ada")
            .emit_with_ack::<()>("line", line)
            .await
            .inspect_err(|e| panic!("2 {name} {e}"))?;
        cast.heard(name, who).await.inspect_err(|e| panic!("3 {name} {e}"))?;
        drop(cast.srv);
    }
    Ok(())
}

#[actix_web::test]
async fn the_own_namespace_is_a_parameter() -> Result<(), ClientError> {
    tokio::time::pause();
    let cast = cast().await?;
    cast.client("ada").emit("here", ()).await?;
    cast.heard("here", &["ada", "bob", "cleo"]).await?;
    cast.client("ada").emit("room here", ()).await?;
    cast.heard("room here", &["ada", "bob"]).await
}

#[actix_web::test]
async fn clients_answer_and_rooms_are_counted() -> Result<(), ClientError> {
    let cast = cast().await?;
    cast.client("ada").on_with_ack("e", async |args: Option<i64>| args.unwrap_or(1) + 1);
    cast.client("bob").on_with_ack("e", async |_: Option<i64>| 7);
    assert_eq!(cast.client("ada").emit_with_ack::<i64>("ask", ()).await?, 21);
    let mut answers: Vec<i64> = cast.client("cleo").emit_with_ack("askAll", ()).await?;
    answers.sort_unstable();
    assert_eq!(answers, [2, 7]);
    assert_eq!(cast.client("cleo").emit_with_ack::<usize>("who", ()).await?, 2);
    Ok(())
}
