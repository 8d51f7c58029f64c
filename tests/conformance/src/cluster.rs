//! What the programs of a cluster have in common: their flags.

use std::io;

use serde_json::json;
use sio_redis::RedisOptions;

use crate::Flags;

/// Reads `--mode`, `--key` (the prefix of channels and the name of the stream), `--subscription` (of the mode
/// `sharded`), `--specific-responses` and `--requests-timeout` (milliseconds).
///
/// # Errors
///
/// The mode is missing, or a value is none of those that are known.
pub fn options(flags: &Flags) -> io::Result<RedisOptions> {
    let text = |flag, default| if flags.has(flag) { flags.text(flag) } else { Ok(default) };
    let key = text("--key", "socket.io")?;
    // The options as data have the reference's words, and so have the flags.
    let options = json!({
        "mode": flags.text("--mode")?,
        "key": key,
        "streamName": key,
        "subscriptionMode": text("--subscription", "dynamic")?,
        "publishOnSpecificResponseChannel": flags.has("--specific-responses"),
        "requestsTimeout": flags.number("--requests-timeout", 5000)?,
        "offsetWait": flags.number("--offset-wait", 250)?,
    });
    Ok(serde_json::from_value(options)?)
}
