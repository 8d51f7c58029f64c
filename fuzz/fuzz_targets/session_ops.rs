//! Sessions without I/O: polls, pushes, frames, upgrades and timers in any order.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| fuzz::play::play(data));
