//! What the programs share: flags, handlers, listening on both loopback addresses, a clean end.

pub mod cluster;
pub mod echo;

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};

use actix_web::App;
use actix_web::web::ServiceConfig;
use sio_actix::{Io, Server};

/// Workers of the programs that suites of single-threaded servers drive.
///
/// Such a suite sends requests on two connections at once and takes for granted that they are handled in
/// the order they were sent; with more workers the system decides which of them is read first.
pub const SUITE_WORKERS: usize = 1;

/// The flags of a program: `--name value` pairs and bare `--name`s.
#[derive(Debug)]
pub struct Flags(Vec<String>);

impl Flags {
    /// Reads the command line and refuses flags that the program does not know.
    ///
    /// # Errors
    ///
    /// Names the unknown flag.
    pub fn parse(known: &[&str]) -> io::Result<Self> {
        let flags: Vec<String> = std::env::args().skip(1).collect();
        match flags.iter().find(|flag| flag.starts_with("--") && !known.contains(&flag.as_str())) {
            Some(unknown) => Err(io::Error::other(format!("unknown flag {unknown}"))),
            None => Ok(Self(flags)),
        }
    }

    /// Whether a flag was given.
    #[must_use]
    pub fn has(&self, flag: &str) -> bool {
        self.0.iter().any(|known| known == flag)
    }

    /// The text behind a flag.
    ///
    /// # Errors
    ///
    /// The flag or its value is missing.
    pub fn text(&self, flag: &str) -> io::Result<&str> {
        let position = self.0.iter().position(|known| known == flag);
        let value = position.and_then(|position| self.0.get(position + 1));
        value.map(String::as_str).ok_or_else(|| io::Error::other(format!("{flag} needs a value")))
    }

    /// The number behind a flag.
    ///
    /// # Errors
    ///
    /// The value is missing or no number of that type.
    pub fn number<T: std::str::FromStr>(&self, flag: &str, default: T) -> io::Result<T> {
        let Some(position) = self.0.iter().position(|known| known == flag) else {
            return Ok(default);
        };
        let value = self.0.get(position + 1).and_then(|value| value.parse().ok());
        value.ok_or_else(|| io::Error::other(format!("{flag} needs a number")))
    }
}

/// The loopback addresses of a program, taken.
#[derive(Debug)]
pub struct Listeners {
    v4: TcpListener,
    /// A machine without IPv6 is no reason to fail.
    v6: Option<TcpListener>,
    address: SocketAddr,
}

impl Listeners {
    /// Takes a port, 0 for any, on the IPv4 and IPv6 loopback addresses.
    ///
    /// # Errors
    ///
    /// The port is taken.
    pub fn bind(port: u16) -> io::Result<Self> {
        let v4 = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
        let address = v4.local_addr()?;
        let v6 = TcpListener::bind(SocketAddr::from((Ipv6Addr::LOCALHOST, address.port())));
        Ok(Self { v4, v6: v6.ok(), address })
    }

    /// The port that was taken.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.address.port()
    }

    /// Serves `io` until SIGTERM; says so in one line.
    ///
    /// # Errors
    ///
    /// The system refuses.
    pub async fn serve(self, io: Io, workers: usize) -> io::Result<()> {
        self.serve_with(io, workers, |_| {}).await
    }

    /// As [`Self::serve`], with other routes beside it.
    ///
    /// # Errors
    ///
    /// The system refuses.
    pub async fn serve_with(
        self,
        io: Io,
        workers: usize,
        routes: impl Fn(&mut ServiceConfig) + Clone + Send + 'static,
    ) -> io::Result<()> {
        let app = move || App::new().configure(io.configure()).configure(routes.clone());
        let mut server = Server::new(app)
            .workers(workers)
            .backlog(1024)
            .h1_allow_half_closed(false)
            .shutdown_timeout(2)
            .listen(self.v4)?;
        if let Some(v6) = self.v6 {
            server = server.listen(v6)?;
        }
        #[expect(clippy::print_stdout, reason = "whoever started the program waits for this line")]
        {
            println!("listening on http://{}", self.address);
        }
        server.run().await
    }
}

/// Serves `io` on the IPv4 and IPv6 loopback addresses until SIGTERM; says so in one line.
///
/// # Errors
///
/// The port is taken.
pub async fn serve(io: Io, port: u16, workers: usize) -> io::Result<()> {
    Listeners::bind(port)?.serve(io, workers).await
}
