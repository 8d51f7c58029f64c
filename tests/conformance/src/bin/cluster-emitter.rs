//! Speaks to a cluster from outside: each line of standard input is one thing to say, as JSON.
//!
//! `cargo run -p conformance --bin cluster-emitter -- --redis redis://127.0.0.1 --mode classic|sharded|streams`
//!
//! `--key` and `--subscription` as for `cluster-node`.
//!
//! A line has `call` (`emit`, `socketsJoin`, `socketsLeave`, `disconnectSockets`, `serverSideEmit`) and `args` as the
//! reference's method takes them, and may have `of`, `to` and `except`. Bytes in arguments are `{"$bytes": [..]}`.
//! The answer is a line: `done`, or what went wrong.

use std::io;

use bytes::Bytes;
use conformance::Flags;
use conformance::cluster::options;
use serde::Deserialize;
use sio_actix::{Rest, Value};
use sio_redis::Emitter;

#[derive(Deserialize)]
struct Line {
    call: String,
    #[serde(default)]
    args: Vec<serde_json::Value>,
    of: Option<String>,
    #[serde(default)]
    to: Vec<String>,
    #[serde(default)]
    except: Vec<String>,
}

/// The same with its bytes.
fn with_bytes(value: serde_json::Value) -> Value {
    use serde_json::Value as Json;
    match value {
        Json::Null => Value::Null,
        Json::Bool(value) => Value::Bool(value),
        Json::Number(value) => Value::Number(value),
        Json::String(value) => Value::String(value),
        Json::Array(values) => Value::Array(values.into_iter().map(with_bytes).collect()),
        Json::Object(map) => match map.get("$bytes") {
            Some(bytes) => Value::Binary(Bytes::from(Vec::deserialize(bytes).unwrap_or_default())),
            None => Value::Object(
                map.into_iter().map(|(key, value)| (key, with_bytes(value))).collect(),
            ),
        },
    }
}

async fn say(emitter: &Emitter, line: &str) -> Result<(), Box<dyn std::error::Error>> {
    let Line { call, mut args, of, to, except } = serde_json::from_str(line)?;
    let selected =
        of.map_or_else(|| emitter.clone(), |name| emitter.of(&name)).to(to).except(except);
    let first = if args.is_empty() { serde_json::Value::Null } else { args.remove(0) };
    let event = first.as_str().unwrap_or_default();
    let rest = || Rest(args.into_iter().map(with_bytes).collect());
    match call.as_str() {
        "emit" => selected.emit(event, rest()).await?,
        "serverSideEmit" => selected.server_side_emit(event, rest()).await?,
        "socketsJoin" => selected.sockets_join(Vec::<String>::deserialize(first)?).await?,
        "socketsLeave" => selected.sockets_leave(Vec::<String>::deserialize(first)?).await?,
        "disconnectSockets" => selected.disconnect_sockets(first.as_bool() == Some(true)).await?,
        other => return Err(format!("no call {other}").into()),
    }
    Ok(())
}

#[actix_web::main]
async fn main() -> io::Result<()> {
    let flags = Flags::parse(&["--redis", "--mode", "--key", "--subscription"])?;
    let emitter = Emitter::new(flags.text("--redis")?).map_err(io::Error::other)?;
    let emitter = emitter.options(options(&flags)?);
    for line in io::stdin().lines() {
        let answer = match say(&emitter, &line?).await {
            Ok(()) => "done".to_owned(),
            Err(error) => error.to_string(),
        };
        #[expect(clippy::print_stdout, reason = "whoever asked waits for this line")]
        {
            println!("{answer}");
        }
    }
    Ok(())
}
