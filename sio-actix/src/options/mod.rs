//! Options as data: from a file, through serde, or from the environment.
//!
//! Names, units and defaults are the reference's, so that one file can configure servers of both kinds.
//! `fields` reads objects key by key, so that each mistake names its option; `values` reads what stands
//! behind the keys; `apply` hands everything to the builder.

mod apply;
mod environment;
mod fields;
mod values;

use std::path::PathBuf;
use std::time::Duration;

use sio_core::engine::Transport;
use sio_core::limits::SendPolicy;

use crate::http::binding::SessionBinding;
use crate::http::cookie::SameSite;
use crate::http::head::KeptHeaders;
use crate::http::origin::OriginPolicy;

use fields::{nested, options, switch};
use values::{
    count, flag, http_status, kept_headers, millis, names, origin_policy, origins, parser, path,
    same_site, seconds, send_policy, session_binding, size, text, text_or_false, transports,
};

pub use values::{OriginOption, ParserOption, Switch};

options! {
    /// Options of a server, as read from JSON, another format of serde, or the environment; for
    /// [`IoBuilder::options`](crate::IoBuilder::options).
    ///
    /// Keys are those of the reference (`pingInterval`, in milliseconds); `clientDir`, `parser`,
    /// `originPolicy`, `bindSession`, `keepHeaders` and `limits` are ours. What is absent or `null` keeps its default. A key that is not known and a value
    /// that cannot be used are errors that name the option.
    ///
    /// ```
    /// use sio_actix::{Io, IoOptions};
    ///
    /// let options: IoOptions = serde_json::from_str(
    ///     r#"{"pingInterval": 10000, "cors": {"origin": ["https://app.example"]}, "cookie": true}"#,
    /// )?;
    /// let io = Io::builder().options(options).build();
    /// # drop(io);
    ///
    /// let error = serde_json::from_str::<IoOptions>(r#"{"cors": {"orgin": "*"}}"#).unwrap_err();
    /// assert!(error.to_string().contains("`cors.orgin`"));
    /// # Ok::<_, serde_json::Error>(())
    /// ```
    pub struct IoOptions {
        /// `path`: the prefix that belongs to the server.
        path: String = "path" => path,
        /// `addTrailingSlash`: whether the path needs a slash at its end.
        add_trailing_slash: bool = "addTrailingSlash" => flag,
        /// `serveClient`: whether the browser client is served.
        serve_client: bool = "serveClient" => flag,
        /// `clientDir`: the folder of the browser client.
        client_dir: PathBuf = "clientDir" => text,
        /// `connectTimeout`: time to join a namespace.
        connect_timeout: Duration = "connectTimeout" => millis,
        /// `pingInterval`: time between a pong and the next ping.
        ping_interval: Duration = "pingInterval" => millis,
        /// `pingTimeout`: time for a pong.
        ping_timeout: Duration = "pingTimeout" => millis,
        /// `upgradeTimeout`: time for an upgrade.
        upgrade_timeout: Duration = "upgradeTimeout" => millis,
        /// `maxHttpBufferSize`: bytes of the largest message.
        max_http_buffer_size: usize = "maxHttpBufferSize" => size,
        /// `transports`: those on offer.
        transports: Vec<Transport> = "transports" => transports,
        /// `allowUpgrades`: whether upgrades are announced.
        allow_upgrades: bool = "allowUpgrades" => flag,
        /// `allowEIO3`: whether Socket.IO 2 clients are served.
        allow_eio3: bool = "allowEIO3" => flag,
        /// `initialPacket`: a message behind the open packet.
        initial_packet: String = "initialPacket" => text,
        /// `cors`: who may read answers.
        cors: Switch<CorsOptions> = "cors" => nested,
        /// `originPolicy`: `"off"`, `"cookies"` or `"strict"`.
        origin_policy: OriginPolicy = "originPolicy" => origin_policy,
        /// `bindSession`: `"none"`, `"ip"`, or `"cookie:"` and a name.
        bind_session: SessionBinding = "bindSession" => session_binding,
        /// `keepHeaders`: `true`, `false`, or a list of names.
        keep_headers: KeptHeaders = "keepHeaders" => kept_headers,
        /// `cookie`: the session cookie; a text is its name.
        cookie: Switch<CookieOptions> = "cookie" => values::cookie,
        /// `perMessageDeflate`: compression of WebSocket messages.
        per_message_deflate: Switch<DeflateOptions> = "perMessageDeflate" => switch,
        /// `httpCompression`: compression of answers to polls.
        http_compression: Switch<CompressionOptions> = "httpCompression" => switch,
        /// `connectionStateRecovery`: sockets that outlive their connection.
        connection_state_recovery: Switch<RecoveryOptions> = "connectionStateRecovery" => switch,
        /// `cleanupEmptyChildNamespaces`: whether dynamic namespaces go with their last socket.
        cleanup_empty_child_namespaces: bool = "cleanupEmptyChildNamespaces" => flag,
        /// `parser`: how packets are encoded.
        parser: ParserOption = "parser" => parser,
        /// `limits`: bounds of [`Limits`](crate::Limits).
        limits: LimitOptions = "limits" => values::limits,
    }
}

options! {
    /// `cors`; see [`Cors`](crate::Cors).
    pub struct CorsOptions {
        /// `origin`: `true`, `"*"`, an origin or a list of them; `"*"` if absent.
        origin: OriginOption = "origin" => origins,
        /// `methods`: a list, or a text with commas.
        methods: Vec<String> = "methods" => names,
        /// `allowedHeaders`: a list, or a text with commas.
        allowed_headers: Vec<String> = "allowedHeaders" => names,
        /// `exposedHeaders`: a list, or a text with commas.
        exposed_headers: Vec<String> = "exposedHeaders" => names,
        /// `credentials`: whether cookies are allowed.
        credentials: bool = "credentials" => flag,
        /// `maxAge`, in seconds.
        max_age: Duration = "maxAge" => seconds,
        /// `optionsSuccessStatus`: status of the answer to a preflight.
        options_success_status: u16 = "optionsSuccessStatus" => http_status,
    }
}

options! {
    /// `cookie`; see [`Cookie`](crate::Cookie).
    pub struct CookieOptions {
        /// `name`: `io` if absent.
        name: String = "name" => text,
        /// `path`; `false` leaves it out.
        path: Switch<String> = "path" => text_or_false,
        /// `domain`.
        domain: String = "domain" => text,
        /// `httpOnly`.
        http_only: bool = "httpOnly" => flag,
        /// `sameSite`: `"strict"`, `"lax"`, `"none"`, `true` for strict, `false` to leave it out.
        same_site: Switch<SameSite> = "sameSite" => same_site,
        /// `secure`.
        secure: bool = "secure" => flag,
        /// `partitioned`.
        partitioned: bool = "partitioned" => flag,
        /// `maxAge`, in seconds.
        max_age: Duration = "maxAge" => seconds,
    }
}

options! {
    /// `perMessageDeflate`.
    pub struct DeflateOptions {
        /// `threshold`: bytes of the smallest message that is compressed.
        threshold: usize = "threshold" => size,
    }
    // They tune the reference's zlib and windows, which nobody else can see.
    ignored: "serverNoContextTakeover", "clientNoContextTakeover", "serverMaxWindowBits",
        "clientMaxWindowBits", "concurrencyLimit", "zlibDeflateOptions", "zlibInflateOptions"
}

options! {
    /// `httpCompression`.
    pub struct CompressionOptions {
        /// `threshold`: bytes of the smallest answer that is compressed.
        threshold: usize = "threshold" => size,
    }
    // They tune the reference's zlib.
    ignored: "flush", "finishFlush", "chunkSize", "windowBits", "level", "memLevel", "strategy"
}

options! {
    /// `connectionStateRecovery`.
    pub struct RecoveryOptions {
        /// `maxDisconnectionDuration`: how long a socket may be away.
        max_disconnection_duration: Duration = "maxDisconnectionDuration" => millis,
        /// `skipMiddlewares`: whether connect guards are not asked again.
        skip_middlewares: bool = "skipMiddlewares" => flag,
    }
}

options! {
    /// `limits`: the bounds of [`Limits`](crate::Limits) by their names; times are in milliseconds.
    pub struct LimitOptions {
        /// Largest POST body and WebSocket message.
        max_payload: usize = "maxPayload" | "max_payload" => size,
        /// Attachments of one packet.
        max_attachments: usize = "maxAttachments" | "max_attachments" => size,
        /// Sum of the attachments of one packet.
        max_binary_packet: usize = "maxBinaryPacket" | "max_binary_packet" => size,
        /// Time without progress on a packet with attachments.
        attachment_timeout: Duration = "attachmentTimeout" | "attachment_timeout" => millis,
        /// Length of a namespace name.
        max_namespace_len: usize = "maxNamespaceLen" | "max_namespace_len" => size,
        /// Namespaces that clients have made.
        max_dynamic_namespaces: usize =
            "maxDynamicNamespaces" | "max_dynamic_namespaces" => size,
        /// Namespaces of one session.
        max_namespaces: usize = "maxNamespaces" | "max_namespaces" => size,
        /// CONNECT_ERROR answers of one session.
        max_connect_failures: u32 = "maxConnectFailures" | "max_connect_failures" => count,
        /// Waiting bytes from which on a peer is not read.
        send_buffer_high: usize = "sendBufferHigh" | "send_buffer_high" => size,
        /// Waiting bytes at which a session ends.
        send_buffer_max: usize = "sendBufferMax" | "send_buffer_max" => size,
        /// Waiting frames at which a session ends.
        send_buffer_max_frames: usize = "sendBufferMaxFrames" | "send_buffer_max_frames" => size,
        /// What becomes of events above these: `disconnect`, `drop_new` or `drop_oldest`.
        send_policy: SendPolicy = "sendPolicy" | "send_policy" => send_policy,
        /// Emits that wait for an ack.
        max_pending_acks: usize = "maxPendingAcks" | "max_pending_acks" => size,
        /// Unfinished event handlers of one socket.
        max_handlers: usize = "maxHandlers" | "max_handlers" => size,
        /// Unfinished handlers of events that other servers have sent.
        max_server_side_handlers: usize =
            "maxServerSideHandlers" | "max_server_side_handlers" => size,
        /// Nesting of JSON in a packet.
        max_json_depth: usize = "maxJsonDepth" | "max_json_depth" => size,
        /// Events of one socket per second.
        max_events_per_second: u32 = "maxEventsPerSecond" | "max_events_per_second" => count,
        /// Rooms of one socket.
        max_rooms: usize = "maxRooms" | "max_rooms" => size,
        /// Sessions of the server.
        max_connections: usize = "maxConnections" | "max_connections" => size,
        /// Sessions from one address.
        max_connections_per_ip: usize = "maxConnectionsPerIp" | "max_connections_per_ip" => size,
        /// Events of one namespace that are kept for clients that come back.
        max_recovery_packets: usize = "maxRecoveryPackets" | "max_recovery_packets" => size,
        /// Bytes of the events of one namespace that are kept.
        max_recovery_bytes: usize = "maxRecoveryBytes" | "max_recovery_bytes" => size,
        /// Bytes of all events that are kept.
        max_recovery_bytes_total: usize =
            "maxRecoveryBytesTotal" | "max_recovery_bytes_total" => size,
        /// Sockets that may come back.
        max_recovery_sockets: usize = "maxRecoverySockets" | "max_recovery_sockets" => size,
        /// Requests to other nodes that wait for answers.
        max_cluster_requests: usize = "maxClusterRequests" | "max_cluster_requests" => size,
        /// Answers of other nodes that one request takes.
        max_cluster_answers: usize = "maxClusterAnswers" | "max_cluster_answers" => size,
        /// Bytes of the answers that one request takes.
        max_cluster_answer_bytes: usize = "maxClusterAnswerBytes" | "max_cluster_answer_bytes" => size,
        /// Longest time for acks that another node asks for.
        max_cluster_ack_timeout: Duration =
            "maxClusterAckTimeout" | "max_cluster_ack_timeout" => millis,
        /// Path and query of a request.
        max_request_target: usize = "maxRequestTarget" | "max_request_target" => size,
        /// The head of a request.
        max_request_head: usize = "maxRequestHead" | "max_request_head" => size,
        /// Headers of a request.
        max_request_headers: usize = "maxRequestHeaders" | "max_request_headers" => size,
        /// Packets without a message in one polling payload.
        max_idle_packets: usize = "maxIdlePackets" | "max_idle_packets" => size,
        /// Time for the body of one POST.
        body_timeout: Duration = "bodyTimeout" | "body_timeout" => millis,
        /// Orderly-close wait of a polling session.
        close_timeout: Duration = "closeTimeout" | "close_timeout" => millis,
        /// Time for which a peer may take nothing.
        write_timeout: Duration = "writeTimeout" | "write_timeout" => millis,
        /// Unfinished input of all clients together.
        max_pending_input: usize = "maxPendingInput" | "max_pending_input" => size,
        /// Events about rooms that wait for their hook.
        max_room_events: usize = "maxRoomEvents" | "max_room_events" => size,
        /// Operations waiting for a worker.
        max_worker_queue: usize = "maxWorkerQueue" | "max_worker_queue" => size,
        /// Bytes that wait with them.
        max_worker_queue_bytes: usize = "maxWorkerQueueBytes" | "max_worker_queue_bytes" => size,
    }
}

#[cfg(test)]
mod tests;
