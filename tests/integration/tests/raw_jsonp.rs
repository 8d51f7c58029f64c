//! Polling by scripts and forms (behaviours 15, transcript T8).

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

use std::io::Read as _;

use integration::{Http, Polling, Response, Server, echo, sid_of};

fn serve() -> Server {
    Server::start(|io| io.allow_eio3(true).namespace("/", echo), 1)
}

struct Script {
    http: Http,
    target: String,
}

impl Script {
    fn open(server: &Server, query: &str) -> (Self, Response) {
        let mut http = Http::connect(server);
        let target = format!("/socket.io/?transport=polling&{query}");
        let answer = http.get(&target);
        assert_eq!(answer.status, 200, "{answer:?}");
        let sid = sid_of(&answer.text().replace('\\', ""));
        (Self { http, target: format!("{target}&sid={sid}") }, answer)
    }

    fn push(&mut self, form: &str) -> Response {
        let kind = "Content-Type: application/x-www-form-urlencoded\r\n";
        self.http.send("POST", &self.target, kind, form);
        self.http.response()
    }

    fn poll(&mut self) -> Response {
        self.http.get(&self.target)
    }
}

// 15.2
#[test]
fn a_form_without_the_field_is_a_parse_error() {
    let server = serve();
    for form in ["", "x=1", "42[\"m\"]"] {
        let (mut script, _) = Script::open(&server, "EIO=4&j=0");
        script.push(form);
        script.poll().expect(400, r#"{"code":1,"message":"Session ID unknown"}"#);
    }
}

// 15.1
#[test]
fn only_digits_of_the_index_reach_the_script() {
    let server = serve();
    for (index, shown) in [("alert(1)", "1"), ("1%22%3B2", "12"), ("x", "")] {
        let (_, answer) = Script::open(&server, &format!("EIO=4&j={index}"));
        let start = format!(r#"___eio[{shown}]("0{{"#);
        assert!(answer.text().starts_with(&start), "{index}: {answer:?}");
    }
}

// 15: only sessions that were opened with `j`
#[test]
fn other_sessions_neither_get_scripts_nor_send_forms() {
    let server = serve();
    let mut session = Polling::joined(&server);
    session.push(r#"42["m",1]"#);
    let target = format!("{}&j=0", session.target());
    session.polls.get(&target).expect(200, r#"42["m",1]"#);
    let kind = "Content-Type: application/x-www-form-urlencoded\r\n";
    session.pushes.send("POST", &target, kind, r#"42["m","d=%31"]"#);
    session.pushes.response().expect(200, "ok");
    session.polls.get(&target).expect(200, r#"42["m","d=%31"]"#);
}

// T8
// A page of another origin could read the session otherwise, with the visitor's cookies.
#[test]
fn a_server_without_old_clients_writes_no_scripts() {
    let server = Server::start(|io| io.namespace("/", echo), 1);
    let answer = Http::connect(&server).get("/socket.io/?EIO=4&transport=polling&j=0");
    assert!(answer.text().starts_with("0{"), "{answer:?}");
}

#[test]
fn revision_three_talks_in_scripts_and_forms() {
    let server = serve();
    let (mut script, open) = Script::open(&server, "EIO=3&j=0");
    assert!(open.text().starts_with(r#"___eio[0]("118:0{\"sid\":\""#), "{open:?}");
    assert!(open.text().ends_with("}\");"), "{open:?}");
    open.expect_header("content-type", "text/plain; charset=UTF-8")
        .expect_header("content-length", &open.body.len().to_string());
    script.poll().expect(200, r#"___eio[0]("2:40");"#);
    script.push("d=11%3A42%5B%22m%22%2C%22a%22%5D").expect(200, "ok");
    script.poll().expect(200, r#"___eio[0]("11:42[\"m\",\"a\"]");"#);
    // A script carries binary as base64 only.
    script
        .push("d=43%3A451-%5B%22m%22%2C%7B%22_placeholder%22%3Atrue%2C%22num%22%3A0%7D%2C%22%E2%82%AC%22%5D6%3Ab4AQID")
        .expect(200, "ok");
    script.poll().expect(
        200,
        r#"___eio[0]("43:451-[\"m\",{\"_placeholder\":true,\"num\":0},\"€\"]6:b4AQID");"#,
    );
}

// 15.1, 15.2, 15.3
#[test]
fn revision_four_talks_in_scripts_and_forms() {
    let server = serve();
    let (mut script, open) = Script::open(&server, "EIO=4&j=17");
    assert!(open.text().starts_with(r#"___eio[17]("0{\"sid\":\""#), "{open:?}");
    script.push("d=40").expect(200, "ok");
    assert!(script.poll().text().starts_with(r#"___eio[17]("40{\"sid\":\""#));
    // The JSON text has a backslash and an n, which clients double.
    script.push(r#"d=42["m","a\\nb"]"#).expect(200, "ok");
    script.poll().expect(200, r#"___eio[17]("42[\"m\",\"a\\nb\"]");"#);
    script.push("d=42[\"m\",\"%E2%80%A8%E2%80%A9\"]%1E42[\"m\"]").expect(200, "ok");
    script.poll().expect(200, r#"___eio[17]("42[\"m\",\"\u2028\u2029\"]\u001e42[\"m\"]");"#);
}

// 7.9 holds for the script as a whole
#[test]
fn scripts_are_compressed() {
    let server = serve();
    let (mut script, _) = Script::open(&server, "EIO=3&j=0");
    script.poll();
    let text = "x".repeat(2_000);
    script.push(&format!("d=2010:42[\"m\",\"{text}\"]")).expect(200, "ok");
    let target = script.target.clone();
    script.http.send("GET", &target, "Accept-Encoding: gzip\r\n", "");
    let answer = script.http.response();
    let mut inflated = String::new();
    flate2::read::GzDecoder::new(&answer.body[..]).read_to_string(&mut inflated).unwrap();
    assert_eq!(inflated, format!(r#"___eio[0]("2010:42[\"m\",\"{text}\"]");"#));
}
