//! Parameters that come from the connection, in any order.

use std::sync::Arc;

use actix_web::web;
use controllers_tests::{Back, TestResult, ack, end, error};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sio_actix::prelude::*;
use sio_actix::{FromContext, Io, IoBuilder, Requirements};
use sio_client::test::TestClient;

#[derive(Debug, Deserialize, Serialize)]
struct Token {
    token: String,
}

#[derive(Deserialize)]
struct Page {
    page: u8,
    size: Option<u8>,
}

#[derive(Deserialize)]
struct Headers {
    x_client: String,
}

/// Both an argument and application data: data wins, as everything in `web::Data` does.
#[derive(Debug, Deserialize, Serialize)]
struct Settings {
    limit: u8,
}

struct Missing;

struct User(String);

/// A type of the user's, from the state that a guard left.
struct Name(String);

impl FromContext for Name {
    fn from_context(cx: &EventCx<'_>) -> Result<Self, EventError> {
        let user = cx.state::<User>();
        let user = user.ok_or_else(|| EventError::new("unauthorized", "log in first"))?;
        Ok(Self(user.0.clone()))
    }
}

/// One that may be missing, and one that needs data.
struct Mood;

impl FromContext for Mood {
    fn from_context(_: &EventCx<'_>) -> Result<Self, EventError> {
        Err(EventError::absent("nobody has a mood"))
    }
}

struct Limit(u8);

impl FromContext for Limit {
    fn from_context(cx: &EventCx<'_>) -> Result<Self, EventError> {
        let data = cx.data::<web::Data<Settings>>();
        data.map(|data| Self(data.limit)).ok_or_else(|| EventError::absent("no settings"))
    }

    fn requirements(requirements: &mut Requirements) {
        requirements.data::<web::Data<Settings>>();
    }
}

struct Context;

#[ws_controller("/ctx/{id}")]
impl Context {
    #[connect_guard]
    fn admitted(&self, auth: Option<Auth<Token>>) -> Option<State<User>> {
        auth.map(|auth| State::new(User(auth.0.token)))
    }

    #[on_message("everything")]
    fn everything(
        &self,
        a: u8,
        socket: Socket,
        State(user): State<User>,
        b: String,
        io: Io,
        ns: NamespaceRef,
        settings: web::Data<Settings>,
        missing: Option<web::Data<Missing>>,
        handshake: Arc<Handshake>,
        Query(page): Query<Page>,
        Header(headers): Header<Headers>,
        Rest(rest): Rest<u8>,
    ) -> serde_json::Value {
        json!({
            "a": a,
            "user": user.0,
            "b": b,
            "same": io.of(socket.namespace().path()).socket_count() == ns.socket_count(),
            "limit": settings.limit,
            "missing": missing.is_none(),
            "query": handshake.query_value("page"),
            "page": [page.page, page.size.unwrap_or(7)],
            "client": headers.x_client,
            "rest": rest,
        })
    }

    #[on_message("others")]
    async fn others(
        self: Arc<Self>,
        state: Option<State<User>>,
        nothing: Option<State<Missing>>,
        handshake: Handshake,
        auth: Auth<Token>,
        NamespaceParam(id): NamespaceParam<u8>,
        EventName(event): EventName,
        name: Name,
        mood: Option<Mood>,
        Limit(limit): Limit,
        ack: AckSender,
        raw: RawArgs,
    ) {
        let some = state.is_some() && nothing.is_none() && mood.is_none();
        let answer = json!({
            "some": some,
            "url": handshake.url().starts_with("/socket.io/"),
            "token": auth.0.token,
            "id": id,
            "event": event,
            "name": name.0,
            "limit": limit,
            "raw": raw.text,
        });
        ack.send((answer,)).unwrap();
    }

    #[on_message("no state")]
    fn no_state(&self, state: State<Missing>) {
        drop(state);
    }

    #[on_message("name")]
    fn name(&self, name: Name, _number: u8) -> String {
        name.0
    }

    #[on_message("auth")]
    fn auth(&self, auth: Option<Auth<Token>>) -> Option<String> {
        auth.map(|auth| auth.0.token)
    }

    #[on_message("auth value")]
    fn auth_value(&self, auth: Auth<serde_json::Value>) -> serde_json::Value {
        auth.0
    }

    #[on_message("forced")]
    fn forced(#[arg] settings: Settings, #[ctx] socket: Socket) -> (u8, bool) {
        (settings.limit, socket.is_connected())
    }

    #[on_message("page")]
    fn page(&self, page: Query<Page>) -> u8 {
        page.0.page
    }

    #[on_message("header")]
    fn header(&self, headers: Header<Headers>) -> String {
        headers.0.x_client
    }
}

fn io() -> IoBuilder {
    Io::builder().data(web::Data::new(Settings { limit: 5 })).mount(Context)
}

#[actix_web::test]
async fn context_that_is_missing_is_an_error_unless_it_is_optional() -> TestResult {
    for back in Back::BOTH {
        let srv = back.start(io()).await;
        let client = TestClient::connect(&srv, "/ctx/1").await?;
        assert_eq!(error(&client, "no state", ()).await?["code"], "internal");
        assert_eq!(error(&client, "name", (1,)).await?["code"], "unauthorized");
        assert_eq!(ack(&client, "auth", ()).await?, json!([null]));
        assert_eq!(ack(&client, "auth value", ()).await?, json!([{}]));
        assert_eq!(error(&client, "page", ()).await?["code"], "bad_query");
        assert_eq!(error(&client, "header", ()).await?["code"], "bad_header");
        end(srv, client).await;
    }
    Ok(())
}

#[actix_web::test]
async fn optional_auth_that_does_not_fit_is_still_an_error() -> TestResult {
    for back in Back::BOTH {
        let srv = back.start(io()).await;
        let client = srv.client().namespace("/ctx/1").auth(json!({ "token": "SECRET", "x": 1 }));
        let client = client.connect().await?;
        assert_eq!(ack(&client, "auth", ()).await?, json!(["SECRET"]));
        end(srv, client).await;
        let srv = back.start(io()).await;
        let client =
            srv.client().namespace("/ctx/1").auth(json!({ "token": ["SECRET"] })).connect();
        let (message, data) = controllers_tests::refused(client.await);
        assert_eq!(data, Some(json!({ "code": "bad_auth" })));
        assert!(!message.contains("SECRET"), "{message}");
        end(srv, ()).await;
    }
    Ok(())
}

#[actix_web::test]
async fn every_context_type_in_any_order_between_arguments() -> TestResult {
    for back in Back::BOTH {
        let srv = back.start(io()).await;
        let client = srv.client().namespace("/ctx/9").auth(json!({ "token": "ada" }));
        let client = client.query("page", "3").header("X-Client", "test").connect().await?;
        let expected = json!([{
            "a": 1,
            "user": "ada",
            "b": "two",
            "same": true,
            "limit": 5,
            "missing": true,
            "query": "3",
            "page": [3, 7],
            "client": "test",
            "rest": [3, 4],
        }]);
        assert_eq!(ack(&client, "everything", (1, "two", 3, 4)).await?, expected);
        let wrong = error(&client, "everything", (1, 2, 3)).await?;
        assert!(wrong["message"].as_str().unwrap().starts_with("argument 1 "), "{wrong}");

        let expected = json!([{
            "some": true,
            "url": true,
            "token": "ada",
            "id": 9,
            "event": "others",
            "name": "ada",
            "limit": 5,
            "raw": r#"1,{"a":"b"}"#,
        }]);
        assert_eq!(ack(&client, "others", (1, json!({ "a": "b" }))).await?, expected);
        end(srv, client).await;
    }
    Ok(())
}

#[actix_web::test]
async fn marked_parameters_are_what_their_mark_says() -> TestResult {
    for back in Back::BOTH {
        let srv = back.start(io()).await;
        let client = TestClient::connect(&srv, "/ctx/1").await?;
        assert_eq!(ack(&client, "forced", (json!({ "limit": 9 }),)).await?, json!([9, true]));
        end(srv, client).await;
    }
    Ok(())
}
