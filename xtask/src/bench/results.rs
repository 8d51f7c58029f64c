//! What was measured: one line of JSON for the machine, then one for each run.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::Path;

use serde_json::{Map, Value, json};

use super::options::Options;
use super::servers::{Server, version};
use crate::sh::{Cmd, which};

pub(super) struct Results {
    /// When and where; `machine` in the file.
    about: Map<String, Value>,
    rows: Vec<Map<String, Value>>,
}

/// Several runs of one server in one scenario.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Figure {
    pub(super) median: f64,
    pub(super) lowest: f64,
    pub(super) highest: f64,
}

impl Results {
    pub(super) fn new(options: &Options, servers: &[Server]) -> Self {
        let names: Vec<&str> = servers.iter().map(|server| server.name.as_str()).collect();
        let about = json!({
            "date": said("date", "+%F"),
            "processor": processor(),
            "cores": std::thread::available_parallelism().map_or(1, usize::from),
            "kernel": said("uname", "-sr"),
            "rustc": said("rustc", "--version"),
            "node": if which("node").is_some() { said("node", "--version") } else { String::new() },
            "socketioxide": version("socketioxide"),
            "socket.io": version("node"),
            "rounds": options.rounds,
            "quick": options.quick,
            "pinned": which("taskset").is_some(),
            "servers": names,
        });
        Self { about: object(about), rows: Vec::new() }
    }

    pub(super) fn load(file: &Path) -> Result<Self, String> {
        let text = fs::read_to_string(file).map_err(|e| format!("{}: {e}", file.display()))?;
        let mut results = Self { about: Map::new(), rows: Vec::new() };
        for line in text.lines() {
            let row: Map<String, Value> =
                serde_json::from_str(line).map_err(|e| format!("{}: {e}", file.display()))?;
            match row.get("machine") {
                Some(Value::Object(machine)) => results.about.clone_from(machine),
                _ => results.rows.push(row),
            }
        }
        Ok(results)
    }

    /// Starts the file anew.
    pub(super) fn begin(&self, file: &Path) -> Result<(), String> {
        let line = json!({ "machine": self.about });
        fs::write(file, format!("{line}\n")).map_err(|e| format!("{}: {e}", file.display()))
    }

    /// One run, into the file as well.
    pub(super) fn add(&mut self, line: &str, file: &Path) -> Result<(), String> {
        self.rows.push(serde_json::from_str(line).map_err(|e| format!("{e}: {line}"))?);
        let out = OpenOptions::new().append(true).open(file);
        out.and_then(|mut out| writeln!(out, "{line}"))
            .map_err(|e| format!("{}: {e}", file.display()))
    }

    /// The run that was added last, in one line.
    pub(super) fn last(&self) -> String {
        let Some(row) = self.rows.last() else { return String::new() };
        let mut out = format!("{:13}", text(row, "label"));
        for (key, unit, scale) in [
            ("server_cpu_us", "µs each", 1.0),
            ("kib_per_client", "KiB each", 1.0),
            ("server_busy", "% busy", 100.0),
            ("rate", "/s", 1.0),
            ("p99_us", "µs p99", 1.0),
        ] {
            if let Some(value) = row.get(key).and_then(Value::as_f64) {
                let digits = if value * scale < 20.0 { 2 } else { 0 };
                out += &format!(" {:>9.digits$} {unit}", value * scale);
            }
        }
        if row.get("errors").and_then(Value::as_u64) != Some(0) {
            out += " ERRORS";
        }
        out
    }

    /// What is known about the machine and the versions.
    pub(super) fn about(&self, key: &str) -> String {
        match self.about.get(key) {
            Some(Value::String(text)) => text.clone(),
            Some(value) if !value.is_null() => value.to_string(),
            _ => String::new(),
        }
    }

    /// Servers that have runs, in order.
    pub(super) fn servers(&self) -> Vec<&str> {
        let mut names = Vec::new();
        for row in &self.rows {
            let name = text(row, "label");
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }

    pub(super) fn figure(&self, server: &str, scenario: &str, key: &str) -> Option<Figure> {
        let rows = self
            .rows
            .iter()
            .filter(|row| text(row, "label") == server && text(row, "scenario") == scenario);
        let mut values: Vec<f64> = rows.filter_map(|row| row.get(key)?.as_f64()).collect();
        values.sort_unstable_by(f64::total_cmp);
        let middle = |at: usize| values.get(at).copied();
        let half = values.len() / 2;
        let median = match values.len() % 2 {
            1 => middle(half)?,
            _ => f64::midpoint(middle(half.checked_sub(1)?)?, middle(half)?),
        };
        Some(Figure { median, lowest: *values.first()?, highest: *values.last()? })
    }

    /// A run with errors measured something else than it should.
    pub(super) fn judge(&self) -> Result<(), String> {
        let mut wrong = Vec::new();
        for row in &self.rows {
            if row.get("errors").and_then(Value::as_u64) != Some(0) {
                let errors = row.get("first_errors").map(Value::to_string).unwrap_or_default();
                wrong.push(format!("{} {}: {errors}", text(row, "label"), text(row, "scenario")));
            }
        }
        if wrong.is_empty() { Ok(()) } else { Err(format!("errors:\n{}", wrong.join("\n"))) }
    }
}

fn text<'a>(row: &'a Map<String, Value>, key: &str) -> &'a str {
    row.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

fn said(program: &str, arg: &str) -> String {
    Cmd::new(program).arg(arg).output().map(|text| text.trim().to_owned()).unwrap_or_default()
}

fn processor() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with("model name"));
    line.and_then(|line| line.split_once(": ")).map_or("", |(_, name)| name).to_owned()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Results with one row for each `(server, scenario, value)`.
    pub(crate) fn results(rows: &[(&str, &str, f64)]) -> Results {
        let row = |(server, scenario, value): &(&str, &str, f64)| {
            let row = json!({
                "label": server, "scenario": scenario, "server_cpu_us": value,
                "kib_per_client": value, "errors": 0,
            });
            object(row)
        };
        let about = object(json!({ "date": "2026-01-01", "rounds": 3, "socketioxide": "0.18.9" }));
        Results { about, rows: rows.iter().map(row).collect() }
    }

    #[test]
    fn the_median_is_the_middle_or_between_the_two_in_the_middle() {
        let three = results(&[("a", "x", 3.0), ("a", "x", 1.0), ("b", "x", 7.0), ("a", "x", 9.0)]);
        let of = |server| three.figure(server, "x", "server_cpu_us");
        assert_eq!(of("a"), Some(Figure { median: 3.0, lowest: 1.0, highest: 9.0 }));
        assert_eq!(of("b").map(|figure| figure.median), Some(7.0));
        assert_eq!(of("c"), None);
        let two = results(&[("a", "x", 1.0), ("a", "x", 2.0)]);
        assert_eq!(two.figure("a", "x", "server_cpu_us").map(|f| f.median), Some(1.5));
    }

    #[test]
    fn a_run_with_errors_is_told() {
        let mut results = results(&[("a", "x", 1.0)]);
        assert_eq!(results.judge(), Ok(()));
        results.rows[0].insert("errors".to_owned(), json!(2));
        assert!(results.judge().unwrap_err().contains("a x"));
    }
}
