//! The command line.

use std::str::FromStr;
use std::time::Duration;

pub(crate) const USAGE: &str = "\
soak [--minutes N | --seconds N] [--clients N] [--workers N] [--seed N] [--server sio|stock]

  --minutes   how long the crowd is there; 2 by default, a quarter of it to warm up
  --clients   how many; 1000 by default
  --workers   of the server; 2 by default
  --seed      of all choices; 1 by default
  --server    sio_actix::Server or actix's HttpServer";

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Options {
    pub(crate) time: Duration,
    pub(crate) clients: usize,
    pub(crate) workers: usize,
    pub(crate) seed: u64,
    pub(crate) stock: bool,
    /// This process is the server.
    pub(crate) serve: bool,
}

impl Options {
    pub(crate) fn parse(args: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Self {
            time: Duration::from_secs(120),
            clients: 1000,
            workers: 2,
            seed: 1,
            stock: false,
            serve: false,
        };
        let mut args = args;
        while let Some(flag) = args.next() {
            if flag == "serve" {
                options.serve = true;
                continue;
            }
            let value = args.next().ok_or_else(|| format!("{flag} needs a value"))?;
            match flag.as_str() {
                "--minutes" => {
                    options.time = Duration::from_secs(60 * number::<u64>(&flag, &value)?)
                }
                "--seconds" => options.time = Duration::from_secs(number(&flag, &value)?),
                "--clients" => options.clients = number::<usize>(&flag, &value)?.max(1),
                "--workers" => options.workers = number::<usize>(&flag, &value)?.max(1),
                "--seed" => options.seed = number(&flag, &value)?,
                "--server" => {
                    options.stock = match value.as_str() {
                        "sio" => false,
                        "stock" => true,
                        other => return Err(format!("no server `{other}`")),
                    }
                }
                other => return Err(format!("unknown option `{other}`")),
            }
        }
        Ok(options)
    }

    /// The command line of the server's process.
    pub(crate) fn for_server(&self) -> Vec<String> {
        let server = if self.stock { "stock" } else { "sio" };
        let words = ["serve", "--server", server, "--workers"].map(str::to_owned);
        let numbers = [self.workers.to_string(), "--clients".to_owned(), self.clients.to_string()];
        words.into_iter().chain(numbers).collect()
    }
}

fn number<T: FromStr>(flag: &str, value: &str) -> Result<T, String> {
    value.parse().map_err(|_not_a_number| format!("{flag} needs a number, not `{value}`"))
}
