//! Events about order and time, and what a socket remembers for them.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;
use sio_actix::prelude::*;
use tokio::time::MissedTickBehavior;

const TICK: Duration = Duration::from_millis(1);

/// The stream of `tick` events.
#[derive(Default)]
struct Stream {
    runs: bool,
    emitted: u64,
}

/// The tags of `slow` events.
#[derive(Default, Clone, Serialize)]
struct SlowLog {
    started: Vec<Value>,
    finished: Vec<Value>,
}

/// What a socket remembers.
#[derive(Default)]
struct Memory {
    items: Mutex<Vec<Value>>,
    stream: Mutex<Stream>,
    slow: Mutex<SlowLog>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Gives a new socket its memory; one that came back has it still.
pub(crate) fn prepare(socket: &Socket) {
    if !socket.is_recovered() {
        socket.set_state(Memory::default());
    }
}

pub(crate) fn register(ns: &mut NamespaceBuilder) {
    ns.on("count", |socket: Socket, n: u64| {
        (0..n).try_for_each(|i| socket.emit("n", i))?;
        Ok::<_, EventError>(n)
    });
    ns.on("item", |memory: State<Memory>, item: Value| {
        lock(&memory.items).push(item);
    });
    ns.on("items", |memory: State<Memory>| lock(&memory.items).clone());
    ns.on("volatile-mix", |socket: Socket| {
        socket.emit("v", 1)?;
        socket.emit_volatile("v", 2)?;
        socket.emit("v", 3)
    });

    ns.on("stream-start", stream);
    ns.on("stream-stop", |memory: State<Memory>| {
        let mut stream = lock(&memory.stream);
        stream.runs = false;
        stream.emitted
    });

    ns.on("slow", async |memory: State<Memory>, ms: u64, tag: Value| {
        lock(&memory.slow).started.push(tag.clone());
        tokio::time::sleep(Duration::from_millis(ms)).await;
        lock(&memory.slow).finished.push(tag.clone());
        tag
    });
    ns.on("slow-log", |memory: State<Memory>| lock(&memory.slow).clone());
}

/// Emits `tick` until the stream is stopped or the socket ends.
async fn stream(socket: Socket, memory: State<Memory>) -> Result<(), EventError> {
    lock(&memory.stream).runs = true;
    let mut clock = tokio::time::interval(TICK);
    clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while socket.is_connected() {
        clock.tick().await;
        // Under the lock, so that the number given at the stop is that of the ticks sent.
        let mut stream = lock(&memory.stream);
        if !stream.runs {
            break;
        }
        socket.emit("tick", stream.emitted)?;
        stream.emitted += 1;
    }
    Ok(())
}
