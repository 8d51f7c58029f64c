//! A crowd of clients that chat, stall, cut their connections and come back, for as long as it is told, and a
//! model that knows what each of them must have got.
//!
//! `cargo xtask soak --minutes 10`, or `cargo run --release -p soak -- --minutes 10 --clients 2000 --seed 7`.
//! The server is a process of its own, so that its memory and descriptors can be compared before and after.
//! Ends with status 1 if anything was lost, repeated, overtaken, left behind or not answered.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command-line tool")]

mod child;
mod crowd;
mod guest;
mod hall;
mod line;
mod options;
mod strangers;
mod view;

use std::process::ExitCode;

use options::Options;

fn main() -> ExitCode {
    let options = match Options::parse(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(message) => {
            eprintln!("soak: {message}\n\n{}", options::USAGE);
            return ExitCode::from(2);
        }
    };
    let result = if options.serve {
        hall::serve(&options).map_err(|error| error.to_string())
    } else {
        crowd::run(&options)
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("soak: {message}");
            ExitCode::FAILURE
        }
    }
}
