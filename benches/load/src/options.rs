//! The command line.

use std::fmt::Display;
use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;

use crate::scenario::{Scenario, Shape};

/// What the program says about itself; the scenarios follow.
pub const USAGE: &str = "\
load SCENARIO --url http://127.0.0.1:PORT [options]

  --pid PID        the server's process: its CPU time and memory
  --secs S         measured time                          (3)
  --warmup S       time before that                       (0.7)
  --hold S         idle time, for idle10k                 (26)
  --settle S       before memory is read, after closing   (2)
  --clients N, --window N, --payload BYTES, --rooms N, --concurrency N
                   in place of what the scenario says
  --label TEXT     copied into the output
  --quiet          only the line of JSON

scenarios:";

/// What to measure, and where.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Options {
    /// What the clients do.
    pub scenario: Scenario,
    /// The server; a loopback address.
    pub address: SocketAddr,
    /// Its process, if it is on this machine.
    pub pid: Option<u32>,
    /// How long each phase takes.
    pub pace: Pace,
    /// Copied into the report.
    pub label: String,
    /// Nothing is said to people.
    pub quiet: bool,
}

/// How long each phase takes.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Pace {
    /// Traffic that is not measured.
    pub warmup: Duration,
    /// Traffic that is.
    pub measured: Duration,
    /// Silence, in [`Shape::Idle`].
    pub hold: Duration,
    /// Until the server has done what a change of load brings: closing, giving memory back.
    pub settle: Duration,
    /// What connecting may take.
    pub opening: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            warmup: Duration::from_millis(700),
            measured: Duration::from_secs(3),
            hold: Duration::from_secs(26),
            settle: Duration::from_secs(2),
            opening: Duration::from_secs(60),
        }
    }
}

impl Options {
    /// One scenario at one server, at the usual pace.
    #[must_use]
    pub fn new(scenario: Scenario, address: SocketAddr) -> Self {
        Self {
            scenario,
            address,
            pid: None,
            pace: Pace::default(),
            label: String::new(),
            quiet: false,
        }
    }

    /// Reads the arguments of the program.
    ///
    /// # Errors
    ///
    /// Returns what is wrong with them, in one line.
    pub fn read(args: &[String]) -> Result<Self, String> {
        let (name, mut args) = args.split_first().ok_or("no scenario")?;
        let mut scenario = Scenario::named(name).ok_or_else(|| format!("no scenario `{name}`"))?;
        let (mut address, mut pid, mut label) = (None, None, String::new());
        let mut pace = Pace::default();
        let mut quiet = false;
        while let [flag, rest @ ..] = args {
            if flag == "--quiet" {
                (quiet, args) = (true, rest);
                continue;
            }
            let [value, rest @ ..] = rest else { return Err(format!("{flag} needs a value")) };
            args = rest;
            match flag.as_str() {
                "--url" => address = Some(loopback(value)?),
                "--pid" => pid = Some(number(flag, value)?),
                "--label" => label.clone_from(value),
                "--secs" => pace.measured = seconds(flag, value)?,
                "--warmup" => pace.warmup = seconds(flag, value)?,
                "--hold" => pace.hold = seconds(flag, value)?,
                "--settle" => pace.settle = seconds(flag, value)?,
                "--clients" => scenario.clients = number(flag, value)?,
                "--window" => scenario.window = number(flag, value)?,
                "--payload" => scenario.payload = number(flag, value)?,
                "--concurrency" => scenario.concurrency = number(flag, value)?,
                "--rooms" => match &mut scenario.shape {
                    Shape::Room { rooms } => *rooms = number(flag, value)?,
                    _ => return Err(format!("`{name}` has no rooms")),
                },
                other => return Err(format!("unknown option `{other}`")),
            }
        }
        let address = address.ok_or("--url is missing")?;
        check(&scenario)?;
        Ok(Self { scenario, address, pid, pace, label, quiet })
    }
}

/// What no scenario can do without.
pub(crate) fn check(scenario: &Scenario) -> Result<(), String> {
    if scenario.clients == 0 || scenario.window == 0 || scenario.concurrency == 0 {
        return Err("--clients, --window and --concurrency are at least 1".to_owned());
    }
    match scenario.shape {
        Shape::Room { rooms } if rooms == 0 || !scenario.clients.is_multiple_of(rooms) => {
            Err("--clients is a multiple of --rooms".to_owned())
        }
        _ => Ok(()),
    }
}

/// `http://127.0.0.1:3000`, or with `localhost`.
fn loopback(url: &str) -> Result<SocketAddr, String> {
    let host = url.strip_prefix("http://").unwrap_or(url).trim_end_matches('/');
    let host = host.replace("localhost:", "127.0.0.1:");
    let address: SocketAddr =
        host.parse().map_err(|e| format!("`{url}` is not http://ADDRESS:PORT: {e}"))?;
    // Load goes to nobody else's machine.
    if !address.ip().is_loopback() {
        return Err(format!("`{url}` is not a loopback address"));
    }
    Ok(address)
}

fn number<T: FromStr<Err: Display>>(flag: &str, value: &str) -> Result<T, String> {
    value.parse().map_err(|e| format!("{flag} needs a number, found `{value}`: {e}"))
}

fn seconds(flag: &str, value: &str) -> Result<Duration, String> {
    Duration::try_from_secs_f64(number(flag, value)?).map_err(|e| format!("{flag}: {e}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Options, String> {
        Options::read(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn wrong_arguments_are_named() {
        for (line, word) in [
            ("", "scenario"),
            ("nothing --url http://127.0.0.1:1", "`nothing`"),
            ("ack1", "--url"),
            ("ack1 --url http://192.0.2.1:80", "loopback"),
            ("ack1 --url http://example.com", "ADDRESS"),
            ("ack1 --url", "needs a value"),
            ("ack1 --url http://127.0.0.1:1 --window x", "needs a number"),
            ("ack1 --url http://127.0.0.1:1 --secs -1", "--secs"),
            ("ack1 --url http://127.0.0.1:1 --clients 0", "at least 1"),
            ("ack1 --url http://127.0.0.1:1 --rooms 2", "no rooms"),
            ("room --url http://127.0.0.1:1 --rooms 7", "multiple"),
            ("ack1 --url http://127.0.0.1:1 --fast 1", "`--fast`"),
        ] {
            let why = read(line).unwrap_err();
            assert!(why.contains(word), "{line}: {why}");
        }
    }

    #[test]
    fn options_take_the_place_of_what_the_scenario_says() {
        let line =
            "room --url http://localhost:3000/ --pid 7 --quiet --rooms 4 --clients 8 --secs 0.5";
        let options = read(line).unwrap();
        assert_eq!(options.address, SocketAddr::from(([127, 0, 0, 1], 3000)));
        assert_eq!((options.pid, options.quiet), (Some(7), true));
        assert_eq!(options.scenario.clients, 8);
        assert_eq!(options.scenario.shape, Shape::Room { rooms: 4 });
        assert_eq!(options.pace.measured, Duration::from_millis(500));
    }
}
