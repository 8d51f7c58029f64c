//! The crowd: it comes, lives, settles and goes, twice; what is there afterwards is compared.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Builder;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::child::{Held, Server};
use crate::guest::Guest;
use crate::hall::Report;
use crate::options::Options;
use crate::strangers::{sleeper, vandal};

/// Of the clients, so many are never disturbed.
const BYSTANDERS: usize = 10;
/// For coming back after the last disturbance: the server's ping timeout, the client's delays, a busy machine.
const SETTLE: Duration = Duration::from_secs(45);
/// For the last message, once everybody is connected.
const COMPLETE: Duration = Duration::from_secs(20);
/// For the server to forget: recovery ends after 8 s, and an entry on a timer wheel within 33 s.
const FORGET: Duration = Duration::from_secs(60);
/// What the memory may differ by, besides a twentieth: an allocator gives back in large pieces.
const SLACK: usize = 8 << 20;
/// The longest echo of a bystander, on a machine that is busy with all the others.
const LONGEST: Duration = Duration::from_secs(5);

type Failures = Vec<String>;

pub(crate) fn run(options: &Options) -> Result<(), String> {
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.map_err(|error| format!("no runtime: {error}"))?;
    let failures = runtime.block_on(both_visits(options))?;
    if failures.is_empty() {
        println!("soak: nothing lost, repeated, overtaken or left behind");
        return Ok(());
    }
    for failure in failures.iter().take(50) {
        eprintln!("soak: {failure}");
    }
    Err(format!("{} failures, with seed {}", failures.len(), options.seed))
}

async fn both_visits(options: &Options) -> Result<Failures, String> {
    let mut server = Server::start(options).await?;
    let mut guests: Vec<Guest> = (0..options.clients)
        .map(|person| {
            let seed = options.seed.wrapping_mul(1_000_003).wrapping_add(person as u64);
            Guest::new(person, server.address, seed, person < BYSTANDERS)
        })
        .collect();
    let mut failures = Failures::new();
    // The first visit leaves what a server keeps for the next one.
    let warm_up = options.time / 4;
    visit(&server, &mut guests, options.seed, warm_up, &mut failures).await?;
    let before = gone(&mut server, None, &mut failures).await?;
    println!("after the first visit: {before:?}");
    visit(&server, &mut guests, !options.seed, options.time - warm_up, &mut failures).await?;
    let after = gone(&mut server, Some(before), &mut failures).await?;
    println!("after the second visit: {after:?}");
    compare(before, after, &mut failures);
    sum_up(&guests, &mut failures);
    Ok(failures)
}

/// Everybody comes, lives for `time`, settles, has got everything, and goes.
async fn visit(
    server: &Server,
    guests: &mut Vec<Guest>,
    seed: u64,
    time: Duration,
    failures: &mut Failures,
) -> Result<(), String> {
    let end = Instant::now() + time;
    let mut strangers = JoinSet::new();
    for number in 0..4 {
        strangers.spawn(vandal(server.address, seed ^ number, end));
        strangers.spawn(sleeper(server.address, seed ^ number, end));
    }
    let live = move |mut guest: Guest| async move {
        let settled = match guest.live(end).await {
            Ok(()) => guest.settle(SETTLE).await,
            failed => failed,
        };
        (guest, settled)
    };
    let settled = all(std::mem::take(guests), live, failures).await?;
    // Nobody says anything any more.
    let report = server.report().await?;
    let last = Arc::new(report.last.clone());
    let complete = |mut guest: Guest| {
        let last = Arc::clone(&last);
        async move {
            let complete = guest.expect_complete(&last, COMPLETE).await;
            guest.leave().await;
            (guest, complete)
        }
    };
    *guests = all(settled, complete, failures).await?;
    strangers.join_all().await;
    failures.extend(report.wrong.iter().cloned());
    for (guest, heard) in guests.iter().zip(&report.said) {
        let wrong = std::mem::take(&mut guest.view().wrong);
        failures.extend(wrong.iter().map(|wrong| format!("person {}: {wrong}", guest.person())));
        let lost = guest.tally().acked.not_in(heard);
        failures.extend(lost.map(|n| format!("{n} was acknowledged and never heard")));
    }
    Ok(())
}

/// Does the same with all guests at once.
async fn all<F>(
    guests: Vec<Guest>,
    step: impl Fn(Guest) -> F,
    failures: &mut Failures,
) -> Result<Vec<Guest>, String>
where
    F: Future<Output = (Guest, Result<(), String>)> + Send + 'static,
{
    let tasks: Vec<_> = guests.into_iter().map(|guest| tokio::spawn(step(guest))).collect();
    let mut done = Vec::with_capacity(tasks.len());
    for task in tasks {
        let (guest, result) = task.await.map_err(|error| format!("a client: {error}"))?;
        failures.extend(result.err());
        done.push(guest);
    }
    Ok(done)
}

/// Waits until the server has nothing left of anybody; after the second visit not even a timer or descriptor.
async fn gone(
    server: &mut Server,
    before: Option<Held>,
    failures: &mut Failures,
) -> Result<Held, String> {
    let end = Instant::now() + FORGET;
    loop {
        if !server.is_alive() {
            return Err("the server has ended".to_owned());
        }
        let report = server.report().await?;
        let mut left = left_of(&report, before.is_some());
        // The connection of the report may take a moment.
        let held = server.held()?;
        let more = before.map_or(0, |before| held.descriptors.saturating_sub(before.descriptors));
        if more > 0 {
            left.push(("descriptors", more));
        }
        if left.is_empty() {
            return Ok(held);
        }
        if Instant::now() >= end {
            failures.push(format!("left behind: {left:?}"));
            return Ok(held);
        }
        sleep(Duration::from_millis(500)).await;
    }
}

fn left_of(report: &Report, timers: bool) -> Vec<(&'static str, usize)> {
    let mut left = vec![
        ("sessions", report.sessions),
        ("sockets", report.sockets),
        ("rooms", report.rooms),
        ("pending acks", report.pending_acks),
        ("handlers", report.handlers),
        ("recoverable sockets", report.recoverable),
        ("timers", if timers { report.timers } else { 0 }),
    ];
    left.retain(|(_, count)| *count > 0);
    left
}

fn compare(before: Held, after: Held, failures: &mut Failures) {
    if after.memory > before.memory + before.memory / 20 + SLACK {
        failures.push(format!("{} bytes of memory, {} before", after.memory, before.memory));
    }
}

fn sum_up(guests: &[Guest], failures: &mut Failures) {
    let sum = |count: fn(&Guest) -> u64| guests.iter().map(count).sum::<u64>();
    println!(
        "{} clients: {} connections, {} of them recovered; {} events, {} said, {} acks, {} without an answer",
        guests.len(),
        sum(|guest| guest.view().connections),
        sum(|guest| guest.view().recoveries),
        sum(|guest| guest.view().messages),
        sum(|guest| guest.tally().said),
        sum(|guest| guest.tally().acks),
        sum(|guest| guest.tally().unanswered),
    );
    let mut echoes: Vec<u32> =
        guests.iter().take(BYSTANDERS).flat_map(|guest| guest.tally().echoes.clone()).collect();
    echoes.sort_unstable();
    let at =
        |part: usize| echoes.get((echoes.len() * part / 1000).min(echoes.len().saturating_sub(1)));
    let (median, slow) = (at(500).copied().unwrap_or(0), at(990).copied().unwrap_or(0));
    let longest = echoes.last().copied().unwrap_or(u32::MAX);
    println!(
        "bystanders: {} echoes, median {median} µs, 99 % {slow} µs, longest {longest} µs",
        echoes.len()
    );
    if u128::from(longest) > LONGEST.as_micros() {
        failures.push(format!("an echo of a bystander took {longest} µs"));
    }
}
