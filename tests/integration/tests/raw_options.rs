//! Options from data, as they show on the wire (behaviours 1.2, 1.3, 2).

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

use integration::{Http, Server, Ws, echo};
use sio_actix::{Io, IoOptions};

fn serve(options: &str) -> Server {
    let options: IoOptions = serde_json::from_str(options).unwrap();
    Server::start(|io| io.options(options).namespace("/", echo), 1)
}

#[test]
fn unusable_options_do_not_start() {
    for (path, name) in [("/a?b", "path"), ("/a#b", "path"), ("/{a}", "path"), ("/a b", "path")] {
        let error = Io::builder().path(path).try_build().unwrap_err().to_string();
        assert!(error.contains(name), "{path}: {error}");
    }
    let options: IoOptions =
        serde_json::from_str(r#"{"cors": {"origin": "*", "credentials": true}, "cookie": "a b"}"#)
            .unwrap();
    let error = Io::builder().options(options).try_build().unwrap_err().to_string();
    assert!(error.contains("`cors.credentials`") && error.contains("`cookie.name`"), "{error}");
}

#[test]
fn options_of_the_reference_have_their_effect() {
    let server = serve(
        r#"{
            "path": "/my/", "pingInterval": 300, "pingTimeout": 200, "maxHttpBufferSize": 1e3,
            "transports": ["polling"], "initialPacket": "hi", "cookie": {"name": "n"},
            "cors": {"origin": ["http://a.com"], "credentials": true}
        }"#,
    );
    let mut http = Http::connect(&server);
    http.send("GET", "/my/?EIO=4&transport=polling", "Origin: http://a.com\r\n", "");
    let answer = http.response();
    let rest =
        "\"upgrades\":[],\"pingInterval\":300,\"pingTimeout\":200,\"maxPayload\":1000}\u{1e}4hi";
    assert!(answer.text().ends_with(rest), "{answer:?}");
    answer
        .expect_header("access-control-allow-origin", "http://a.com")
        .expect_header("access-control-allow-credentials", "true");
    assert!(answer.header("set-cookie").unwrap().starts_with("n="), "{answer:?}");
    http.get("/my/?EIO=4&transport=websocket")
        .expect(400, r#"{"code":0,"message":"Transport unknown"}"#);
    assert_eq!(http.get("/my?EIO=4&transport=polling").status, 404);
}

#[test]
fn trailing_slash_and_revision_three_are_options() {
    let server = serve(r#"{"addTrailingSlash": false, "allowEIO3": true, "allowUpgrades": false}"#);
    let mut http = Http::connect(&server);
    let answer = http.get("/socket.io?EIO=3&transport=polling");
    assert!(answer.text().contains(":0{"), "{answer:?}");
    assert!(answer.text().contains(r#""upgrades":[]"#), "{answer:?}");
}

#[test]
fn compression_is_an_option() {
    let server = serve(r#"{"httpCompression": {"threshold": 50}}"#);
    let mut http = Http::connect(&server);
    http.send("GET", "/socket.io/?EIO=4&transport=polling", "Accept-Encoding: gzip\r\n", "");
    http.response().expect_header("content-encoding", "gzip");
    let server = serve(r#"{"httpCompression": false}"#);
    let mut http = Http::connect(&server);
    http.send("GET", "/socket.io/?EIO=4&transport=polling", "Accept-Encoding: gzip\r\n", "");
    http.response().expect_no_header("content-encoding");
}

#[test]
fn recovery_is_an_option() {
    for (options, recovers) in [
        (r#"{}"#, false),
        (r#"{"connectionStateRecovery": false}"#, false),
        (r#"{"connectionStateRecovery": true}"#, true),
        (r#"{"connectionStateRecovery": {"maxDisconnectionDuration": 1000}}"#, true),
    ] {
        let server = serve(options);
        let mut ws = Ws::open(&server);
        ws.text("40");
        assert_eq!(ws.next_text().contains(r#","pid":""#), recovers, "{options}");
    }
}
