//! The browser client below the server's path (behaviours 37).

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

use std::fs;
use std::path::{Path, PathBuf};

use integration::{Http, Server, Ws};
use sio_actix::{ConfigError, Io};

const SCRIPT: &str = "/*!\n * Socket.IO v9.8.7\n */ script";
const MAP: &str = r#"{"version":3}"#;
const UNKNOWN_TRANSPORT: &str = r#"{"code":0,"message":"Transport unknown"}"#;

/// A folder that is removed with its value.
struct Folder(PathBuf);

impl Folder {
    /// A package `socket.io-client` as npm lays it out.
    fn package(name: &str) -> Self {
        let folder = Self::empty(name);
        folder.write("package.json", r#"{"name":"socket.io-client","version":"1.2.3"}"#);
        for bundle in
            ["socket.io.js", "socket.io.min.js", "socket.io.esm.min.js", "socket.io.msgpack.min.js"]
        {
            folder.write(&format!("dist/{bundle}"), SCRIPT);
            folder.write(&format!("dist/{bundle}.map"), MAP);
        }
        folder.write("dist/secret.txt", "secret");
        folder
    }

    fn empty(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("sio-{name}-{}", std::process::id()));
        fs::create_dir_all(path.join("dist")).unwrap();
        Self(path)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.0.join(name), text).unwrap();
    }

    fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What is left in the temporary folder harms nobody.
        let _kept = fs::remove_dir_all(&self.0);
    }
}

fn serve(folder: &Folder) -> Server {
    Server::start(|io| io.client_dir(folder.path()), 1)
}

// 37.1
#[test]
fn other_names_below_the_path_are_not_served() {
    let folder = Folder::package("names");
    let server = serve(&folder);
    let mut http = Http::connect(&server);
    for name in [
        "secret.txt",
        "package.json",
        "../package.json",
        "%2e%2e/package.json",
        "socket.io.js/",
        "dist/socket.io.js",
        "SOCKET.IO.JS",
        "socket.io.js%00",
        "",
        "socket.io",
    ] {
        let answer = http.get(&format!("/socket.io/{name}"));
        // A target that the HTTP layer finds malformed does not get this far.
        assert!(matches!(answer.status, 400 | 404), "{name}: {answer:?}");
        assert!(!answer.text().contains("secret"), "{name}: {answer:?}");
    }
    http.get("/socket.io/secret.txt").expect(400, UNKNOWN_TRANSPORT);
}

// 37.8
#[test]
fn nothing_is_served_without_a_folder() {
    let server = Server::echo();
    Http::connect(&server).get("/socket.io/socket.io.js").expect(400, UNKNOWN_TRANSPORT);
}

#[test]
fn folder_without_a_bundle_is_refused_at_start() {
    let folder = Folder::empty("nothing");
    let error = Io::builder().client_dir(folder.path()).try_build().unwrap_err();
    assert!(matches!(error, ConfigError::Client(_)), "{error}");
    assert!(error.to_string().contains("npm install socket.io-client"), "{error}");
}

// 37.9
#[test]
fn files_are_served_below_the_path_only() {
    let folder = Folder::package("path");
    let server = Server::start(|io| io.path("/my").client_dir(folder.path()), 1);
    let mut http = Http::connect(&server);
    assert_eq!(http.get("/socket.io/socket.io.js").status, 404);
    assert_eq!(http.get("/socket.io.js").status, 404);
    http.get("/my/socket.io.js").expect(200, SCRIPT);
}

// 37.1, 37.2
#[test]
fn bundles_and_maps_are_served() {
    let folder = Folder::package("bundles");
    let server = serve(&folder);
    let mut http = Http::connect(&server);
    for bundle in
        ["socket.io.js", "socket.io.min.js", "socket.io.esm.min.js", "socket.io.msgpack.min.js"]
    {
        http.get(&format!("/socket.io/{bundle}"))
            .expect(200, SCRIPT)
            .expect_header("content-type", "application/javascript; charset=utf-8")
            .expect_header("cache-control", "public, max-age=0")
            .expect_header("etag", "\"1.2.3\"");
        http.get(&format!("/socket.io/{bundle}.map"))
            .expect(200, MAP)
            .expect_header("content-type", "application/json; charset=utf-8")
            .expect_header("etag", "\"1.2.3\"");
    }
}

// 37.3
#[test]
fn known_version_is_answered_with_304() {
    let folder = Folder::package("etag");
    let server = serve(&folder);
    let mut http = Http::connect(&server);
    for (tag, status) in [
        ("\"1.2.3\"", 304),
        ("W/\"1.2.3\"", 304),
        ("1.2.3", 200),
        ("\"1.2.4\"", 200),
        ("W/1.2.3", 200),
    ] {
        let header = format!("If-None-Match: {tag}\r\n");
        http.send("GET", "/socket.io/socket.io.js", &header, "");
        let answer = http.response();
        assert_eq!(answer.status, status, "{tag}");
        answer
            .expect_header("etag", "\"1.2.3\"")
            .expect_header("cache-control", "public, max-age=0");
    }
}

// 37.5
#[test]
fn query_is_ignored() {
    let folder = Folder::package("query");
    let server = serve(&folder);
    let mut http = Http::connect(&server);
    http.get("/socket.io/socket.io.js?buster=1").expect(200, SCRIPT);
    http.get("/socket.io/socket.io.js?EIO=4&transport=polling").expect(200, SCRIPT);
    assert_eq!(server.io().session_count(), 0);
}

// 37.7
#[test]
fn head_has_headers_only() {
    let folder = Folder::package("head");
    let server = serve(&folder);
    let mut http = Http::connect(&server);
    let answer = http.request("HEAD", "/socket.io/socket.io.js");
    assert_eq!(answer.status, 200);
    answer
        .expect_header("etag", "\"1.2.3\"")
        .expect_header("content-length", &SCRIPT.len().to_string());
    // The connection is in step: nothing of a body follows.
    http.get("/socket.io/socket.io.js").expect(200, SCRIPT);
}

#[test]
fn version_without_a_manifest_comes_from_the_banner() {
    let folder = Folder::empty("banner");
    folder.write("dist/socket.io.js", SCRIPT);
    let server = Server::start(|io| io.client_dir(folder.path().join("dist")), 1);
    let mut http = Http::connect(&server);
    http.get("/socket.io/socket.io.js").expect(200, SCRIPT).expect_header("etag", "\"9.8.7\"");
    // Bundles that the package lacks are not there.
    http.get("/socket.io/socket.io.min.js").expect(400, UNKNOWN_TRANSPORT);
}

#[test]
fn sessions_open_beside_the_files() {
    let folder = Folder::package("beside");
    let server = serve(&folder);
    Ws::joined(&server);
    Http::connect(&server).get("/socket.io/socket.io.js").expect(200, SCRIPT);
}
