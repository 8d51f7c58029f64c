//! The browser client below the server's path (behaviours 37).

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use flate2::read::{GzDecoder, ZlibDecoder};
use integration::{Http, Response, Server, Ws};
use sio_actix::{ClientBundle, ConfigError, Cors, Io, embed_client};

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

// 37.8
#[test]
fn nothing_is_served_when_switched_off() {
    let folder = Folder::package("off");
    let server = Server::start(|io| io.client_dir(folder.path()).serve_client(false), 1);
    Http::connect(&server).get("/socket.io/socket.io.js").expect(400, UNKNOWN_TRANSPORT);
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

#[test]
fn package_of_the_server_has_the_files_too() {
    let folder = Folder::empty("server-package");
    folder.write("package.json", r#"{"name":"socket.io","version":"1.2.3"}"#);
    fs::create_dir_all(folder.path().join("client-dist")).unwrap();
    folder.write("client-dist/socket.io.min.js", "min");
    folder.write("client-dist/socket.io.js", SCRIPT);
    let server = serve(&folder);
    // The banner tells the client's version, the manifest that of the server.
    Http::connect(&server)
        .get("/socket.io/socket.io.js")
        .expect(200, SCRIPT)
        .expect_header("etag", "\"9.8.7\"");
}

#[test]
fn files_may_be_part_of_the_program() {
    let bundle: ClientBundle = embed_client!("client-package");
    let server = Server::start(|io| io.client_bundle(bundle), 1);
    let mut http = Http::connect(&server);
    http.get("/socket.io/socket.io.msgpack.min.js")
        .expect(200, "/* socket.io.msgpack.min.js of a made-up package */\n")
        .expect_header("etag", "\"7.8.9\"");
    http.get("/socket.io/socket.io.esm.min.js.map").expect(200, "{}\n");
    // By an absolute path.
    let bundle = embed_client!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/client-package"));
    let server = Server::start(|io| io.client_bundle(bundle), 1);
    Http::connect(&server)
        .get("/socket.io/socket.io.js")
        .expect(200, "/* socket.io.js of a made-up package */\n")
        .expect_header("etag", "\"7.8.9\"");
}

/// The package that the interoperation tests use, if it was installed, or one made up.
fn real_or_made_up(name: &str) -> (Folder, PathBuf, String) {
    let folder = Folder::package(name);
    folder.write("dist/socket.io.min.js", &SCRIPT.repeat(1_000));
    let real =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../interop/node_modules/socket.io-client");
    let path = if real.join("dist").is_dir() { real } else { folder.path().to_path_buf() };
    let script = fs::read_to_string(path.join("dist/socket.io.min.js")).unwrap();
    (folder, path, script)
}

fn inflate(answer: &Response) -> String {
    let mut text = String::new();
    let mut body = &answer.body[..];
    match answer.header("content-encoding") {
        Some("gzip") => GzDecoder::new(body).read_to_string(&mut text).unwrap(),
        Some("deflate") => ZlibDecoder::new(body).read_to_string(&mut text).unwrap(),
        Some("br") => {
            let mut out = Vec::new();
            brotli::BrotliDecompress(&mut body, &mut out).unwrap();
            text = String::from_utf8(out).unwrap();
            text.len()
        }
        _ => body.read_to_string(&mut text).unwrap(),
    };
    text
}

// 37.4
#[test]
fn coding_is_the_clients_choice() {
    let (_folder, path, script) = real_or_made_up("codings");
    let server = Server::start(|io| io.client_dir(&path), 2);
    for (accepted, coding) in [
        ("identity", None),
        ("gzip;q=0", None),
        ("zstd", None),
        ("gzip, deflate, br", Some("gzip")),
        ("deflate, gzip", Some("deflate")),
        ("br, gzip", Some("br")),
        ("gzip;q=0.5, br;q=0.9, deflate;q=0.1", Some("br")),
        ("*", Some("br")),
        ("gzip", Some("gzip")),
    ] {
        let mut http = Http::connect(&server);
        let headers = format!("Accept-Encoding: {accepted}\r\n");
        http.send("GET", "/socket.io/socket.io.min.js", &headers, "");
        let answer = http.response();
        assert_eq!(answer.header("content-encoding"), coding, "{accepted}");
        assert!(inflate(&answer) == script, "{accepted}");
        assert_eq!(answer.body.len() < script.len() / 2, coding.is_some(), "{accepted}");
        answer
            .expect_header("content-length", &answer.body.len().to_string())
            .expect_header("content-type", "application/javascript; charset=utf-8")
            .expect_header("vary", "Accept-Encoding");
    }
    let mut http = Http::connect(&server);
    http.send("GET", "/socket.io/socket.io.min.js", "", "");
    http.response().expect(200, &script).expect_no_header("content-encoding");
}

// 37.7
#[test]
fn head_of_a_compressed_file_has_its_headers() {
    let (_folder, path, _) = real_or_made_up("head-codings");
    let server = Server::start(|io| io.client_dir(&path), 1);
    let mut http = Http::connect(&server);
    http.send("GET", "/socket.io/socket.io.min.js", "Accept-Encoding: gzip\r\n", "");
    let length = http.response().body.len().to_string();
    http.write(
        "HEAD /socket.io/socket.io.min.js HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n",
    );
    let head = http.wire().take_when("head", |input| {
        input.windows(4).position(|end| end == b"\r\n\r\n").map(|at| at + 4)
    });
    let head = String::from_utf8(head).unwrap();
    assert!(head.contains(&format!("content-length: {length}\r\n")), "{head}");
    assert!(head.contains("content-encoding: gzip\r\n"), "{head}");
    http.get("/socket.io/secret.txt").expect(400, UNKNOWN_TRANSPORT);
}

// 37.6
#[test]
fn other_origins_may_load_the_files_where_cors_says_so() {
    let folder = Folder::package("cors");
    let server =
        Server::start(|io| io.client_dir(folder.path()).cors(Cors::list(["http://a.com"])), 1);
    let mut http = Http::connect(&server);
    http.send("GET", "/socket.io/socket.io.js", "Origin: http://a.com\r\n", "");
    http.response()
        .expect(200, SCRIPT)
        .expect_header("access-control-allow-origin", "http://a.com")
        .expect_header("vary", "Accept-Encoding, Origin");
    http.send(
        "GET",
        "/socket.io/socket.io.js",
        "Origin: http://a.com\r\nIf-None-Match: \"1.2.3\"\r\n",
        "",
    );
    http.response().expect(304, "").expect_header("access-control-allow-origin", "http://a.com");
    http.request("OPTIONS", "/socket.io/socket.io.js").expect(204, "");
}
