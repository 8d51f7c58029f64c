//! The phases of a run: connecting, warming up, measuring.

use std::io;
use std::time::Duration;

use crate::clients::Clients;
use crate::net::Net;
use crate::options::{Options, check};
use crate::process::{Cpu, Memory};
use crate::report::Report;
use crate::scenario::{Scenario, Shape};

/// Clients that send at once when idle connections are used for the first time.
const TOUCHED_AT_ONCE: usize = 64;

/// Runs one scenario to its end.
///
/// What the server does wrong is counted in the report; a run without any answer counts as an error.
///
/// # Errors
///
/// Returns what the system refuses, and [`io::ErrorKind::InvalidInput`] for a scenario without clients.
pub fn run(options: &Options) -> io::Result<Report> {
    check(&options.scenario).map_err(|why| io::Error::new(io::ErrorKind::InvalidInput, why))?;
    let net = Net::new(options.address)?;
    let mut run = Run { options, net, clients: Clients::new(options), report: Report::default() };
    match options.scenario.shape {
        Shape::Connect => run.connect()?,
        Shape::Idle => run.idle()?,
        _ => run.traffic()?,
    }
    Ok(run.finish())
}

struct Run<'a> {
    options: &'a Options,
    net: Net,
    clients: Clients,
    report: Report,
}

impl Run<'_> {
    const fn scenario(&self) -> Scenario {
        self.options.scenario
    }

    fn cpu(&self) -> Cpu {
        Cpu::of(self.options.pid)
    }

    fn memory(&self) -> Memory {
        Memory::of(self.options.pid)
    }

    /// Connects clients up to this number; those that do not come are an error.
    fn open(&mut self, limit: usize) -> io::Result<()> {
        let opening = self.options.pace.opening;
        let is_done = |clients: &mut Clients, net: &mut Net| clients.open(net, limit);
        if !self.net.run(&mut self.clients, opening, is_done)? {
            let ready = self.clients.ready;
            self.clients.error(format!("{ready} of {limit} connected"));
        }
        Ok(())
    }

    /// Serves the connections for this time.
    fn serve(&mut self, time: Duration) -> io::Result<()> {
        self.net.run(&mut self.clients, time, |_, _| false).map(drop)
    }

    /// Runs `part` and enters what was counted and spent meanwhile; `part` returns the count.
    fn measure(&mut self, part: impl FnOnce(&mut Self) -> io::Result<u64>) -> io::Result<()> {
        let own = Some(std::process::id());
        let (begin, server, load) = (self.net.now(), self.cpu(), Cpu::of(own));
        let count = part(self)?;
        let (server, load) = (server.until(self.cpu()), load.until(Cpu::of(own)));
        let wall = Duration::from_nanos(self.net.now() - begin).as_secs_f64();
        let report = &mut self.report;
        report.count = count;
        report.wall_s = wall;
        report.rate = count as f64 / wall;
        report.load_cpu_us = load.per(count);
        if self.options.pid.is_some() {
            report.server_cpu_us = Some(server.per(count));
            report.server_user_share = Some(server.user_share);
            report.server_busy = Some(server.total.as_secs_f64() / wall);
        }
        Ok(())
    }

    fn traffic(&mut self) -> io::Result<()> {
        let pace = self.options.pace;
        self.open(self.scenario().sockets())?;
        if let Shape::Room { .. } = self.scenario().shape {
            let members = self.scenario().clients;
            let all_joined = |clients: &mut Clients, _: &mut Net| clients.joined >= members;
            if !self.net.run(&mut self.clients, pace.opening, all_joined)? {
                let joined = self.clients.joined;
                self.clients.error(format!("{joined} of {members} joined"));
            }
        }
        self.clients.start(&mut self.net);
        self.serve(pace.warmup)?;
        self.clients.latency.clear();
        self.clients.fan_out.clear();
        let (count, rounds, reads) =
            (self.clients.count, self.clients.rounds_done(), self.net.reads);
        self.measure(|run| {
            run.serve(pace.measured)?;
            Ok(run.clients.count - count)
        })?;
        let reads = self.net.reads - reads;
        self.report.per_read = Some(self.report.count as f64 / reads.max(1) as f64);
        let publishes = self.scenario().has_publisher();
        self.report.rounds = publishes.then(|| self.clients.rounds_done() - rounds);
        Ok(())
    }

    fn connect(&mut self) -> io::Result<()> {
        self.measure(|run| {
            run.open(run.scenario().sockets())?;
            Ok(run.clients.ready as u64)
        })?;
        let (before, open) = (self.cpu(), self.report.count);
        self.net.close_all();
        self.serve(self.options.pace.settle)?;
        if self.options.pid.is_some() {
            self.report.close_cpu_us = Some(before.until(self.cpu()).per(open));
        }
        Ok(())
    }

    fn idle(&mut self) -> io::Result<()> {
        let pace = self.options.pace;
        let sockets = self.scenario().sockets();
        let before = self.memory().resident;
        let grown = |run: &Self| {
            let more = run.memory().resident.saturating_sub(before);
            run.options.pid.map(|_| more as f64 / sockets as f64)
        };
        self.open(sockets)?;
        self.serve(pace.settle)?;
        let pings = self.clients.pings;
        self.measure(|run| {
            run.serve(pace.hold)?;
            Ok(run.clients.ready as u64)
        })?;
        // Silence has no unit.
        self.report.server_cpu_us = None;
        self.report.pings = Some(self.clients.pings - pings);
        self.report.kib_per_client = grown(self);
        for first in (0..sockets).step_by(TOUCHED_AT_ONCE) {
            let range = first..first + TOUCHED_AT_ONCE;
            let wanted = self.clients.count + self.clients.touch(&mut self.net, range);
            let answered = |clients: &mut Clients, _: &mut Net| clients.count >= wanted;
            if !self.net.run(&mut self.clients, pace.opening, answered)? {
                let count = self.clients.count;
                self.clients.error(format!("{count} of {wanted} answered"));
                break;
            }
        }
        self.serve(pace.settle)?;
        self.report.kib_per_client_touched = grown(self);
        Ok(())
    }

    fn finish(mut self) -> Report {
        if self.report.count == 0 {
            self.clients.error("nothing came back".to_owned());
        }
        let memory = self.memory();
        let Clients { latency, fan_out, connecting, .. } = &self.clients;
        let times = match self.scenario().shape {
            Shape::Connect => connecting,
            Shape::Broadcast | Shape::Room { .. } => fan_out,
            Shape::Ack | Shape::Event | Shape::Idle => latency,
        };
        Report {
            label: self.options.label.clone(),
            scenario: self.scenario().name,
            clients: self.scenario().clients,
            alive: self.clients.ready,
            p50_us: times.quantile_us(0.5),
            p99_us: times.quantile_us(0.99),
            p999_us: times.quantile_us(0.999),
            rss_kib: memory.resident,
            peak_rss_kib: memory.peak,
            errors: self.clients.errors,
            first_errors: self.clients.first_errors,
            ..self.report
        }
    }
}
