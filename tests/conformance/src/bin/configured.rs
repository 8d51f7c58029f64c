//! Program I: the plain echo, with the options of a JSON file.
//!
//! `cargo run -p conformance --bin configured -- --port 3000 --options FILE`
//!
//! An option that is unknown or cannot be used is named on standard error, and the program ends with
//! status 2.

use std::error::Error;
use std::process::ExitCode;

use conformance::echo::handlers;
use conformance::{Flags, serve};
use sio_actix::{Io, IoOptions};

fn configure(file: &str) -> Result<Io, Box<dyn Error>> {
    let text = std::fs::read_to_string(file).map_err(|error| format!("{file}: {error}"))?;
    let options: IoOptions = serde_json::from_str(&text)?;
    Ok(Io::builder().options(options).namespace("/", handlers).try_build()?)
}

#[actix_web::main]
async fn main() -> std::io::Result<ExitCode> {
    let flags = Flags::parse(&["--port", "--workers", "--options"])?;
    let io = match configure(flags.text("--options")?) {
        Ok(io) => io,
        Err(error) => {
            #[expect(clippy::print_stderr, reason = "whoever started the program reads this")]
            {
                eprintln!("{error}");
            }
            return Ok(ExitCode::from(2));
        }
    };
    serve(io, flags.number("--port", 3000)?, flags.number("--workers", 2)?).await?;
    Ok(ExitCode::SUCCESS)
}
