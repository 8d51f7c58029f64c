//! What was counted, as a page of metrics. Which there are, and what they mean, is in `docs/operations/metrics.md`.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeGaugeValue, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Unit;
use sio_core::limits::Limit;
use sio_core::server::ClusterStats;

use super::Metrics;
use super::cells::{Histogram, Snapshot};
use super::families::{Family, Handled};
use super::state::{State, Totals};

/// The labels of one series.
type Labels<'a, const N: usize> = [(&'a str, &'a str); N];

impl Collector for Metrics {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let state = &*self.0;
        let mut page = Page(encoder);
        let servers = state.servers();
        let totals = Totals::of(&servers);
        page.sessions(state)?;
        page.refusals(state, &totals)?;
        page.namespaces(state)?;
        page.traffic(&totals)?;
        page.held(state, &totals)?;
        page.workers(state)?;
        match &totals.cluster {
            Some(stats) => page.cluster(stats, state),
            None => Ok(()),
        }
    }
}

/// A page that is being written.
struct Page<'a>(DescriptorEncoder<'a>);

impl Page<'_> {
    // ---- the forms of metrics -------------------------------------------------------------------

    fn counter(&mut self, name: &str, help: &str, value: u64) -> fmt::Result {
        let mut metric = self.0.encode_descriptor(name, help, None, MetricType::Counter)?;
        metric.encode_counter::<NoLabelSet, _, u64>(&value, None)
    }

    fn counters<'s, const N: usize>(
        &mut self,
        name: &str,
        help: &str,
        series: impl IntoIterator<Item = (Labels<'s, N>, u64)>,
    ) -> fmt::Result {
        let mut metric = self.0.encode_descriptor(name, help, None, MetricType::Counter)?;
        for (labels, value) in series {
            metric.encode_family(&labels)?.encode_counter::<NoLabelSet, _, u64>(&value, None)?;
        }
        Ok(())
    }

    fn gauge(
        &mut self,
        name: &str,
        help: &str,
        unit: Option<&Unit>,
        value: &impl EncodeGaugeValue,
    ) -> fmt::Result {
        let mut metric = self.0.encode_descriptor(name, help, unit, MetricType::Gauge)?;
        metric.encode_gauge(value)
    }

    fn gauges<'s, const N: usize>(
        &mut self,
        name: &str,
        help: &str,
        series: impl IntoIterator<Item = (Labels<'s, N>, u64)>,
    ) -> fmt::Result {
        let mut metric = self.0.encode_descriptor(name, help, None, MetricType::Gauge)?;
        for (labels, value) in series {
            metric.encode_family(&labels)?.encode_gauge(&value)?;
        }
        Ok(())
    }

    /// Those that have counted nothing are left out.
    fn seconds<'s, const N: usize>(
        &mut self,
        name: &str,
        help: &str,
        series: impl IntoIterator<Item = (Labels<'s, N>, &'s Histogram)>,
    ) -> fmt::Result {
        let unit = Some(&Unit::Seconds);
        let mut metric = self.0.encode_descriptor(name, help, unit, MetricType::Histogram)?;
        for (labels, histogram) in series {
            let Snapshot { sum, count, buckets } = histogram.read();
            if count > 0 {
                metric
                    .encode_family(&labels)?
                    .encode_histogram::<NoLabelSet>(sum, count, &buckets, None)?;
            }
        }
        Ok(())
    }

    // ---- what there is --------------------------------------------------------------------------

    fn sessions(&mut self, state: &State) -> fmt::Result {
        let census = state.census();
        let by_transport = |polling: u64, websocket: u64| {
            [([("transport", "polling")], polling), ([("transport", "websocket")], websocket)]
        };
        let websockets = number(census.websockets);
        let polling = number(census.sessions).saturating_sub(websockets);
        self.gauges("sio_sessions", "Open sessions", by_transport(polling, websockets))?;
        let opened = by_transport(state.opened_polling.get(), state.opened_websocket.get());
        self.counters("sio_sessions_opened", "Sessions by the transport they began on", opened)?;
        self.counter(
            "sio_session_upgrades",
            "Sessions that went from polling to a WebSocket",
            state.upgraded.get(),
        )?;
        let closed = state.closed.iter().map(|(reason, count)| ([("reason", reason)], count));
        self.counters("sio_session_closes", "Sessions that ended", closed)
    }

    fn refusals(&mut self, state: &State, totals: &Totals) -> fmt::Result {
        let refused = state.refused.iter().map(|(code, count)| ([("code", code)], count));
        self.counters(
            "sio_requests_refused",
            "Refused requests by code of the engine, or HTTP status where there is none",
            refused,
        )?;
        self.counter(
            "sio_connects_refused",
            "CONNECTs to a namespace that were refused",
            state.connects_refused.get(),
        )?;
        let reached = Limit::ALL.into_iter().zip(totals.limits.iter().copied());
        let reached = reached.map(|(limit, count)| ([("limit", limit.name())], count));
        self.counters("sio_limits_reached", "How often a bound stopped somebody", reached)
    }

    fn namespaces(&mut self, state: &State) -> fmt::Result {
        let families = state.families.all();
        let each = |read: fn(&Family) -> u64| {
            families.iter().map(move |(label, family)| ([("namespace", &**label)], read(family)))
        };
        self.gauges(
            "sio_sockets",
            "Connected sockets",
            each(|family| {
                let gone = family.disconnects.sum();
                family.connects.get().saturating_sub(gone)
            }),
        )?;
        self.counters("sio_connects", "Sockets that connected", each(|of| of.connects.get()))?;
        let disconnects = families.iter().flat_map(|(label, family)| {
            family
                .disconnects
                .iter()
                .map(move |(reason, count)| ([("namespace", &**label), ("reason", reason)], count))
        });
        self.counters("sio_disconnects", "Sockets that ended", disconnects)?;
        self.counter(
            "sio_recovered",
            "Clients that came back as the socket they were",
            state.recovered.get(),
        )?;
        self.counters("sio_events_received", "Events of clients", each(|of| of.received.get()))?;
        self.counters(
            "sio_events_sent",
            "Events to clients, one per receiver",
            each(|of| of.sent.get()),
        )?;
        self.counters(
            "sio_ack_timeouts",
            "Acks that clients did not send in time",
            each(|of| of.ack_timeouts.get()),
        )?;
        let handled: Vec<_> = families
            .iter()
            .flat_map(|(label, family)| {
                family.events().into_iter().map(move |(event, handled)| (&**label, event, handled))
            })
            .collect();
        let handled = handled.iter().flat_map(|(namespace, event, handled)| {
            let labels =
                |outcome| [("namespace", *namespace), ("event", &**event), ("outcome", outcome)];
            let Handled { ok, error } = &**handled;
            [(labels("ok"), ok), (labels("error"), error)]
        });
        self.seconds("sio_handler", "From the start of a handler to its answer", handled)
    }

    fn traffic(&mut self, totals: &Totals) -> fmt::Result {
        let traffic = totals.traffic;
        self.counter("sio_packets_received", "Messages of clients", traffic.packets_in)?;
        self.counter("sio_packets_sent", "Messages to clients", traffic.packets_out)?;
        self.counter("sio_received_bytes", "Bytes of messages of clients", traffic.bytes_in)?;
        self.counter("sio_sent_bytes", "Bytes of messages to clients", traffic.bytes_out)?;
        self.counter(
            "sio_volatile_dropped",
            "Volatile events that a client was not ready for",
            traffic.volatile_dropped,
        )?;
        self.counter(
            "sio_events_dropped",
            "Events that the send policy dropped for want of room",
            traffic.events_dropped,
        )
    }

    fn held(&mut self, state: &State, totals: &Totals) -> fmt::Result {
        let census = state.census();
        let bytes = Some(&Unit::Bytes);
        self.gauge("sio_queued", "Bytes that wait for clients", bytes, &census.queued_bytes)?;
        self.gauge("sio_queued_packets", "Packets that wait", None, &census.queued_packets)?;
        self.gauge("sio_rooms", "Rooms with members", None, &census.rooms)?;
        self.gauge("sio_namespaces", "Namespaces", None, &totals.namespaces)?;
        self.gauge("sio_pending_acks", "Emits that wait for acks", None, &census.pending_acks)?;
        self.gauge("sio_running_handlers", "Unfinished handlers", None, &census.handlers)?;
        self.gauge(
            "sio_recoverable_sockets",
            "Sockets that are kept for clients that come back",
            None,
            &census.recoverable,
        )?;
        self.gauge("sio_draining", "1: no new sessions", None, &u64::from(totals.draining))
    }

    fn workers(&mut self, state: &State) -> fmt::Result {
        let (pulse, seconds) = (&state.pulse, Some(&Unit::Seconds));
        self.gauge("sio_workers", "Threads that serve sessions", None, &pulse.workers())?;
        self.gauge(
            "sio_worker_stalled",
            "For how long the worst worker has got round to nothing that was due",
            seconds,
            &pulse.stalled().as_secs_f64(),
        )?;
        let help = "How late workers did what was due, ten times a second";
        let metric = MetricType::Histogram;
        let mut delay = self.0.encode_descriptor("sio_worker_delay", help, seconds, metric)?;
        let Snapshot { sum, count, buckets } = pulse.delay.read();
        delay.encode_histogram::<NoLabelSet>(sum, count, &buckets, None)
    }

    fn cluster(&mut self, stats: &ClusterStats, state: &State) -> fmt::Result {
        let adapter = &stats.adapter;
        self.gauge(
            "sio_cluster_connected",
            "1: connected with the other nodes",
            None,
            &u64::from(adapter.connected),
        )?;
        self.gauge("sio_cluster_queued", "What waits for the others", None, &adapter.queued)?;
        self.gauge(
            "sio_cluster_pending_requests",
            "Requests to the others that wait",
            None,
            &stats.pending_requests,
        )?;
        self.counter("sio_cluster_published", "Messages to the others", adapter.published)?;
        self.counter("sio_cluster_received", "Messages of the others", adapter.received)?;
        self.counter(
            "sio_cluster_publish_failures",
            "Messages that could not be sent",
            adapter.dropped,
        )?;
        self.counter(
            "sio_cluster_garbage",
            "Messages that made no sense",
            adapter.garbage + stats.garbage,
        )?;
        self.counter("sio_cluster_forged", "Messages without a valid signature", adapter.forged)?;
        self.counter(
            "sio_cluster_lost",
            "Messages of the others that found no room here",
            stats.lost,
        )?;
        self.counter(
            "sio_cluster_reconnects",
            "How often a lost connection was made anew",
            adapter.reconnects,
        )?;
        let Handled { ok, error } = &state.asked;
        self.seconds(
            "sio_cluster_request",
            "Requests to the other nodes, from question to last answer",
            [([("outcome", "ok")], ok), ([("outcome", "error")], error)],
        )
    }
}

fn number(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}
