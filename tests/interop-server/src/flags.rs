//! The command line: pairs of a name and a number.

use std::collections::BTreeMap;
use std::io;
use std::str::FromStr;
use std::time::Duration;

const KNOWN: &[&str] = &[
    "--port",
    "--workers",
    "--ping-interval",
    "--ping-timeout",
    "--connect-timeout",
    "--upgrade-timeout",
    "--max-payload",
    "--allow-eio3",
    "--deflate",
    "--msgpack",
    "--recovery",
];

/// The flags the program was started with.
#[derive(Debug)]
pub(crate) struct Flags(BTreeMap<String, String>);

impl Flags {
    pub(crate) fn parse() -> io::Result<Self> {
        let mut flags = BTreeMap::new();
        let mut args = std::env::args().skip(1);
        while let Some(flag) = args.next() {
            if !KNOWN.contains(&flag.as_str()) {
                return Err(io::Error::other(format!("unknown flag {flag}")));
            }
            let Some(value) = args.next() else {
                return Err(io::Error::other(format!("{flag} needs a number")));
            };
            flags.insert(flag, value);
        }
        Ok(Self(flags))
    }

    pub(crate) fn number<T: FromStr>(&self, flag: &str, default: T) -> io::Result<T> {
        Ok(self.optional(flag)?.unwrap_or(default))
    }

    /// The number behind a flag, if it is given.
    pub(crate) fn optional<T: FromStr>(&self, flag: &str) -> io::Result<Option<T>> {
        let Some(value) = self.0.get(flag) else {
            return Ok(None);
        };
        let number = value.parse().ok().map(Some);
        number.ok_or_else(|| io::Error::other(format!("{flag} needs a number")))
    }

    pub(crate) fn millis(&self, flag: &str, default: u64) -> io::Result<Duration> {
        Ok(Duration::from_millis(self.number(flag, default)?))
    }
}
