//! `/listen`: what single sockets listen to, and sockets as others see them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::json;
use sio_actix::core::packet::EncodeError;
use sio_actix::prelude::*;

use crate::records::sorted;
use crate::values::describe;

/// What the listeners of a socket have kept.
#[derive(Default)]
struct Logs {
    any: Mutex<Vec<(String, usize)>>,
    outgoing: Mutex<Vec<(String, Vec<String>)>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn take<T>(log: &Mutex<Vec<T>>) -> Vec<T> {
    std::mem::take(&mut *lock(log))
}

pub(crate) fn register(ns: &mut NamespaceBuilder) {
    ns.socket_middleware(middleware);
    ns.on_connection(|socket: Socket| {
        socket.set_state(Logs::default());
    });
    ns.on("ack-none", || ());
    ns.on("echo", |args: Rest<Value>| args);
    listeners(ns);
    logs(ns);
    others(ns);
}

async fn middleware(event: &mut IncomingEvent) -> Result<(), EventError> {
    match event.name() {
        "old" => event.set_name("echo"),
        "double" => {
            let n: i64 = event.read()?;
            event.set_name("echo");
            event.set_args((n, n)).map_err(|error: EncodeError| EventError::from(error))?;
        }
        "late" => {
            tokio::time::sleep(Duration::from_millis(20)).await;
            event.set_name("echo");
        }
        "forbidden" => return Err(EventError::new("forbidden", "not here")),
        _ => {}
    }
    Ok(())
}

fn heard(socket: &Socket, name: &str, args: Rest<Value>) -> Result<(), EmitError> {
    let mut told = vec![Value::from(name)];
    told.extend(args.0);
    socket.emit("heard", (told,))
}

fn listeners(ns: &mut NamespaceBuilder) {
    ns.on("listen", |socket: Socket, name: String| {
        let event = name.clone();
        socket.on(&name, move |socket: Socket, args: Rest<Value>| heard(&socket, &event, args));
    });
    ns.on("listen-once", |socket: Socket, name: String| {
        let event = name.clone();
        socket.once(&name, move |socket: Socket, args: Rest<Value>| heard(&socket, &event, args));
    });
    ns.on("answer", |socket: Socket, name: String, value: Value| {
        socket.on(&name, move || value.clone());
    });
    ns.on("unlisten", |socket: Socket, name: String| {
        socket.off_event(&name);
    });
}

fn logs(ns: &mut NamespaceBuilder) {
    ns.on("any", |socket: Socket, logs: State<Logs>, on: bool| {
        socket.off_any(None);
        if on {
            let logs = Arc::clone(&logs.0);
            socket.on_any(move |EventName(name), args: Rest<Value>| {
                lock(&logs.any).push((name, args.0.len()));
            });
        }
    });
    ns.on("any-log", |logs: State<Logs>| take(&logs.any));
    ns.on("outgoing", |socket: Socket, logs: State<Logs>, on: bool| {
        socket.off_any_outgoing(None);
        if on {
            let logs = Arc::clone(&logs.0);
            socket.on_any_outgoing(move |event| {
                let args = event.read::<Rest<Value>>().unwrap_or_default();
                let args = args.0.iter().map(describe).collect();
                lock(&logs.outgoing).push((event.name().to_owned(), args));
            });
        }
    });
    ns.on("outgoing-log", |logs: State<Logs>| take(&logs.outgoing));
}

fn others(ns: &mut NamespaceBuilder) {
    ns.on("tell", |socket: Socket, name: String, args: Rest<Value>| socket.emit(&name, args));
    ns.on("tell-all", |all: NamespaceRef, name: String, args: Rest<Value>| all.emit(&name, args));
    ns.on("join", |socket: Socket, room: String| socket.join(room));
    ns.on("data", |socket: Socket, data: serde_json::Value| socket.set_data(data).is_ok());
    ns.on("remote", async |all: NamespaceRef, room: String| {
        let mut sockets = all.to(room).fetch_sockets().await.unwrap_or_default();
        sockets.sort_by(|a, b| a.id().cmp(b.id()));
        let tell = |socket: &RemoteSocket| {
            let data: serde_json::Value = socket.data().unwrap_or_default();
            let rooms = sorted(socket.rooms().iter().map(ToString::to_string).collect());
            json!({ "id": socket.id(), "rooms": rooms, "data": data })
        };
        sockets.iter().map(tell).collect::<Vec<_>>()
    });
    ns.on("remote-ask", async |all: NamespaceRef, id: String, value: Value, ms: u64| {
        let found = all.to(id).fetch_sockets().await.unwrap_or_default();
        let Some(socket) = found.first() else { return json!(null) };
        let timeout = Duration::from_millis(ms);
        match socket.emit_with_ack::<serde_json::Value>("question", value, timeout).await {
            Ok(answer) => json!({ "answer": answer }),
            Err(error) => json!({ "error": error.to_string() }),
        }
    });
    ns.on("remote-do", async |all: NamespaceRef, id: String, what: String, room: String| {
        for socket in all.to(id).fetch_sockets().await.unwrap_or_default() {
            match what.as_str() {
                "join" => socket.join(&room),
                "leave" => socket.leave(&room),
                _ => socket.disconnect(false),
            }
        }
    });
}
