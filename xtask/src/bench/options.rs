//! The command line of `bench`.

/// What `cargo xtask` says about it.
pub(crate) const USAGE: &str = "\
  bench [options]               what servers spend per message, side by side
        --only S[,S..]          scenarios of `benches/load`; all but those of --scale
        --servers S[,S..]       of sio, stock, socketioxide, node, and those added; all
        --add NAME=COMMAND      one more server, started with `--port 0` behind its command
        --rounds N              of which the median is shown (3)
        --quick                 one short round: whether it works, not how fast it is
        --scale                 with the curves: rooms up to 10,000, namespaces up to 100,000
        --write                 the tables and pictures of README.md and docs/
        --from FILE             results of an earlier run in place of a new one";

/// The scenarios of the tables, in their order.
pub(super) const SCENARIOS: &[&str] = &[
    "ack1", "ack16", "ack1k", "ackjson", "ackbin", "ack64k", "ev1", "ev16", "bc1000", "bc1000w4",
    "bcbin", "room", "conn", "connup", "poll", "idle10k",
];
/// Those of the curve over sizes of rooms, and the sizes.
pub(super) const ROOM_SIZES: &[(&str, u32)] =
    &[("room10", 10), ("room100", 100), ("room1000", 1000), ("room10000", 10_000)];

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Options {
    pub(super) scenarios: Vec<String>,
    /// Names; empty for all.
    pub(super) servers: Vec<String>,
    /// Names and commands.
    pub(super) added: Vec<(String, String)>,
    pub(super) rounds: usize,
    pub(super) quick: bool,
    pub(super) scale: bool,
    pub(super) write: bool,
    pub(super) from: Option<String>,
}

impl Options {
    pub(super) fn read(args: &[String]) -> Result<Self, String> {
        let mut options = Self {
            scenarios: Vec::new(),
            servers: Vec::new(),
            added: Vec::new(),
            rounds: 3,
            quick: false,
            scale: false,
            write: false,
            from: None,
        };
        let mut only = None;
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            let mut value = || args.next().ok_or_else(|| format!("{arg} needs a value"));
            match arg.as_str() {
                "--only" => only = Some(list(value()?)),
                "--servers" => options.servers = list(value()?),
                "--add" => {
                    let text = value()?;
                    let added = text.split_once('=').ok_or("--add takes NAME=COMMAND")?;
                    options.added.push((added.0.to_owned(), added.1.to_owned()));
                }
                "--rounds" => {
                    let rounds = value()?.parse().ok().filter(|rounds| *rounds > 0);
                    options.rounds = rounds.ok_or("--rounds needs a number above 0")?;
                }
                "--quick" => options.quick = true,
                "--scale" => options.scale = true,
                "--write" => options.write = true,
                "--from" => options.from = Some(value()?.clone()),
                other => return Err(format!("unknown option `{other}`\n\n{USAGE}")),
            }
        }
        if options.quick {
            options.rounds = 1;
        }
        let sizes = || ROOM_SIZES.iter().map(|(name, _)| *name);
        let known = |name: &str| SCENARIOS.iter().copied().chain(sizes()).any(|s| s == name);
        options.scenarios = only.unwrap_or_else(|| {
            SCENARIOS
                .iter()
                .copied()
                .chain(sizes().filter(|_| options.scale))
                .map(String::from)
                .collect()
        });
        match options.scenarios.iter().find(|name| !known(name)) {
            Some(name) => Err(format!("no scenario `{name}`, accepted: {}", SCENARIOS.join(" "))),
            None => Ok(options),
        }
    }
}

fn list(text: &str) -> Vec<String> {
    text.split(',').map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Options, String> {
        Options::read(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (line, word) in [
            ("--only nothing", "`nothing`"),
            ("--rounds 0", "above 0"),
            ("--add command", "NAME=COMMAND"),
            ("--servers", "needs a value"),
            ("--tools x", "`--tools`"),
        ] {
            let why = read(line).unwrap_err();
            assert!(why.contains(word), "{line}: {why}");
        }
    }

    #[test]
    fn curves_are_measured_when_they_are_asked_for() {
        assert_eq!(read("").unwrap().scenarios.len(), SCENARIOS.len());
        let all = SCENARIOS.len() + ROOM_SIZES.len();
        assert_eq!(read("--scale").unwrap().scenarios.len(), all);
        assert_eq!(read("--scale --only room10").unwrap().scenarios, ["room10"]);
        assert_eq!(read("--rounds 9 --quick").unwrap().rounds, 1);
    }
}
