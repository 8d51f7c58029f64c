//! What the programs do when they are started.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

const DEADLINE: Duration = Duration::from_secs(10);

/// A program that ends with its value.
struct Program(Child, SocketAddr);

impl Program {
    fn start(path: &str, arguments: &[&str]) -> Self {
        let mut command = Command::new(path);
        command.args(["--port", "0", "--workers", "1"]).args(arguments);
        Self::run(command)
    }

    fn run(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on http://").unwrap().parse().unwrap();
        Self(child, address)
    }

    /// A request on a connection of its own; status line, headers and body of the answer.
    fn request(&self, method: &str, target: &str, headers: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(self.1).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        let length = body.len();
        write!(
            stream,
            "{method} {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}Content-Length: {length}\r\n\r\n{body}"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ended = self.0.kill();
        self.0.wait().unwrap();
    }
}

/// A file that is removed with its value.
struct Options(PathBuf);

impl Options {
    fn write(name: &str, text: &str) -> Self {
        let path = std::env::temp_dir().join(format!("sio-{name}-{}.json", std::process::id()));
        std::fs::write(&path, text).unwrap();
        Self(path)
    }

    fn arguments(&self) -> [&str; 2] {
        ["--options", self.0.to_str().unwrap()]
    }
}

impl Drop for Options {
    fn drop(&mut self) {
        // What is left in the temporary folder harms nobody.
        let _kept = std::fs::remove_file(&self.0);
    }
}

fn refuse(name: &str, text: &str) -> Output {
    let options = Options::write(name, text);
    let mut command = Command::new(env!("CARGO_BIN_EXE_configured"));
    command.args(["--port", "0"]).args(options.arguments()).output().unwrap()
}

#[test]
fn configured_names_what_it_cannot_use_and_ends_with_2() {
    for (index, (options, name)) in [
        (r#"{"pingIntervall": 1}"#, "pingIntervall"),
        (r#"{"cors": {"orgin": "*"}}"#, "cors.orgin"),
        (r#"{"pingInterval": "soon"}"#, "pingInterval"),
        (r#"{"transports": ["carrier pigeon"]}"#, "transports"),
        (r#"{"cors": {"origin": "*", "credentials": true}}"#, "cors.credentials"),
        (r#"{"cookie": {"sameSite": "none"}}"#, "cookie.sameSite"),
    ]
    .into_iter()
    .enumerate()
    {
        let ended = refuse(&format!("refused-{index}"), options);
        let told = String::from_utf8(ended.stderr).unwrap();
        assert_eq!(ended.status.code(), Some(2), "{options}: {told}");
        assert!(told.contains(name), "{options}: {told}");
    }
}

#[test]
fn client_is_found_in_the_working_directory_or_asked_for() {
    let folder = std::env::temp_dir().join(format!("sio-search-client-{}", std::process::id()));
    let dist = folder.join("node_modules/socket.io-client/dist");
    std::fs::create_dir_all(&dist).unwrap();
    let options = Options::write("client", r#"{"serveClient": true}"#);
    let run = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_configured"));
        command.args(["--port", "0"]).args(options.arguments()).current_dir(&folder);
        command
    };
    let ended = run().output().unwrap();
    let told = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(2), "{told}");
    assert!(told.contains("`serveClient`") && told.contains("npm install"), "{told}");
    std::fs::write(dist.join("socket.io.js"), "/* script */").unwrap();
    let program = Program::run(run());
    let answer = program.request("GET", "/socket.io/socket.io.js", "", "");
    assert!(answer.ends_with("/* script */"), "{answer}");
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn configured_serves_with_its_options() {
    let options = Options::write(
        "configured",
        r#"{"path": "/my", "cookie": true, "pingInterval": 7, "parser": "msgpack"}"#,
    );
    let program = Program::start(env!("CARGO_BIN_EXE_configured"), &options.arguments());
    let answer = program.request("GET", "/my/?EIO=4&transport=polling", "", "");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.contains("set-cookie: io="), "{answer}");
    assert!(answer.contains(r#""pingInterval":7,"#), "{answer}");
}

#[test]
fn eio_client_support_does_what_the_client_tests_expect() {
    let program = Program::start(env!("CARGO_BIN_EXE_eio-client-support"), &[]);
    let target = "/engine.io/?EIO=4&transport=polling";
    let denied = program.request("GET", &format!("{target}&deny=1"), "", "");
    assert!(denied.starts_with("HTTP/1.1 403"), "{denied}");
    let open = program.request("GET", target, "", "");
    for expected in [
        "set-cookie: 1=1; Max-Age=86400\r\n",
        "set-cookie: 2=2; Path=/; HttpOnly; Secure; SameSite=Strict\r\n",
        "set-cookie: 3=3; Max-Age=0\r\n",
        "set-cookie: 4=4; Expires=",
        r#""pingInterval":500,"#,
        r#""maxPayload":100}"#,
        "\u{1e}4hi",
    ] {
        assert!(open.contains(expected), "{expected} in {open}");
    }
    let sid = open.split(r#""sid":""#).nth(1).unwrap().split('"').next().unwrap();
    let target = format!("{target}&sid={sid}");
    let push = program.request("POST", &target, "X-Custom: here\r\n", "4sendHeaders");
    assert!(push.ends_with("ok"), "{push}");
    let headers = program.request("GET", &target, "", "");
    assert!(headers.contains(r#""x-custom":"here""#), "{headers}");
    program.request("POST", &target, "", "4give utf8\u{1e}4give binary\u{1e}4x");
    let answer = program.request("GET", &target, "", "");
    let expected = "4пойду спать всем спокойной ночи\u{1e}bAAECAwQ=\u{1e}4x";
    assert!(answer.ends_with(expected), "{answer}");
    let large = program.request("POST", &target, "", &"4".repeat(101));
    assert!(large.starts_with("HTTP/1.1 413"), "{large}");
}

#[test]
fn revision_three_is_a_flag() {
    let target = "/engine.io/?EIO=3&transport=polling";
    let program = Program::start(env!("CARGO_BIN_EXE_eio-echo"), &[]);
    let answer = program.request("GET", target, "", "");
    assert!(answer.contains("Unsupported protocol version"), "{answer}");
    let program = Program::start(env!("CARGO_BIN_EXE_eio-echo"), &["--eio3"]);
    let answer = program.request("GET", target, "", "");
    assert!(answer.contains(":0{"), "{answer}");
}

#[test]
fn instrumented_has_metrics_and_health() {
    let program = Program::start(env!("CARGO_BIN_EXE_instrumented"), &["--production"]);
    let opened = program.request("GET", "/socket.io/?EIO=4&transport=polling", "", "");
    assert!(opened.starts_with("HTTP/1.1 200"), "{opened}");
    let page = program.request("GET", "/metrics", "", "");
    assert!(page.contains("\nsio_sessions{transport=\"polling\"} 1\n"), "{page}");
    for path in ["/health/live", "/health/ready"] {
        let answer = program.request("GET", path, "", "");
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
}
