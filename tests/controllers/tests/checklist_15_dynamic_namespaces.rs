//! Point 15: namespaces made by a pattern, a regular expression or a function, with their parameters.

use controllers_tests::{Back, Gate, Journal, TestResult, ack, end, events, refused};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sio_actix::prelude::*;
use sio_actix::{Io, IoBuilder};
use sio_client::test::{TestClient, TestServer};

#[derive(Deserialize, Serialize)]
struct Place {
    org: String,
    id: u16,
}

struct Rooms(Journal);

#[ws_controller("/org/{org}/room/{id:[0-9]+}")]
impl Rooms {
    #[on_connection]
    fn joined(&self, NamespaceParam((org, id)): NamespaceParam<(String, u16)>) {
        self.0.note(format!("joined {org} {id}"));
    }

    #[on_message("where")]
    fn place(
        &self,
        NamespaceParam(place): NamespaceParam<Place>,
        socket: Socket,
    ) -> (Place, String) {
        (place, socket.namespace().path().to_owned())
    }

    #[on_message("say")]
    #[broadcast("said")]
    fn say(&self, text: String) -> String {
        text
    }

    #[on_disconnect]
    fn left(&self, NamespaceParam(place): NamespaceParam<Place>) {
        self.0.note(format!("left {} {}", place.org, place.id));
    }
}

struct Static;

#[ws_controller("/org/acme/room/1")]
impl Static {
    #[on_message("where")]
    fn place(&self) -> &'static str {
        "static"
    }
}

/// Mounted at patterns.
struct Named(&'static str);

#[ws_controller("/never mounted here")]
impl Named {
    #[on_message("who")]
    fn who(&self, ns: NamespaceRef, socket: Socket) -> (&'static str, usize, Vec<String>) {
        let params = socket.namespace().params();
        (self.0, ns.socket_count(), params.map(|(name, value)| format!("{name}={value}")).collect())
    }
}

struct Team;

#[ws_controller("/never mounted here")]
impl Team {
    #[on_message("team")]
    fn team(&self, NamespaceParam(number): NamespaceParam<u8>) -> u8 {
        number
    }
}

struct Guarded(Gate);

#[ws_controller("/guarded/{name}")]
impl Guarded {
    #[connect_guard]
    async fn admitted(&self, NamespaceParam(name): NamespaceParam<String>) -> bool {
        self.0.pass().await;
        name != "closed"
    }
}

fn io(journal: &Journal) -> IoBuilder {
    let created = journal.clone();
    Io::builder()
        .mount(Rooms(journal.clone()))
        .mount(Static)
        .mount_at(Pattern::regex(r"^/team-(\d+)$"), Team)
        .mount_at(Pattern::regex(r"^/team-(?P<name>\w+)$"), Named("regex"))
        .mount_at(
            Pattern::matching(|name| name.starts_with("/even") && name.len() % 2 == 0),
            Named("function"),
        )
        .mount_at("/team-{rest}", Named("too late"))
        .mount_at(Pattern::regex(r"^/number-(\d+)$"), Team)
        .on_new_namespace(move |name| created.note(format!("new {name}")))
}

async fn invalid(srv: &TestServer, namespace: &str) {
    let client = TestClient::connect(srv, namespace).await;
    assert_eq!(refused(client), ("Invalid namespace".to_owned(), None), "{namespace}");
    assert!(!srv.io().namespaces().contains(&namespace.to_owned()), "{namespace} was made");
}

#[actix_web::test]
async fn e15_names_that_do_not_fit_are_invalid_namespaces() -> TestResult {
    for back in Back::BOTH {
        let srv = back.start(io(&Journal::default())).await;
        for name in [
            "/org/acme/room/",
            "/org/acme/room/x",
            "/org//room/1",
            "/org/a/b/room/1",
            "/org/acme/room/1/more",
            "/odd",
            "/never mounted here",
            // The pattern fits, the type of the parameter does not.
            "/org/acme/room/70000",
            "/number-300",
        ] {
            invalid(&srv, name).await;
        }
        end(srv, ()).await;
    }
    Ok(())
}

#[actix_web::test]
async fn e15_second_and_third_client_of_the_same_and_of_other_names() -> TestResult {
    for back in Back::ALL {
        let journal = Journal::default();
        let srv = back.start(io(&journal)).await;
        let (one, other) = ("/org/acme/room/17", "/org/acme/room/18");
        let a = TestClient::connect(&srv, one).await?;
        let b = TestClient::connect(&srv, one).await?;
        let c = TestClient::connect(&srv, other).await?;
        let d = c.join(one).await?;
        assert_eq!(ack(&a, "say", ("hi",)).await?, json!(["hi"]));
        for (client, id) in [(&a, 17), (&b, 17), (&c, 18), (&d, 17)] {
            let name = if id == 17 { one } else { other };
            let place = json!([{ "org": "acme", "id": id }, name]);
            assert_eq!(ack(client, "where", ()).await?, place);
        }
        let heard = [&a, &b, &c, &d].map(|client| events(client, "said"));
        assert_eq!(heard, [json!([["hi"]]), json!([["hi"]]), json!([]), json!([["hi"]])]);
        assert_eq!(srv.io().of(one).socket_count(), 3);
        assert_eq!(journal.count(&format!("new {one}")), 1);
        assert_eq!(journal.count("joined acme 17"), 3);
        end(srv, (a, b, c, d)).await;
    }
    Ok(())
}

#[actix_web::test]
async fn e15_namespace_goes_with_its_last_socket_and_comes_again() -> TestResult {
    for back in Back::ALL {
        let journal = Journal::default();
        let srv = back.start(io(&journal)).await;
        let name = "/org/acme/room/17".to_owned();
        for round in 1..=3 {
            let a = TestClient::connect(&srv, &name).await?;
            let b = TestClient::connect(&srv, &name).await?;
            a.close().await;
            journal.until("one left", |lines| count(lines, "left acme 17") == 2 * round - 1).await;
            assert_eq!(ack(&b, "where", ()).await?[1], json!(name));
            assert!(srv.io().namespaces().contains(&name));
            b.close().await;
            journal.until("both left", |lines| count(lines, "left acme 17") == 2 * round).await;
            controllers_tests::without_sessions(&srv).await;
            assert!(!srv.io().namespaces().contains(&name), "{:?}", srv.io().namespaces());
            assert_eq!(journal.count(&format!("new {name}")), round);
        }
        end(srv, ()).await;
    }
    Ok(())
}

fn count(lines: &[String], line: &str) -> usize {
    lines.iter().filter(|one| *one == line).count()
}

#[actix_web::test]
async fn e15_own_names_come_first_then_patterns_in_order() -> TestResult {
    for back in Back::BOTH {
        let srv = back.start(io(&Journal::default())).await;
        let fixed = TestClient::connect(&srv, "/org/acme/room/1").await?;
        assert_eq!(ack(&fixed, "where", ()).await?, json!(["static"]));
        let seven = TestClient::connect(&srv, "/team-7").await?;
        assert_eq!(ack(&seven, "team", ()).await?, json!([7]));
        let blue = TestClient::connect(&srv, "/team-blue").await?;
        assert_eq!(ack(&blue, "who", ()).await?, json!(["regex", 1, ["name=blue"]]));
        let three = TestClient::connect(&srv, "/team-300").await?;
        assert_eq!(ack(&three, "who", ()).await?, json!(["regex", 1, ["name=300"]]));
        let green = TestClient::connect(&srv, "/team-dark-green").await?;
        assert_eq!(ack(&green, "who", ()).await?, json!(["too late", 1, ["rest=dark-green"]]));
        let even = TestClient::connect(&srv, "/even-").await?;
        assert_eq!(ack(&even, "who", ()).await?, json!(["function", 1, []]));
        end(srv, (fixed, seven, blue, three, green, even)).await;
    }
    Ok(())
}

#[actix_web::test]
async fn e15_refused_socket_leaves_no_namespace() -> TestResult {
    for back in Back::BOTH {
        let gate = Gate::default();
        let srv = back.start(Io::builder().mount(Guarded(gate.clone()))).await;
        gate.open();
        let closed = TestClient::connect(&srv, "/guarded/closed").await;
        assert_eq!(refused(closed).0, "not allowed");
        assert!(!srv.io().namespaces().contains(&"/guarded/closed".to_owned()));
        let open = TestClient::connect(&srv, "/guarded/open").await?;
        assert!(srv.io().namespaces().contains(&"/guarded/open".to_owned()));
        end(srv, open).await;
    }
    Ok(())
}

#[actix_web::test]
async fn e15_function_that_panics_makes_an_invalid_namespace() -> TestResult {
    for back in Back::BOTH {
        let pattern = Pattern::matching(|name| panic!("{name} is too much"));
        let srv = back.start(Io::builder().mount_at(pattern, Named("never"))).await;
        invalid(&srv, "/anything").await;
        let root = TestClient::connect(&srv, "/").await?;
        end(srv, root).await;
    }
    Ok(())
}

#[test]
fn e15_namespace_parameter_without_a_pattern_is_a_fault() {
    let built = Io::builder().mount_at("/plain", Team).try_build();
    let message = built.expect_err("`/plain` has no parameter").to_string();
    assert!(message.contains("Team::team") && message.contains("`/plain`"), "{message}");
    let built = Io::builder().mount_at(Pattern::matching(|_| true), Team).try_build();
    assert!(built.is_err());
}
