//! How often each bound has stopped somebody.

use std::sync::atomic::{AtomicU64, Ordering};

macro_rules! limits {
    ($($variant:ident: $name:literal,)*) => {
        /// A bound that can be reached: the fields of [`Limits`](super::Limits), and the time for the first CONNECT.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Limit {
            $(#[doc = concat!("`", $name, "`")] $variant,)*
        }

        impl Limit {
            /// All of them, in the order of the fields.
            pub const ALL: [Self; [$($name),*].len()] = [$(Self::$variant),*];

            /// The name of the field.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }
        }
    };
}

limits! {
    ConnectTimeout: "connect_timeout",
    MaxPayload: "max_payload",
    MaxAttachments: "max_attachments",
    MaxJsonDepth: "max_json_depth",
    MaxBinaryPacket: "max_binary_packet",
    AttachmentTimeout: "attachment_timeout",
    MaxPendingInput: "max_pending_input",
    MaxNamespaceLen: "max_namespace_len",
    MaxNamespaces: "max_namespaces",
    MaxDynamicNamespaces: "max_dynamic_namespaces",
    MaxConnectFailures: "max_connect_failures",
    SendBufferHigh: "send_buffer_high",
    SendBufferMax: "send_buffer_max",
    SendBufferMaxFrames: "send_buffer_max_frames",
    MaxPendingAcks: "max_pending_acks",
    MaxHandlers: "max_handlers",
    MaxServerSideHandlers: "max_server_side_handlers",
    MaxEventsPerSecond: "max_events_per_second",
    MaxRooms: "max_rooms",
    MaxConnections: "max_connections",
    MaxConnectionsPerIp: "max_connections_per_ip",
    MaxRequestTarget: "max_request_target",
    MaxRequestHead: "max_request_head",
    MaxRequestHeaders: "max_request_headers",
    MaxIdlePackets: "max_idle_packets",
    BodyTimeout: "body_timeout",
    CloseTimeout: "close_timeout",
    WriteTimeout: "write_timeout",
    MaxWorkerQueue: "max_worker_queue",
    MaxWorkerQueueBytes: "max_worker_queue_bytes",
    MaxRecoveryPackets: "max_recovery_packets",
    MaxRecoveryBytes: "max_recovery_bytes",
    MaxRecoveryBytesTotal: "max_recovery_bytes_total",
    MaxRecoverySockets: "max_recovery_sockets",
    MaxRoomEvents: "max_room_events",
    MaxClusterRequests: "max_cluster_requests",
    MaxClusterAnswers: "max_cluster_answers",
    MaxClusterAnswerBytes: "max_cluster_answer_bytes",
    MaxClusterAckTimeout: "max_cluster_ack_timeout",
}

/// Counters of all bounds; counting is one addition, so that it can be done under any lock and borrow.
#[derive(Debug)]
pub struct LimitCounts([AtomicU64; Limit::ALL.len()]);

impl Default for LimitCounts {
    fn default() -> Self {
        Self([const { AtomicU64::new(0) }; Limit::ALL.len()])
    }
}

impl LimitCounts {
    /// The bound has stopped somebody.
    pub fn count(&self, limit: Limit) {
        if let Some(count) = self.0.get(limit as usize) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How often each has stopped somebody.
    pub fn iter(&self) -> impl Iterator<Item = (Limit, u64)> {
        Limit::ALL.into_iter().zip(self.0.iter().map(|count| count.load(Ordering::Relaxed)))
    }

    /// How often one has.
    #[must_use]
    pub fn of(&self, limit: Limit) -> u64 {
        self.0.get(limit as usize).map_or(0, |count| count.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::Limits;

    #[test]
    fn every_field_but_the_policy_can_be_counted() {
        let shown = format!("{:?}", Limits::default());
        let fields = shown
            .trim_start_matches("Limits {")
            .split(", ")
            .map(|field| field.split(':').next().unwrap().trim());
        let fields: Vec<&str> = fields.filter(|field| *field != "send_policy").collect();
        let names: Vec<&str> = Limit::ALL.iter().map(|limit| limit.name()).collect();
        assert_eq!(names[1..], fields);
    }

    #[test]
    fn each_has_a_counter_of_its_own() {
        let counts = LimitCounts::default();
        for (index, limit) in Limit::ALL.into_iter().enumerate() {
            (0..index).for_each(|_| counts.count(limit));
        }
        for ((limit, count), index) in counts.iter().zip(0..) {
            assert_eq!((count, counts.of(limit)), (index, index), "{}", limit.name());
        }
    }
}
