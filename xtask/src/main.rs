//! The project's own commands: `cargo xtask <task>`.
//!
//! One file per task; all of them run programs through `sh`, which sets a deadline on each.
//! CI calls `cargo xtask test` and nothing else, so a green run here is a green run there.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command-line tool")]

mod autobahn;
mod bench;
mod checks;
mod fuzz;
mod new;
mod programs;
mod sh;
mod soak;
mod suites;
mod test;
mod tidy;
mod totals;
mod workspace;

use std::process::ExitCode;

const HELP: &str = "\
cargo xtask <task>

  new NAME [--path DIR]         a project of your own: a controller, a route, tests; beside this clone by default
  test [--only PART[,PART..]]   set-up, checks and every test; a table of totals at the end
                                parts: fmt clippy tidy rust stock template doctest docs features wasm deny typos miri loom
                                fuzz soak,
                                and the Node.js suites: interop clients cluster proxies browser examples
  ci                            the same as test
  soak [--minutes N] [--clients N] [--seed N] [--workers N] [--server sio|stock]
                                a crowd of clients, and what each must have got
  fuzz [--seconds N] [TARGET..] what clients and nodes can send; 60 seconds for each target
  autobahn [--accept] [CASE..]  the Autobahn|Testsuite against our frames, where Python 2.7 is
  tidy                          the rules of this project that a program can check
";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let Some((task, rest)) = args.split_first() else {
        println!("{HELP}\n{}", bench::USAGE);
        return ExitCode::from(2);
    };
    sh::end_children_with_us();
    let result = match task.as_str() {
        "new" => new::run(rest),
        "test" | "ci" => test::run(rest),
        "tidy" => tidy::run(rest),
        "bench" => bench::run(rest),
        "soak" => soak::run(rest),
        "fuzz" => fuzz::run(rest),
        "autobahn" => autobahn::run(rest),
        "help" | "--help" | "-h" => {
            println!("{HELP}\n{}", bench::USAGE);
            Ok(())
        }
        other => Err(format!("no task `{other}`\n\n{HELP}\n{}", bench::USAGE)),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("xtask: {message}");
            ExitCode::FAILURE
        }
    }
}
