//! Deadlines and leftovers, with real programs.

use std::time::Instant;

use super::*;

/// One program runs at a time.
static TURN: Mutex<()> = Mutex::new(());

fn script(text: &str) -> Cmd {
    Cmd::new("sh").arg("-c").arg(text).limit(Duration::from_secs(60))
}

#[test]
fn both_outputs_are_kept_without_colours() {
    let _turn = lock(&TURN);
    let out = script("printf '\\033[32mgreen\\033[0m\\n'; echo red >&2").execute(false);
    assert!(out.ok, "{}", out.why);
    assert!(out.text.contains("green\n") && out.text.contains("red\n"), "{:?}", out.text);
    assert!(!out.text.contains('\u{1b}'));
}

#[test]
fn failure_says_how_it_ended() {
    let _turn = lock(&TURN);
    let out = script("exit 3").execute(false);
    assert!(!out.ok && out.why.ends_with("exit status: 3"), "{}", out.why);
    let absent = Cmd::new("/nowhere/program").execute(false);
    assert!(!absent.ok && absent.why.contains("does not start"), "{}", absent.why);
}

#[test]
fn deadline_ends_the_program_and_what_it_started() {
    let _turn = lock(&TURN);
    let start = Instant::now();
    let out = script("sleep 300 & echo $!; wait").limit(Duration::from_millis(300)).execute(false);
    assert!(!out.ok && out.why.contains("was ended"), "{}", out.why);
    assert!(start.elapsed() < Duration::from_secs(60));
    assert_gone(&out.text);
}

#[test]
fn leftovers_are_ended_with_the_program() {
    let _turn = lock(&TURN);
    let out = script("sleep 300 & echo $!").execute(false);
    assert!(out.ok, "{}", out.why);
    assert_gone(&out.text);
}

/// A process that was ended may stay for a moment until it is reaped; it does not run.
fn assert_gone(id: &str) {
    let end = Instant::now() + Duration::from_secs(30);
    loop {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", id.trim())).unwrap_or_default();
        let state = stat.rsplit(')').next().unwrap_or_default().trim().chars().next();
        if matches!(state, None | Some('Z' | 'X')) {
            return;
        }
        assert!(Instant::now() < end, "still there: {stat}");
        std::thread::yield_now();
    }
}

#[test]
fn a_service_ends_when_it_is_let_go() {
    let _turn = lock(&TURN);
    let service = script("echo starting; echo ready on 7; exec sleep 300").start("ready").unwrap();
    assert_eq!(service.ready, "ready on 7");
    let pid = service.pid();
    drop(service);
    assert_gone(&pid.to_string());
}

#[test]
fn a_service_that_is_never_ready_is_refused() {
    let _turn = lock(&TURN);
    let why = script("echo something else").start("ready").err().unwrap();
    assert!(why.contains("did not say `ready`"), "{why}");
}
