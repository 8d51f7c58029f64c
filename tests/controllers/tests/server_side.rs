//! Events between servers: what a method gets, what it answers, and on which server it runs.

use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use actix_web::web;
use bytes::Bytes;
use controllers_tests::{Back, DEADLINE, Journal, TestResult, end};
use sio_actix::core::cluster::{Adapter, BoxFuture, ClusterError, Data, Message, Node, Response};
use sio_actix::prelude::*;
use sio_client::test::TestClient;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// What one server answers another: to whom, and what.
type Answered = (String, Response);

/// A server's end of a line on which the test speaks for the other server.
#[derive(Clone)]
struct Line {
    node: Arc<OnceLock<Arc<dyn Node>>>,
    answers: UnboundedSender<Answered>,
}

/// The test's end.
struct Far {
    node: Arc<OnceLock<Arc<dyn Node>>>,
    answers: Mutex<UnboundedReceiver<Answered>>,
}

fn line() -> (Line, Far) {
    let (sender, receiver) = unbounded_channel();
    let node = Arc::<OnceLock<_>>::default();
    let line = Line { node: Arc::clone(&node), answers: sender };
    (line, Far { node, answers: Mutex::new(receiver) })
}

impl Adapter for Line {
    fn start(&self, node: Arc<dyn Node>) {
        assert!(self.node.set(node).is_ok(), "started twice");
    }

    fn open(&self, _: &str) {}

    fn close(&self, _: &str) {}

    fn publish(&self, _: &str, _: Message) {}

    fn respond(&self, namespace: &str, to: &str, response: Response) {
        assert_eq!(namespace, "/");
        // A test that is over does not listen.
        let _over = self.answers.send((to.to_owned(), response));
    }

    fn node_count(&self, _: &str) -> BoxFuture<Result<usize, ClusterError>> {
        Box::pin(async { Ok(2) })
    }

    fn nodes(&self, _: &str) -> BoxFuture<Result<Vec<String>, ClusterError>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<()> {
        Box::pin(tokio::time::sleep(duration))
    }

    fn ready(&self) -> BoxFuture<Result<(), ClusterError>> {
        Box::pin(async { Ok(()) })
    }

    fn stop(&self) -> BoxFuture<()> {
        Box::pin(async {})
    }
}

impl Far {
    fn id(&self) -> String {
        self.node.get().unwrap().id().to_owned()
    }

    fn send(&self, from: &str, json: &str, attachments: &[&'static [u8]], request: Option<&str>) {
        let attachments = attachments.iter().map(|bytes| Bytes::from_static(bytes)).collect();
        let data = Data { json: json.into(), attachments };
        let message = Message::ServerSide { data, request: request.map(Into::into) };
        self.node.get().unwrap().receive("/", from, message);
    }

    /// The next answer: `request=value`, and the bytes of its attachments.
    async fn answer(&self, to: &str) -> String {
        let next = std::future::poll_fn(|cx| self.answers.lock().unwrap().poll_recv(cx));
        let answered = tokio::time::timeout(DEADLINE, next).await;
        let (asked, response) = answered.expect("nothing was answered").expect("the server ended");
        assert_eq!(asked, to);
        let Response::ServerSide { request, value } = response else { panic!("{response:?}") };
        let Some(value) = value else { return format!("{request}=") };
        let bytes: Vec<_> = value.attachments.iter().map(|bytes| format!(" {bytes:?}")).collect();
        format!("{request}={}{}", value.json, bytes.concat())
    }

    /// Waits until the server hears events, which needs no client: its threads have to be there.
    async fn started(&self) {
        let pause = Duration::from_millis(10);
        let hears = async {
            loop {
                self.send("other", "[\"none\"]", &[], Some("started"));
                if tokio::time::timeout(pause, self.answer("other")).await.is_ok() {
                    break;
                }
            }
        };
        tokio::time::timeout(DEADLINE, hears).await.expect("the server never hears anything");
        // More may have been answered late.
        self.send("other", "[\"none\"]", &[], Some("last"));
        while self.answer("other").await != "last=null" {}
    }

    /// Asks, and waits for the answer.
    async fn ask(&self, from: &str, json: &str, attachments: &[&'static [u8]]) -> String {
        self.send(from, json, attachments, Some("id"));
        self.answer(from).await
    }
}

const NAME: &str = "by constant";

struct Peer(Journal);

#[ws_controller("/")]
impl Peer {
    #[on_server_side("hello", NAME)]
    async fn hello(
        self: Arc<Self>,
        EventName(event): EventName,
        greeting: web::Data<String>,
        missing: Option<web::Data<u8>>,
        name: String,
    ) -> String {
        tokio::task::yield_now().await;
        assert!(missing.is_none());
        format!("{event} {} {name}", greeting.as_str())
    }

    #[on_server_side("bytes")]
    fn bytes(&self, text: String, bytes: Binary) -> (Binary, String) {
        (bytes, text)
    }

    #[on_server_side("strict", strict)]
    fn strict(a: u8) -> u8 {
        a
    }

    #[on_server_side("nothing")]
    fn nothing(&self, Rest(args): Rest<Value>) {
        self.0.note(format!("nothing {}", args.len()));
    }

    #[on_server_side("none")]
    fn none(&self) -> Option<u8> {
        None
    }

    #[on_server_side("refused")]
    async fn refused(&self) -> Result<u8, EventError> {
        Err(EventError::new("no", "not now").with_data(7))
    }

    #[on_server_side("fails")]
    fn fails(&self) {
        panic!("secret");
    }

    #[on_server_side("fails later")]
    async fn fails_later(&self) {
        tokio::task::yield_now().await;
        panic!("secret");
    }

    #[on_server_side("shared", multi)]
    async fn first(&self) -> u8 {
        tokio::task::yield_now().await;
        self.0.note("first");
        1
    }

    #[on_server_side("shared", multi)]
    fn second(&self) -> u8 {
        self.0.note("second");
        2
    }

    #[on_server_side("say")]
    fn say(&self, io: Io, here: NamespaceRef, text: String) -> Result<usize, EventError> {
        here.local().emit("said", text)?;
        Ok(io.of("/").socket_count())
    }

    /// A client's event of the same name is another event.
    #[on_message("hello")]
    fn of_clients(&self) -> &'static str {
        "client"
    }
}

fn peer() -> (sio_actix::IoBuilder, Journal, Far) {
    let (line, far) = line();
    let journal = Journal::default();
    let builder = Io::builder()
        .data(web::Data::new("dear".to_owned()))
        .adapter(line)
        .mount(Peer(journal.clone()));
    (builder, journal, far)
}

#[actix_web::test]
async fn an_event_of_another_server_is_answered_in_both_directions() -> TestResult {
    for back in Back::ALL {
        let ((one, _, far_one), (two, _, far_two)) = (peer(), peer());
        let (one, two) = (back.start(one).await, back.start(two).await);
        let (id_one, id_two) = (far_one.id(), far_two.id());
        far_one.started().await;
        far_two.started().await;
        assert_ne!(id_one, id_two);
        for (far, from) in [(&far_one, &id_two), (&far_two, &id_one)] {
            let answer = far.ask(from, "[\"hello\",\"Ann\"]", &[]).await;
            assert_eq!(answer, "id=\"hello dear Ann\"");
            let answer = far.ask(from, "[\"by constant\",\"Bo\",1]", &[]).await;
            assert_eq!(answer, "id=\"by constant dear Bo\"");
            let bytes = r#"["bytes","text",{"_placeholder":true,"num":0}]"#;
            let answer = far.ask(from, bytes, &[b"\x00\xff"]).await;
            assert_eq!(answer, r#"id={"_placeholder":true,"num":0} b"\0\xff""#);
        }
        end(one, ()).await;
        end(two, ()).await;
    }
    Ok(())
}

#[actix_web::test]
async fn what_goes_wrong_in_a_method_is_answered_and_the_server_goes_on() -> TestResult {
    for back in Back::ALL {
        let (builder, _, far) = peer();
        let srv = back.start(builder).await;
        far.started().await;
        let internal = r#"id={"error":{"code":"internal","message":"internal error"}}"#;
        let unexpected = "argument 1 is not expected";
        for (event, answer) in [
            ("[\"fails\"]", internal),
            ("[\"fails later\"]", internal),
            ("[\"refused\"]", r#"id={"error":{"code":"no","message":"not now","data":7}}"#),
            (
                "[\"strict\",1,2]",
                &format!(r#"id={{"error":{{"code":"bad_request","message":"{unexpected}"}}}}"#),
            ),
            ("[\"strict\",1]", "id=1"),
            ("[\"none\"]", "id=null"),
        ] {
            assert_eq!(far.ask("other", event, &[]).await, answer, "{event}");
        }
        end(srv, ()).await;
    }
    Ok(())
}

#[actix_web::test]
async fn an_event_that_nobody_handles_or_nobody_asked_with_is_not_answered() -> TestResult {
    for back in Back::ALL {
        let (builder, journal, far) = peer();
        let srv = back.start(builder).await;
        far.started().await;
        far.send("other", "[\"unknown\"]", &[], Some("1"));
        far.send("other", "[broken", &[], Some("2"));
        far.send("other", "[\"nothing\",1,2]", &[], None);
        far.send(&far.id(), "[\"nothing\"]", &[], Some("3"));
        far.send("other", "[\"nothing\"]", &[], Some("last"));
        assert_eq!(far.answer("other").await, "last=");
        assert_eq!(journal.lines(), ["nothing 2", "nothing 0"]);
        end(srv, ()).await;
    }
    Ok(())
}

#[actix_web::test]
async fn methods_that_share_an_event_all_run_once_and_the_first_answers() -> TestResult {
    for back in Back::ALL {
        let (builder, journal, far) = peer();
        let srv = back.start(builder).await;
        far.started().await;
        assert_eq!(far.ask("other", "[\"shared\"]", &[]).await, "id=1");
        assert_eq!(journal.lines(), ["second", "first"]);
        end(srv, ()).await;
    }
    Ok(())
}

#[actix_web::test]
async fn a_method_speaks_to_the_clients_of_its_server() -> TestResult {
    for back in Back::ALL {
        let (builder, _, far) = peer();
        let srv = back.start(builder).await;
        far.started().await;
        let clients =
            [TestClient::connect(&srv, "/").await?, TestClient::connect(&srv, "/").await?];
        assert_eq!(far.ask("other", "[\"say\",\"hi\"]", &[]).await, "id=2");
        for client in &clients {
            assert_eq!(client.next::<String>("said").await?, "hi");
        }
        assert_eq!(clients[0].emit_with_ack::<String>("hello", ()).await?, "client");
        end(srv, clients).await;
    }
    Ok(())
}
