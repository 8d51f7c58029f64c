//! Which public types may cross threads: a change here breaks users, so it has to be seen.

use integration::Server;
use sio_actix::prelude::*;
use sio_actix::{
    AckError, AckFuture, BroadcastAckError, BroadcastAckFuture, ClientFilesError, CloseReason,
    ConfigError, EmitError, EmitOperator, EngineSocket, EventName, Forbidden, Handshake, IoBuilder,
    Limits, ListenerId, Namespace, NamespaceRef, ParentNamespace, Room, RoomEvent, RoomMap, Sid,
    Transport,
};

const fn crosses_threads<T: Send + Sync>() {}
const fn can_be_sent<T: Send>() {}
const fn may_move<T: Unpin>() {}
const fn outlives<T: 'static>() {}

macro_rules! table {
    ($check:ident: $($name:ty),* $(,)?) => {
        $( const _: () = $check::<$name>(); )*
    };
}

table!(crosses_threads:
    Io, Socket, BroadcastOperator, NamespaceRef, Namespace, EngineSocket, AckSender, Handshake,
    AckError, EmitError, EventError, ConnectError, ConfigError, ClientFilesError, Forbidden,
    DisconnectReason, CloseReason, Transport, Limits, Sid, Room, EventName,
    Value, Binary, Rest<Value>, Auth<Value>, State<u8>, Try<u8>, AckFuture<Value>,
    BroadcastAckFuture<Value>, BroadcastAckError<Value>, EmitOperator, ParentNamespace, RemoteSocket,
    RoomEvent, RoomMap, ListenerId, OutgoingEvent, IncomingEvent,
);
// Registering handlers is work of one thread.
table!(can_be_sent: IoBuilder, NamespaceBuilder);
table!(may_move:
    Io, Socket, BroadcastOperator, NamespaceRef, EngineSocket, AckSender, AckFuture<Value>,
    BroadcastAckFuture<Value>, EmitOperator, ParentNamespace, RemoteSocket,
);
table!(outlives: Io, Socket, BroadcastOperator, NamespaceRef, AckFuture<Value>, AckSender, Server);

/// The table is checked by the compiler; this makes it a test that can be named.
#[test]
fn public_types_cross_threads() {
    crosses_threads::<Io>();
}

/// A handle taken into another thread works there.
#[test]
fn handles_are_used_on_other_threads() {
    let io = Io::builder().build();
    let ended = std::thread::spawn(move || {
        let everybody = io.of("/");
        everybody.emit("n", 1).is_ok() && io.session_count() == 0
    })
    .join();
    assert!(matches!(ended, Ok(true)));
}
