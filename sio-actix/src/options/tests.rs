//! What is taken, what is refused, and with which words.

use std::time::Duration;

use serde_json::json;

use super::*;
use crate::{Io, SendPolicy};

fn read(options: serde_json::Value) -> Result<IoOptions, String> {
    serde_json::from_value(options).map_err(|error| error.to_string())
}

fn from_vars(vars: &[(&str, &str)]) -> Result<IoOptions, String> {
    IoOptions::from_vars("SIO_", vars.iter().copied()).map_err(|error| error.to_string())
}

#[test]
fn unknown_options_are_named() {
    for (options, name) in [
        (json!({"pingIntervall": 1}), "`pingIntervall`"),
        (json!({"ping_interval": 1}), "`ping_interval`"),
        (json!({"adapter": null}), "`adapter`"),
        (json!({"cors": {"orgin": true}}), "`cors.orgin`"),
        (json!({"cookie": {"expires": 1}}), "`cookie.expires`"),
        (json!({"limits": {"maxFun": 1}}), "`limits.maxFun`"),
        (json!({"perMessageDeflate": {"level": 1}}), "`perMessageDeflate.level`"),
    ] {
        let error = read(options).unwrap_err();
        assert!(error.contains(name) && error.contains("unknown option"), "{error}");
    }
}

#[test]
fn unusable_values_are_named() {
    for (options, name) in [
        (json!({"pingInterval": "25s"}), "pingInterval"),
        (json!({"pingInterval": 0}), "pingInterval"),
        (json!({"pingTimeout": -1}), "pingTimeout"),
        (json!({"upgradeTimeout": 1.5}), "upgradeTimeout"),
        (json!({"maxHttpBufferSize": true}), "maxHttpBufferSize"),
        (json!({"transports": []}), "transports"),
        (json!({"transports": ["webtransport"]}), "transports"),
        (json!({"allowEIO3": 1}), "allowEIO3"),
        (json!({"path": "/a?b"}), "path"),
        (json!({"path": 1}), "path"),
        (json!({"cors": true}), "cors"),
        (json!({"cors": {"origin": ["*"]}}), "cors.origin"),
        (json!({"cors": {"origin": 1}}), "cors.origin"),
        (json!({"cors": {"optionsSuccessStatus": 404}}), "cors.optionsSuccessStatus"),
        (json!({"cookie": 1}), "cookie"),
        (json!({"cookie": {"sameSite": "loose"}}), "cookie.sameSite"),
        (json!({"httpCompression": {"threshold": "1k"}}), "httpCompression.threshold"),
        (
            json!({"connectionStateRecovery": {"maxDisconnectionDuration": 0}}),
            "connectionStateRecovery.maxDisconnectionDuration",
        ),
        (json!({"originPolicy": "lax"}), "originPolicy"),
        (json!({"bindSession": "cookie"}), "bindSession"),
        (json!({"bindSession": "cookie:"}), "bindSession"),
        (json!({"keepHeaders": 1}), "keepHeaders"),
        (json!({"limits": {"maxRequestHead": -1}}), "limits.maxRequestHead"),
        (json!({"parser": "yaml"}), "parser"),
        (json!({"limits": {"sendPolicy": "wait"}}), "limits.sendPolicy"),
        (json!({"limits": {"bodyTimeout": 0}}), "limits.bodyTimeout"),
    ] {
        let error = read(options).unwrap_err();
        assert!(error.contains(&format!("`{name}`: ")), "{name}: {error}");
    }
    assert!(read(json!([])).unwrap_err().contains("`options`: must be an object"));
}

#[test]
fn all_mistakes_are_told_together() {
    let error = read(json!({"a": 1, "cors": {"b": 1, "maxAge": "x"}, "path": 1})).unwrap_err();
    for name in ["`a`", "`cors.b`", "`cors.maxAge`", "`path`"] {
        assert!(error.contains(name), "{error}");
    }
}

#[test]
fn combinations_that_cannot_be_are_refused_when_built() {
    for (options, name) in [
        (json!({"cors": {"origin": "*", "credentials": true}}), "cors.credentials"),
        (json!({"cors": {"credentials": true}}), "cors.credentials"),
        (json!({"cookie": {"sameSite": "none"}}), "cookie.sameSite"),
        (json!({"cookie": "a b"}), "cookie.name"),
        (json!({"bindSession": "cookie:a", "keepHeaders": ["host"]}), "bindSession"),
        (json!({"maxHttpBufferSize": 0}), "max_payload"),
    ] {
        let built = Io::builder().options(read(options).unwrap()).try_build();
        let error = built.unwrap_err().to_string();
        assert!(error.contains(name), "{error}");
    }
}

#[test]
fn everything_the_reference_takes_is_taken() {
    let parser = if cfg!(feature = "msgpack") { "msgpack" } else { "default" };
    let options = read(json!({
        "path": "/my", "addTrailingSlash": false, "serveClient": false, "connectTimeout": 1e3,
        "pingInterval": 300, "pingTimeout": 200.0, "upgradeTimeout": 100, "maxHttpBufferSize": 1e6,
        "transports": ["polling", "websocket"], "allowUpgrades": false, "allowEIO3": true,
        "initialPacket": "hi",
        "cors": {"origin": true, "methods": ["GET", "POST"], "allowedHeaders": "x-a, x-b",
            "exposedHeaders": [], "credentials": true, "maxAge": 5, "optionsSuccessStatus": 200},
        "cookie": {"name": "sid", "path": false, "httpOnly": false, "sameSite": true,
            "secure": true, "maxAge": 7, "domain": "a.example", "partitioned": true},
        "perMessageDeflate": {"threshold": 10, "zlibDeflateOptions": {"level": 3}},
        "httpCompression": {"threshold": 20, "level": 9},
        "connectionStateRecovery": {"maxDisconnectionDuration": 60000, "skipMiddlewares": false},
        "cleanupEmptyChildNamespaces": true, "parser": parser,
        "limits": {"maxHandlers": 3, "body_timeout": 4, "sendPolicy": "drop_oldest"},
    }))
    .unwrap();
    assert_eq!(options.ping_timeout, Some(Duration::from_millis(200)));
    assert_eq!(options.max_http_buffer_size, Some(1_000_000));
    assert_eq!(options.parser == Some(ParserOption::Text), parser == "default");
    let recovery = options.connection_state_recovery.clone().unwrap().on().unwrap();
    assert_eq!(recovery.max_disconnection_duration, Some(Duration::from_secs(60)));
    let limits = options.limits.clone().unwrap();
    assert_eq!(limits.body_timeout, Some(Duration::from_millis(4)));
    assert_eq!(limits.send_policy, Some(SendPolicy::DropOldest));
    Io::builder().options(options).try_build().unwrap();
    let nulls = read(json!({"cors": null, "pingInterval": null})).unwrap();
    assert_eq!(nulls, IoOptions::default());
    assert_eq!(read(json!({"cookie": false})).unwrap().cookie, Some(Switch::Off));
}

#[test]
fn who_may_open_a_session_is_an_option() {
    for (text, policy) in [
        ("off", OriginPolicy::Off),
        ("cookies", OriginPolicy::Cookies),
        ("strict", OriginPolicy::Strict),
    ] {
        assert_eq!(read(json!({"originPolicy": text})).unwrap().origin_policy, Some(policy));
    }
    for (text, binding) in [
        ("none", SessionBinding::None),
        ("ip", SessionBinding::Ip),
        ("cookie:login", SessionBinding::Cookie("login".to_owned())),
    ] {
        assert_eq!(read(json!({"bindSession": text})).unwrap().bind_session, Some(binding));
    }
    for (value, kept) in [
        (json!(true), KeptHeaders::All),
        (json!(false), KeptHeaders::Only(Vec::new())),
        (json!(["host", "cookie"]), KeptHeaders::Only(vec!["host".into(), "cookie".into()])),
    ] {
        assert_eq!(read(json!({ "keepHeaders": value })).unwrap().keep_headers, Some(kept));
    }
    let vars = from_vars(&[
        ("SIO_ORIGIN_POLICY", "strict"),
        ("SIO_BIND_SESSION", "cookie:login"),
        ("SIO_KEEP_HEADERS", "host,cookie"),
        ("SIO_LIMITS_MAX_REQUEST_HEAD", "1000"),
    ]);
    let expected = json!({
        "originPolicy": "strict", "bindSession": "cookie:login", "keepHeaders": ["host", "cookie"],
        "limits": {"maxRequestHead": 1000},
    });
    let options = vars.unwrap();
    assert_eq!(options, read(expected).unwrap());
    let io = Io::builder().options(options).build();
    assert_eq!(io.hub().limits().max_request_head, 1_000);
}

#[test]
fn later_calls_of_the_builder_win() {
    let options = read(json!({"pingInterval": 1, "pingTimeout": 2})).unwrap();
    let io = Io::builder()
        .ping_timeout(Duration::from_millis(9))
        .options(options)
        .ping_interval(Duration::from_millis(3))
        .build();
    let engine = io.hub().engine_config();
    assert_eq!(engine.ping_interval, Duration::from_millis(3));
    assert_eq!(engine.ping_timeout, Duration::from_millis(2));
}

#[test]
fn variables_that_are_no_options_are_named() {
    for (vars, name) in [
        ([("SIO_PING", "1"), ("OTHER", "")], "`SIO_PING`"),
        ([("SIO_CORS_ORGIN", "*"), ("OTHER", "")], "`SIO_CORS_ORGIN`"),
        ([("SIO_PING_TIMEOUT", "soon"), ("OTHER", "")], "`SIO_PING_TIMEOUT`"),
        ([("SIO_", "1"), ("OTHER", "")], "`SIO_`"),
    ] {
        let error = from_vars(&vars).unwrap_err();
        assert!(error.contains(name), "{error}");
    }
}

#[test]
fn variables_are_read_as_json_or_text() {
    let options = from_vars(&[
        ("SIO_PING_INTERVAL", "300"),
        ("SIO_ALLOW_EIO3", "true"),
        ("SIO_PATH", "/7"),
        ("SIO_INITIAL_PACKET", "7"),
        ("SIO_TRANSPORTS", "polling,websocket"),
        ("SIO_CORS_ORIGIN", r#"["http://a"]"#),
        ("SIO_CORS_MAX_AGE", "5"),
        ("SIO_COOKIE", "true"),
        ("SIO_COOKIE_NAME", "sid"),
        ("SIO_LIMITS_MAX_HANDLERS", "3"),
        ("OTHER_PING_TIMEOUT", "x"),
    ])
    .unwrap();
    let expected = read(json!({
        "pingInterval": 300, "allowEIO3": true, "path": "/7", "initialPacket": "7",
        "transports": ["polling", "websocket"], "cors": {"origin": ["http://a"], "maxAge": 5},
        "cookie": {"name": "sid"}, "limits": {"maxHandlers": 3},
    }));
    assert_eq!(options, expected.unwrap());
}

#[test]
fn variables_of_a_part_keep_what_the_whole_said() {
    let options = from_vars(&[("SIO_COOKIE", "sid"), ("SIO_COOKIE_SECURE", "true")]).unwrap();
    assert_eq!(options, read(json!({"cookie": {"name": "sid", "secure": true}})).unwrap());
    let options = from_vars(&[("SIO_COOKIE", "false"), ("SIO_COOKIE_SECURE", "true")]).unwrap();
    assert_eq!(options, read(json!({"cookie": false})).unwrap());
}

#[test]
fn options_of_two_places_are_joined_option_by_option() {
    let upper = json!({
        "pingInterval": 1, "cors": {"credentials": true}, "cookie": false, "httpCompression": true,
        "limits": {"maxRooms": 3},
    });
    let lower = json!({
        "pingInterval": 2, "pingTimeout": 3, "cors": {"origin": ["http://a"], "credentials": false},
        "cookie": {"name": "sid"}, "httpCompression": {"threshold": 5}, "perMessageDeflate": true,
        "limits": {"maxRooms": 4, "maxHandlers": 5},
    });
    let both = json!({
        "pingInterval": 1, "pingTimeout": 3, "cors": {"origin": ["http://a"], "credentials": true},
        "cookie": false, "httpCompression": {"threshold": 5}, "perMessageDeflate": true,
        "limits": {"maxRooms": 3, "maxHandlers": 5},
    });
    assert_eq!(read(upper).unwrap().or(read(lower).unwrap()), read(both).unwrap());
}
