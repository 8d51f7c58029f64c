//! Events of other servers: who hears them, what is answered, what is refused.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::{Arc, Mutex, OnceLock};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use bytes::Bytes;
use sio_core::cluster::{Adapter, BoxFuture, ClusterError, Data, Message, Node, Response};
use sio_core::handler::{EventError, EventName, NamespaceParam};
use sio_core::packet::{Binary, Rest, Value};
use sio_core::server::{Io, IoConfig, NamespaceBuilder, NamespaceRef, Worker};

use crate::carrier::Server;
use crate::tools::{Counter, Gates, Notes, fails, fails_later};

/// What the tests know of an adapter.
#[derive(Default)]
struct Line {
    node: OnceLock<Arc<dyn Node>>,
    answers: Mutex<Vec<(String, String, Response)>>,
}

/// The other nodes, played by the test.
#[derive(Clone, Default)]
struct Others(Arc<Line>);

impl Others {
    fn receive(&self, namespace: &str, json: &str, attachments: Vec<Bytes>, request: Option<&str>) {
        let data = Data { json: json.into(), attachments };
        let message = Message::ServerSide { data, request: request.map(Into::into) };
        self.0.node.get().unwrap().receive(namespace, "other", message);
    }

    /// Sends an event of `/`.
    fn tell(&self, json: &str) {
        self.receive("/", json, Vec::new(), None);
    }

    /// Asks with an event of `/`, under an id.
    fn ask(&self, request: &str, json: &str) {
        self.receive("/", json, Vec::new(), Some(request));
    }

    /// What was answered since it was asked last: `request=value`.
    fn answers(&self) -> Vec<String> {
        let show = |(namespace, to, response): (String, String, Response)| {
            assert_eq!(to, "other");
            let Response::ServerSide { request, value } = response else { panic!("{response:?}") };
            let value = value.map_or("nothing".to_owned(), |data| {
                data.attachments
                    .iter()
                    .fold(data.json.into_string(), |shown, bytes| format!("{shown} {bytes:?}"))
            });
            let namespace = if namespace == "/" { "" } else { &namespace };
            format!("{namespace}{request}={value}")
        };
        std::mem::take(&mut *self.0.answers.lock().unwrap()).into_iter().map(show).collect()
    }
}

impl Adapter for Others {
    fn start(&self, node: Arc<dyn Node>) {
        assert!(self.0.node.set(node).is_ok(), "started twice");
    }

    fn open(&self, _: &str) {}

    fn close(&self, _: &str) {}

    fn publish(&self, _: &str, _: Message) {}

    fn respond(&self, namespace: &str, to: &str, response: Response) {
        self.0.answers.lock().unwrap().push((namespace.to_owned(), to.to_owned(), response));
    }

    fn node_count(&self, _: &str) -> BoxFuture<Result<usize, ClusterError>> {
        Box::pin(async { Ok(2) })
    }

    fn nodes(&self, _: &str) -> BoxFuture<Result<Vec<String>, ClusterError>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn sleep(&self, _: Duration) -> BoxFuture<()> {
        Box::pin(std::future::pending())
    }

    fn ready(&self) -> BoxFuture<Result<(), ClusterError>> {
        Box::pin(async { Ok(()) })
    }

    fn stop(&self) -> BoxFuture<()> {
        Box::pin(async {})
    }
}

fn config(others: &Others, register: impl FnOnce(&mut NamespaceBuilder)) -> IoConfig {
    Io::builder().namespace("/", register).adapter(others.clone())
}

/// A server whose `/` hears what `register` says.
fn start(register: impl FnOnce(&mut NamespaceBuilder)) -> (Server, Others) {
    let others = Others::default();
    (Server::start(config(&others, register)), others)
}

/// What a server cannot be built with.
fn fault(register: impl FnOnce(&mut NamespaceBuilder)) -> String {
    let built = config(&Others::default(), register).build(Box::new(Counter::default()));
    built.expect_err("it was built").to_string()
}

// ---- refusals -------------------------------------------------------------------------------------

#[test]
fn what_is_no_event_is_ignored() {
    let notes = Notes::default();
    let (server, others) = start(|ns| {
        for name in ["hello", "0"] {
            let notes = notes.clone();
            ns.on_server_side(name, move |EventName(name): EventName| notes.add(name));
        }
    });
    let events = [
        "",
        "{}",
        "\"hello\"",
        "null",
        "[",
        "[]",
        "[]]",
        "[null]",
        "[[\"hello\"]]",
        "[\"hello\"",
        "[\"hello\",",
        "[\"hello\",]",
        "[\"hello\" 1]",
        "[\"hello\",1 2]",
        "[\"hello\"]]",
        "[\"hello\",{\"a\":]",
    ];
    for (n, event) in events.iter().enumerate() {
        others.ask(&n.to_string(), event);
        server.run();
    }
    assert_eq!(notes.take(), [""; 0]);
    assert_eq!(others.answers(), [""; 0]);
    assert_eq!(server.io.cluster_stats().unwrap().garbage, events.len() as u64);
    for event in ["[0]", " [ \"hello\" ] "] {
        others.tell(event);
    }
    server.run();
    assert_eq!(notes.take(), ["0", "hello"]);
}

#[test]
fn placeholders_that_do_not_fit_are_no_event() {
    let notes = Notes::default();
    let noted = notes.clone();
    let (server, others) = start(|ns| {
        ns.on_server_side("hello", move |_: Value| noted.add("called"));
    });
    let event = r#"["hello",{"_placeholder":true,"num":1}]"#;
    others.receive("/", event, vec![Bytes::from_static(b"a")], Some("1"));
    server.run();
    assert_eq!(notes.take(), [""; 0]);
    assert_eq!(others.answers(), [""; 0]);
}

#[test]
fn deep_nesting_is_no_event() {
    let (server, others) = start(|ns| {
        ns.on_server_side("hello", |_: Value| ());
        ns.on_server_side("none", || ());
    });
    for name in ["hello", "none"] {
        let event = format!("[\"{name}\",{}{}]", "[".repeat(100_000), "]".repeat(100_000));
        others.ask("1", &event);
        server.run();
    }
    assert_eq!(others.answers(), [""; 0]);
}

#[test]
fn an_event_without_a_handler_is_not_answered() {
    let (server, others) = start(|ns| {
        ns.on("client", || 1);
    });
    others.ask("1", "[\"client\"]");
    others.receive("/other", "[\"hello\"]", Vec::new(), Some("2"));
    server.run();
    assert_eq!(others.answers(), [""; 0]);
}

#[test]
fn an_event_of_this_node_is_ignored() {
    let notes = Notes::default();
    let noted = notes.clone();
    let (server, others) = start(|ns| {
        ns.on_server_side("hello", move || noted.add("called"));
    });
    let node = others.0.node.get().unwrap();
    let data = Data { json: "[\"hello\"]".into(), attachments: Vec::new() };
    node.receive("/", node.id(), Message::ServerSide { data, request: None });
    server.run();
    assert_eq!(notes.take(), [""; 0]);
}

#[test]
fn arguments_that_do_not_fit_are_told() {
    let (server, others) = start(|ns| {
        ns.on_server_side("add", |a: i64, b: i64| a + b);
    });
    others.ask("1", "[\"add\",1]");
    others.ask("2", "[\"add\",1,\"b\"]");
    server.run();
    let answers = others.answers();
    let missing = r#"1={"error":{"code":"bad_request","message":"argument 1 is missing"}}"#;
    assert_eq!(answers[0], missing);
    assert!(answers[1].starts_with(r#"2={"error":{"code":"bad_request","#), "{answers:?}");
    assert_eq!(answers.len(), 2);
}

#[test]
fn a_second_handler_is_a_mistake() {
    let told = fault(|ns| {
        ns.on_server_side("hello", || ());
        ns.on_server_side("hello", || ()).multi();
    });
    assert!(told.contains("event `hello (server-side)` of `/` has two handlers"), "{told}");
}

#[test]
fn reserved_names_are_mistakes() {
    for name in ["connect", "connection", "new_namespace"] {
        let told = fault(|ns| {
            ns.on_server_side(name, || ());
        });
        assert!(told.contains(&format!("`{name}` is a reserved event name")), "{told}");
    }
    // Clients cannot send these, servers can.
    let (server, others) = start(|ns| {
        ns.on_server_side("disconnect", || 1);
    });
    others.ask("1", "[\"disconnect\"]");
    others.ask("2", "[\"connection\"]");
    server.run();
    assert_eq!(others.answers(), ["1=1"]);
}

#[test]
fn a_parameter_of_the_namespace_needs_a_pattern() {
    let told = fault(|ns| {
        ns.on_server_side("hello", |_: NamespaceParam<u32>| ());
    });
    assert!(told.contains("takes a namespace parameter, but `/` has none"), "{told}");
}

#[test]
fn more_events_than_may_be_are_refused() {
    let (others, gates) = (Others::default(), Gates::default());
    let waiting = gates.clone();
    let mut config = config(&others, |ns| {
        ns.on_server_side("wait", async move |gate: String| waiting.wait(&gate).await);
        ns.on_server_side("now", || "now");
    });
    config.config_mut().limits.max_server_side_handlers = 2;
    let server = Server::start(config);
    others.ask("1", "[\"wait\",\"a\"]");
    others.ask("2", "[\"wait\",\"b\"]");
    let refused = r#"3={"error":{"code":"overloaded","message":"too many events wait"}}"#;
    others.ask("3", "[\"now\"]");
    assert_eq!(others.answers(), [refused], "they wait for their worker");
    server.run();
    others.ask("3", "[\"now\"]");
    others.tell("[\"now\"]");
    server.run();
    assert_eq!(others.answers(), [refused], "their handlers wait");
    gates.open("a");
    server.run();
    others.ask("4", "[\"now\"]");
    server.run();
    assert_eq!(others.answers(), ["1=nothing", "4=\"now\""]);
    assert_eq!(server.io.cluster_stats().unwrap().lost, 3);
    // What has no handler takes no place.
    gates.open("b");
    server.run();
    for n in 5..20 {
        others.tell("[\"nobody\"]");
        others.ask(&n.to_string(), "[\"now\"]");
        server.run();
    }
    assert_eq!(others.answers().len(), 16);
}

#[test]
fn without_a_worker_an_event_is_dropped() {
    let (server, others) = start(|ns| {
        ns.on_server_side("hello", || 1);
    });
    others.ask("1", "[\"hello\"]");
    server.worker.stop();
    others.ask("2", "[\"hello\"]");
    server.run();
    assert_eq!(others.answers(), [""; 0]);
}

// ---- answers --------------------------------------------------------------------------------------

#[test]
fn the_result_is_the_answer() {
    let (server, others) = start(|ns| {
        ns.on_server_side("value", || "text");
        ns.on_server_side("later", async || 2);
        ns.on_server_side("nothing", || ());
        ns.on_server_side("none", || None::<u8>);
        ns.on_server_side("list", || vec![1, 2]);
        ns.on_server_side("tuple", || (1, "two"));
        ns.on_server_side("bytes", |bytes: Binary| bytes);
        ns.on_server_side("first", |a: Binary, b: Binary| (a, b));
    });
    for name in ["value", "later", "nothing", "none", "list", "tuple"] {
        others.ask(name, &format!("[\"{name}\"]"));
    }
    let bytes = |text: &'static str| Bytes::from_static(text.as_bytes());
    let one = r#"["bytes",{"_placeholder":true,"num":0}]"#;
    others.receive("/", one, vec![bytes("a")], Some("bytes"));
    let two = r#"["first",{"_placeholder":true,"num":1},{"_placeholder":true,"num":0}]"#;
    others.receive("/", two, vec![bytes("a"), bytes("b")], Some("first"));
    server.run();
    assert_eq!(
        others.answers(),
        [
            "value=\"text\"",
            "later=2",
            "nothing=nothing",
            "none=null",
            "list=[1,2]",
            "tuple=1",
            r#"bytes={"_placeholder":true,"num":0} b"a""#,
            r#"first={"_placeholder":true,"num":0} b"b""#,
        ]
    );
}

#[test]
fn an_error_and_a_panic_are_answers_without_detail() {
    let (server, others) = start(|ns| {
        ns.on_server_side("refused", || Err::<(), _>(EventError::new("no", "not now")));
        ns.on_server_side("broken", async || "one".parse::<u8>().map_err(EventError::from));
        ns.on_server_side("fails", fails);
        ns.on_server_side("fails later", fails_later);
        ns.on_server_side("fine", || 1);
    });
    for name in ["refused", "broken", "fails", "fails later", "fine"] {
        others.tell(&format!("[\"{name}\"]"));
        others.ask(name, &format!("[\"{name}\"]"));
    }
    server.run();
    let internal = r#"{"error":{"code":"internal","message":"internal error"}}"#;
    assert_eq!(
        others.answers(),
        [
            r#"refused={"error":{"code":"no","message":"not now"}}"#,
            &format!("broken={internal}"),
            &format!("fails={internal}"),
            &format!("fails later={internal}"),
            "fine=1",
        ]
    );
}

#[test]
fn handlers_that_share_an_event_all_run_and_the_first_answers() {
    let notes = Notes::default();
    let gates = Gates::default();
    let (first, second, waiting) = (notes.clone(), notes.clone(), gates.clone());
    let (server, others) = start(|ns| {
        ns.on_server_side("hello", async move |text: String| {
            waiting.wait("first").await;
            first.add(format!("first {text}"));
            1
        })
        .multi();
        ns.on_server_side("hello", move |text: String| {
            second.add(format!("second {text}"));
            2
        })
        .multi();
    });
    others.ask("1", "[\"hello\",\"you\"]");
    server.run();
    assert_eq!(notes.take(), ["second you"]);
    assert_eq!(others.answers(), [""; 0]);
    gates.open("first");
    server.run();
    assert_eq!(notes.take(), ["first you"]);
    assert_eq!(others.answers(), ["1=1"]);
}

// ---- parameters and order -------------------------------------------------------------------------

#[test]
fn parameters_are_arguments_and_what_needs_no_socket() {
    let others = Others::default();
    let config = config(&others, |ns| {
        ns.on_server_side(
            "all",
            async |a: u8, io: Io, Rest(rest): Rest<u8>, here: NamespaceRef, name: EventName| {
                assert!(here.exists());
                format!("{a} {} {} {}", rest.len(), name.0, io.namespaces().len())
            },
        );
    });
    let config = config.namespace("/org/{id}", |ns| {
        ns.on("hold", || ());
        ns.on_server_side("which", |NamespaceParam(id): NamespaceParam<u32>| id);
    });
    let server = Server::start(config);
    let mut client = server.websocket();
    client.connect("/org/7");
    others.ask("1", "[\"all\",1,2,3]");
    others.receive("/org/7", "[\"which\"]", Vec::new(), Some("2"));
    others.receive("/org/8", "[\"which\"]", Vec::new(), Some("3"));
    server.run();
    assert_eq!(others.answers(), ["1=\"1 2 all 2\"", "/org/72=7"]);
}

#[test]
fn a_handler_reaches_the_sockets_of_its_node() {
    let (server, others) = start(|ns| {
        ns.on_server_side("tell", |here: NamespaceRef, text: String| {
            here.local().emit("told", text).unwrap();
        });
    });
    let mut client = server.joined();
    others.tell("[\"tell\",\"all\"]");
    assert_eq!(client.frames(), ["42[\"told\",\"all\"]"]);
}

#[test]
fn events_start_in_the_order_of_their_arrival() {
    let (notes, gates) = (Notes::default(), Gates::default());
    let (noted, waiting, now) = (notes.clone(), gates.clone(), notes.clone());
    let (server, others) = start(|ns| {
        ns.on_server_side("wait", async move |n: u8| {
            noted.add(format!("start {n}"));
            waiting.wait(&n.to_string()).await;
            noted.add(format!("end {n}"));
        });
        ns.on_server_side("now", move |n: u8| now.add(format!("now {n}")));
    });
    for event in ["[\"wait\",1]", "[\"now\",2]", "[\"wait\",3]", "[\"now\",4]"] {
        others.tell(event);
    }
    server.run();
    assert_eq!(notes.take(), ["start 1", "now 2", "start 3", "now 4"]);
    gates.open("3");
    gates.open("1");
    server.run();
    let mut ends = notes.take();
    ends.sort();
    assert_eq!(ends, ["end 1", "end 3"]);
}

#[test]
fn one_worker_runs_an_event_and_the_next_one_takes_what_it_leaves() {
    let (others, notes) = (Others::default(), Notes::default());
    let noted = notes.clone();
    let server = Server::start(config(&others, |ns| {
        ns.on_server_side("hello", move |n: u8| {
            noted.add(format!("{n} on {:?}", std::thread::current().name().unwrap()));
            n
        });
    }));
    others.ask("1", "[\"hello\",1]");
    server.run();
    let here = format!("{:?}", std::thread::current().name().unwrap());
    assert_eq!(notes.take(), [format!("1 on {here}")]);
    let io = server.io.clone();
    let (ready, begins) = std::sync::mpsc::channel();
    let (stopped, begun) = std::sync::mpsc::channel::<()>();
    let second = std::thread::Builder::new().name("second".to_owned()).spawn(move || {
        let clock = Rc::new(Cell::new(Instant::now()));
        let (worker, _) = Worker::start(&io, move || clock.get());
        ready.send(()).unwrap();
        begun.recv_timeout(Duration::from_secs(10)).unwrap();
        assert_eq!(worker.poll(&mut Context::from_waker(Waker::noop())), Poll::Pending);
        worker.stop();
    });
    begins.recv_timeout(Duration::from_secs(10)).unwrap();
    others.ask("2", "[\"hello\",2]");
    server.worker.stop();
    others.ask("3", "[\"hello\",3]");
    stopped.send(()).unwrap();
    second.unwrap().join().unwrap();
    assert_eq!(notes.take(), ["2 on \"second\"", "3 on \"second\""]);
    assert_eq!(others.answers(), ["1=1", "2=2", "3=3"]);
}
