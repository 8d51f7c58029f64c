//! Scenarios of the client crate `rust_socketio`; the server is described in
//! `tests/interop/reference-server.mjs`.
//!
//! `rust-socketio-client URL polling|websocket|upgrade SCENARIO...`
//!
//! Prints `ok SCENARIO`, or `not ok SCENARIO` with the reason. `restart` prints `connected` when the server
//! may be ended and started again.

use std::time::Duration;

use futures_util::FutureExt as _;
use rust_socketio::asynchronous::{Client, ClientBuilder};
use rust_socketio::{Event, Payload, TransportType};
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::timeout;

const DEADLINE: Duration = Duration::from_secs(10);

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// A client and what it heard: the event's name and its payload.
struct Peer {
    client: Client,
    heard: UnboundedReceiver<(String, Payload)>,
    answers: UnboundedReceiver<Payload>,
    answer: UnboundedSender<Payload>,
}

async fn connect(
    url: &str,
    transport: TransportType,
    build: impl FnOnce(ClientBuilder) -> ClientBuilder,
) -> Result<Peer, Failure> {
    let (hear, heard) = unbounded_channel();
    let (answer, answers) = unbounded_channel();
    let (opened, failed) = (hear.clone(), hear.clone());
    let builder = ClientBuilder::new(url)
        .transport_type(transport)
        .reconnect(false)
        .on_any(move |event, payload, _| {
            let _gone = hear.send((String::from(event), payload));
            async {}.boxed()
        })
        .on(Event::Connect, move |payload, _| {
            let _gone = opened.send(("connect".to_owned(), payload));
            async {}.boxed()
        })
        .on(Event::Error, move |payload, _| {
            let _gone = failed.send(("error".to_owned(), payload));
            async {}.boxed()
        });
    let client = timeout(DEADLINE, build(builder).connect()).await??;
    Ok(Peer { client, heard, answers, answer })
}

impl Peer {
    /// What the next event of that name carries.
    async fn next(&mut self, event: &str) -> Result<Payload, Failure> {
        timeout(DEADLINE, async {
            while let Some((name, payload)) = self.heard.recv().await {
                if name == event {
                    return Ok(payload);
                }
            }
            Err(format!("no {event}").into())
        })
        .await?
    }

    /// Emits and gives the arguments of the ack.
    async fn call(&mut self, event: &str, payload: impl Into<Payload>) -> Result<Payload, Failure> {
        let answer = self.answer.clone();
        let callback = move |payload: Payload, _: Client| {
            let _gone = answer.send(payload);
            async {}.boxed()
        };
        self.client.emit_with_ack(event, payload, DEADLINE, callback).await?;
        timeout(DEADLINE, self.answers.recv()).await?.ok_or_else(|| "no answer".into())
    }

    async fn close(self) -> Result<(), Failure> {
        Ok(timeout(DEADLINE, self.client.disconnect()).await??)
    }
}

fn check(got: Payload, expected: Payload) -> Result<(), Failure> {
    if got == expected { Ok(()) } else { Err(format!("{got:?} is not {expected:?}").into()) }
}

/// The ack's list of arguments arrives as one value.
fn arguments(payload: Payload) -> Payload {
    match payload {
        Payload::Text(mut values) => match values.first_mut().map(Value::take) {
            Some(Value::Array(values)) => Payload::Text(values),
            Some(value) => Payload::Text(vec![value]),
            None => Payload::Text(values),
        },
        other => other,
    }
}

async fn carry_out(url: &str, transport: TransportType, scenario: &str) -> Result<(), Failure> {
    let kind = || match transport {
        TransportType::Polling => TransportType::Polling,
        TransportType::Websocket => TransportType::Websocket,
        _ => TransportType::WebsocketUpgrade,
    };
    match scenario {
        "refused" => {
            let auth = json!({ "token": "wrong" });
            let guarded = |io: ClientBuilder| io.namespace("/guarded").auth(auth);
            let mut peer = connect(url, kind(), guarded).await?;
            let Payload::Text(error) = peer.next("error").await? else {
                return Err("no text".into());
            };
            let text = error.iter().map(Value::to_string).collect::<String>();
            if text.contains("not authorized") { Ok(()) } else { Err(text.into()) }
        }
        "events" => {
            let mut peer = connect(url, kind(), |io| io).await?;
            peer.next("connect").await?;
            for value in [json!("hello"), json!({ "a": [1, null, "é€😀"] }), json!(false)] {
                let answer = peer.call("echo", vec![value.clone()]).await?;
                check(arguments(answer), Payload::Text(vec![value]))?;
            }
            peer.client.emit("echo", vec![json!(1), json!("two")]).await?;
            check(peer.next("echo").await?, Payload::Text(vec![json!(1), json!("two")]))?;
            peer.client.emit("count", vec![json!(200)]).await?;
            for i in 0..200 {
                check(peer.next("n").await?, Payload::Text(vec![json!(i)]))?;
            }
            peer.close().await
        }
        "binary" => {
            let mut peer = connect(url, kind(), |io| io).await?;
            peer.next("connect").await?;
            let bytes: Vec<u8> = (0..=255).collect();
            peer.client.emit("echo", bytes.clone()).await?;
            check(peer.next("echo").await?, Payload::from(bytes))?;
            peer.client.emit("make-binary", vec![json!(5)]).await?;
            check(peer.next("binary").await?, Payload::from(vec![0, 1, 2, 3, 4]))?;
            peer.close().await
        }
        "auth" => {
            let auth = json!({ "token": "secret" });
            let guarded = |io: ClientBuilder| io.namespace("/guarded").auth(auth);
            let mut peer = connect(url, kind(), guarded).await?;
            peer.next("connect").await?;
            let Payload::Text(answer) = arguments(peer.call("handshake", Vec::<Value>::new()).await?) else {
                return Err("no text".into());
            };
            let token = answer.first().map(|handshake| handshake["auth"]["token"].clone());
            if token == Some(json!("secret")) { Ok(()) } else { Err(format!("{answer:?}").into()) }
        }
        "broadcast" => {
            let mut first = connect(url, kind(), |io| io).await?;
            let mut second = connect(url, kind(), |io| io).await?;
            first.next("connect").await?;
            second.next("connect").await?;
            let room = json!(format!("hall {}", std::process::id()));
            first.call("join", vec![room.clone()]).await?;
            second.call("join", vec![room.clone()]).await?;
            let cast = vec![json!({ "to": [room] }), json!("said"), json!("é")];
            first.call("cast", cast).await?;
            check(second.next("said").await?, Payload::Text(vec![json!("é")]))?;
            second.client.emit("kick", vec![json!(false)]).await?;
            first.close().await
        }
        "restart" => {
            let again = |io: ClientBuilder| {
                io.reconnect(true).reconnect_on_disconnect(true).reconnect_delay(50, 200)
            };
            let mut peer = connect(url, kind(), again).await?;
            peer.next("connect").await?;
            println!("connected");
            peer.next("connect").await?;
            let answer = peer.call("echo", vec![json!("again")]).await?;
            check(arguments(answer), Payload::Text(vec![json!("again")]))
        }
        other => Err(format!("unknown scenario {other}").into()),
    }
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [url, transport, scenarios @ ..] = args.as_slice() else {
        return Err("usage: URL polling|websocket|upgrade SCENARIO...".into());
    };
    for scenario in scenarios {
        let transport = match transport.as_str() {
            "polling" => TransportType::Polling,
            "websocket" => TransportType::Websocket,
            _ => TransportType::WebsocketUpgrade,
        };
        match timeout(3 * DEADLINE, carry_out(url, transport, scenario)).await {
            Ok(Ok(())) => println!("ok {scenario}"),
            Ok(Err(failure)) => println!("not ok {scenario} {}", failure.to_string().replace('\n', " ")),
            Err(_) => println!("not ok {scenario} took too long"),
        }
    }
    Ok(())
}
