//! `load SCENARIO --url http://127.0.0.1:PORT --pid PID`: one line of JSON on standard output.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command-line tool")]

use std::process::ExitCode;

use load::{Options, SCENARIOS, USAGE};

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if args.first().is_none_or(|arg| arg == "--help") {
        println!("{USAGE}");
        for scenario in SCENARIOS {
            println!("  {:10} {}", scenario.name, scenario.about());
        }
        return ExitCode::SUCCESS;
    }
    let measured = Options::read(&args).and_then(|options| {
        let report = load::run(&options).map_err(|e| format!("{}: {e}", options.address))?;
        Ok((report, options.quiet))
    });
    match measured {
        Ok((report, quiet)) => {
            println!("{}", report.to_json());
            if !quiet {
                eprintln!("{report}");
            }
            if report.errors == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(why) => {
            eprintln!("load: {why}");
            ExitCode::from(2)
        }
    }
}
