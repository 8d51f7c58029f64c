//! What was measured, as JSON and for people.

use std::fmt;

use serde::Serialize;

/// The outcome of one run. Fields that a scenario does not measure are left out of the JSON.
#[derive(Clone, Debug, Default, Serialize)]
#[non_exhaustive]
pub struct Report {
    /// As in the options.
    pub label: String,
    /// The scenario's name.
    pub scenario: &'static str,
    /// How many clients there were to be, and how many were connected at the end.
    pub clients: usize,
    /// See `clients`.
    pub alive: usize,
    /// Acks, events, deliveries, or connections.
    pub count: u64,
    /// The measured time, in seconds.
    pub wall_s: f64,
    /// `count` per second.
    pub rate: f64,
    /// CPU time of the server for each of `count`, in microseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_cpu_us: Option<f64>,
    /// The share of it outside of the kernel.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_user_share: Option<f64>,
    /// The share of one core that the server used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_busy: Option<f64>,
    /// CPU time of the load generator for each of `count`, in microseconds.
    pub load_cpu_us: f64,
    /// Messages for each read: how well the server gathers what it writes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_read: Option<f64>,
    /// Broadcasts that reached everybody.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rounds: Option<u64>,
    /// Half of the answers were faster; of broadcasts, until the last delivery. Microseconds.
    pub p50_us: f64,
    /// The same for 99 in 100.
    pub p99_us: f64,
    /// The same for 999 in 1,000.
    pub p999_us: f64,
    /// CPU time of the server for each connection that was closed, in microseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub close_cpu_us: Option<f64>,
    /// Memory of the server at the end, and at most, in KiB.
    pub rss_kib: u64,
    /// See `rss_kib`.
    pub peak_rss_kib: u64,
    /// What it grew by, for each idle connection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kib_per_client: Option<f64>,
    /// The same after each connection has carried one message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kib_per_client_touched: Option<f64>,
    /// Pings of the server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pings: Option<u64>,
    /// Answers that were wrong or did not come.
    pub errors: u64,
    /// The first of these.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub first_errors: Vec<String>,
}

impl Report {
    /// One line.
    #[must_use]
    pub fn to_json(&self) -> String {
        // A struct of numbers and strings always has a JSON text.
        serde_json::to_string(self).unwrap_or_default()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {:.0}/s", self.scenario, self.label, self.rate)?;
        if let Some(each) = self.server_cpu_us {
            write!(f, ", server {each:.2} µs each")?;
        }
        if let Some(busy) = self.server_busy {
            write!(f, " ({:.0} % busy)", busy * 100.0)?;
        }
        if let Some(each) = self.close_cpu_us {
            write!(f, ", closing {each:.2} µs")?;
        }
        if let (Some(idle), Some(touched)) = (self.kib_per_client, self.kib_per_client_touched) {
            write!(f, ", {idle:.2} KiB per connection, {touched:.2} once used")?;
        }
        write!(f, ", p50 {:.0} p99 {:.0} µs", self.p50_us, self.p99_us)?;
        if self.rss_kib > 0 {
            write!(f, ", {:.1} MiB", self.rss_kib as f64 / 1024.0)?;
        }
        if self.errors > 0 {
            write!(f, "; {} errors: {}", self.errors, self.first_errors.join("; "))?;
        }
        Ok(())
    }
}
