//! Every bound on what one peer can make the server hold or do, with its default and its reason.
//!
//! Sizes are bytes, times are durations. What happens at each limit stands at its field.

mod reached;

use std::time::Duration;

pub use reached::{Limit, LimitCounts};

/// What becomes of an event that a session's queue has no room for.
///
/// It decides about events only: answers to the client's events and what the protocol itself says are never
/// dropped; without room for them the session ends. An event that is dropped is lost to that client, also
/// with connection state recovery, and the ack that was asked for with it does not come: such emits need a
/// timeout.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum SendPolicy {
    /// The session ends with `transport error`: a client never misses an event without knowing.
    #[default]
    Disconnect,
    /// The new event is dropped.
    DropNew,
    /// The oldest events that wait are dropped until there is room.
    DropOldest,
}

/// Bounds per message, per socket and per session.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Largest POST body and WebSocket message (reference: `maxHttpBufferSize`), announced as
    /// `maxPayload`. Above: 413 for a POST, close code 1009 for a WebSocket; the session ends with
    /// `transport error`, after a POST with the client's next one or after 200 ms. Default: 1,000,000.
    pub max_payload: usize,
    /// Attachments one packet may announce. Above: the packet is invalid and the session ends. Default: 10.
    pub max_attachments: usize,
    /// Nesting of arrays and objects in a packet, at most [`MAX_DEPTH`](crate::packet::MAX_DEPTH). Above: the
    /// packet is invalid and the session ends. Default: the highest value.
    pub max_json_depth: usize,
    /// Sum of the attachments of one packet. Above: the session ends. Default: 10,000,000.
    pub max_binary_packet: usize,
    /// Time without progress on a packet that waits for attachments; then the session ends. Default: 30 s.
    pub attachment_timeout: Duration,
    /// Bytes of unfinished bodies, WebSocket messages and binary packets of all clients together, and of what
    /// waits for their handlers or for its turn; up to 64 KiB of each are not counted. Above, the one that needs more is refused:
    /// 503 for a POST, close code 1013 for a WebSocket message, and its session ends with `transport error`. A
    /// client whose events wait is not read instead. 0: no bound. Default: 256 MiB.
    pub max_pending_input: usize,
    /// Length of a namespace name. Above: the session ends and the name is not echoed. Default: 255.
    pub max_namespace_len: usize,
    /// Namespaces one session may have joined. Above: CONNECT_ERROR `Too many namespaces`. Default: 100.
    pub max_namespaces: usize,
    /// Namespaces that exist at one time because clients named them and a pattern fits. Above: a CONNECT to
    /// a new name is refused with `Invalid namespace`. Default: 10,000.
    pub max_dynamic_namespaces: usize,
    /// CONNECT_ERROR answers one session may cause; then it ends. Default: 100.
    pub max_connect_failures: u32,
    /// Bytes waiting for one session from which on nothing more is read from its peer. Default: 1 MiB.
    pub send_buffer_high: usize,
    /// Bytes waiting for one session at which it ends with `transport error`. Default: 4 MiB.
    pub send_buffer_max: usize,
    /// Frames waiting for one session at which it ends with `transport error`. Default: 16,384.
    pub send_buffer_max_frames: usize,
    /// What becomes of events for a session whose queue is as full as it may be. Default: the session ends.
    pub send_policy: SendPolicy,
    /// Emits of one socket that wait for an ack. Above: the emit returns an error. Default: 10,000.
    pub max_pending_acks: usize,
    /// Unfinished event handlers of one socket; of a session, so many times the most sockets it had at a time,
    /// and those of its former sockets count. Above, its events are held in order, and when more than [`Self::max_payload`] bytes of them are,
    /// nothing more is read from its peer. Default: 64.
    pub max_handlers: usize,
    /// Unfinished handlers of events that other servers have sent, with the events that wait for their worker.
    /// Above: an event is answered with the error `overloaded` and logged, and its handler is not called.
    /// Default: 10,000.
    pub max_server_side_handlers: usize,
    /// Events per second of one session, all namespaces together; as many may come at once. Above: an event
    /// is answered with the error `rate_limited`, as one that a guard refused. 0, the default: no bound.
    pub max_events_per_second: u32,
    /// Rooms of one socket besides its own. Above: joining is an error, or is logged and does nothing.
    /// 0, the default: no bound.
    pub max_rooms: usize,
    /// Sessions of the process. Above: 503 with `Retry-After`. 0, the default: no bound.
    pub max_connections: usize,
    /// Sessions from one address of a peer, for IPv6 from one /64 network. Above: 503 with `Retry-After`. 0,
    /// the default: no bound, for behind a proxy all clients have one address.
    pub max_connections_per_ip: usize,
    /// Path and query of a request. Above: 414. 0: no bound of ours. Default: 8 KiB.
    pub max_request_target: usize,
    /// The head of a request: target, names and values of its headers, 4 bytes for each of them. Above: 431. 0:
    /// no bound of ours. Default: 32 KiB.
    pub max_request_head: usize,
    /// Headers of a request. Above: 431. 0: no bound of ours. Default: 96.
    pub max_request_headers: usize,
    /// Packets without a message in one polling payload. Above: parse error. Default: 64.
    pub max_idle_packets: usize,
    /// Time for the whole body of one POST. Above: 408, and the session ends. Default: 30 s.
    pub body_timeout: Duration,
    /// Orderly-close wait of a polling session without a poll. Default: 30 s.
    pub close_timeout: Duration,
    /// Time for which the peer of a WebSocket may take nothing of what waits for it; then its connection is cut,
    /// and its session ends with `transport error`. It takes nothing as long as its connection is not writable:
    /// what the system's buffers have taken counts as taken, whether the peer has read it or not. Under another HTTP server than `sio_actix::Server`, which
    /// does not ask for more while it cannot write, the heartbeat ends the session, and the connection is that
    /// server's affair. 0: no bound. Default: 30 s.
    pub write_timeout: Duration,
    /// Operations waiting for a worker from other threads. Above: the emit returns an error.
    /// Default: 1,048,576.
    pub max_worker_queue: usize,
    /// Bytes that wait with them; a broadcast counts in each queue. Above: the emit returns an error.
    /// Default: 256 MiB.
    pub max_worker_queue_bytes: usize,
    /// Events one namespace keeps for clients that come back. Above, the oldest are forgotten, and who
    /// may have missed them is not recovered. Default: 10,000.
    pub max_recovery_packets: usize,
    /// Bytes these events may take in one namespace; as above. Default: 16 MiB.
    pub max_recovery_bytes: usize,
    /// Bytes they may take in all namespaces together; above, the namespace that says something forgets.
    /// Default: 256 MiB.
    pub max_recovery_bytes_total: usize,
    /// Sockets that are kept for clients that come back. Above, the oldest are forgotten. Default: 100,000.
    pub max_recovery_sockets: usize,
    /// Events about rooms that wait for the hook for rooms. Above, they are dropped, and the hook is told how
    /// many. Default: 100,000.
    pub max_room_events: usize,
    /// Requests to other nodes of a cluster that wait for answers, broadcasts with acks among them. Above: the
    /// request fails. Default: 10,000.
    pub max_cluster_requests: usize,
    /// Answers of other nodes that one request takes; acks count one by one. Above: an answer is dropped and
    /// counted. Default: 1,000,000.
    pub max_cluster_answers: usize,
    /// Bytes these answers may take, about. Above: as with too many of them. Default: 256 MiB.
    pub max_cluster_answer_bytes: usize,
    /// Longest time for which sockets may answer a broadcast with acks of another node, and the time if that
    /// node does not tell any. Default: 60 s.
    pub max_cluster_ack_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_payload: 1_000_000,
            max_attachments: 10,
            max_json_depth: crate::packet::MAX_DEPTH,
            max_binary_packet: 10_000_000,
            attachment_timeout: Duration::from_secs(30),
            max_pending_input: 256 << 20,
            max_namespace_len: 255,
            max_namespaces: 100,
            max_dynamic_namespaces: 10_000,
            max_connect_failures: 100,
            send_buffer_high: 1 << 20,
            send_buffer_max: 4 << 20,
            send_buffer_max_frames: 16_384,
            send_policy: SendPolicy::Disconnect,
            max_pending_acks: 10_000,
            max_handlers: 64,
            max_server_side_handlers: 10_000,
            max_events_per_second: 0,
            max_rooms: 0,
            max_connections: 0,
            max_connections_per_ip: 0,
            max_request_target: 8 << 10,
            max_request_head: 32 << 10,
            max_request_headers: 96,
            max_idle_packets: 64,
            body_timeout: Duration::from_secs(30),
            close_timeout: Duration::from_secs(30),
            write_timeout: Duration::from_secs(30),
            max_worker_queue: 1 << 20,
            max_worker_queue_bytes: 256 << 20,
            max_recovery_packets: 10_000,
            max_recovery_bytes: 16 << 20,
            max_recovery_bytes_total: 256 << 20,
            max_recovery_sockets: 100_000,
            max_room_events: 100_000,
            max_cluster_requests: 10_000,
            max_cluster_answers: 1_000_000,
            max_cluster_answer_bytes: 256 << 20,
            max_cluster_ack_timeout: Duration::from_secs(60),
        }
    }
}
