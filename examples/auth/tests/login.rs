//! Logins by cookie and by token.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::time::Duration;

use actix_web::cookie::Key;
use auth::{Users, app, socket_io};
use serde_json::{Value, json};
use sio_client::test::{TestClient, TestServer};
use sio_client::{Args, ClientError, ConnectError, DisconnectReason, TransportMode};

const LONG: Duration = Duration::from_secs(60);
/// Ends within a test; what is signed counts whole seconds.
const SHORT: Duration = Duration::from_secs(2);

struct App {
    srv: TestServer,
    users: Users,
    key: Key,
}

impl App {
    async fn start(lifetime: Duration) -> Self {
        let key = Key::generate();
        let users = Users::new(&key, lifetime);
        let io = socket_io(&users);
        let (own_io, own_users, own_key) = (io.clone(), users.clone(), key.clone());
        let routes = move |config: &mut _| app(&own_io, &own_users, &own_key)(config);
        Self { srv: TestServer::builder(io).app(routes).start().await, users, key }
    }

    /// Logs in as a page does: the session cookie, and the token.
    async fn log_in(&self, name: &str, password: &str) -> Option<(String, String)> {
        let credentials = json!({ "name": name, "password": password });
        let request = awc::Client::new().post(format!("{}/login", self.srv.url()));
        let mut answer = request.send_json(&credentials).await.unwrap();
        if answer.status() != 200 {
            assert!(answer.cookies().unwrap().is_empty());
            return None;
        }
        let cookie = answer.cookies().unwrap()[0].stripped().to_string();
        let token: Value = answer.json().await.unwrap();
        Some((cookie, token["token"].as_str().unwrap().to_owned()))
    }

    async fn ada(&self) -> (String, String) {
        self.log_in("ada", "lovelace").await.unwrap()
    }

    /// Logs out with a cookie; what the cookie is afterwards.
    async fn log_out(&self, cookie: &str) -> (u16, String) {
        let request = awc::Client::new().post(format!("{}/logout", self.srv.url()));
        let answer = request.insert_header(("cookie", cookie)).send().await.unwrap();
        let cookies = answer.cookies().unwrap();
        let cookie = cookies.first().map(|cookie| cookie.stripped().to_string());
        (answer.status().as_u16(), cookie.unwrap_or_default())
    }

    async fn with_cookie(&self, cookie: &str) -> Result<TestClient, ConnectError> {
        self.srv.client().header("cookie", cookie).connect().await
    }

    async fn with_token(&self, token: &str) -> Result<TestClient, ConnectError> {
        self.srv.client().auth(json!({ "token": token })).connect().await
    }
}

#[track_caller]
fn assert_refused(client: Result<TestClient, ConnectError>, why: &str) {
    let error = client.unwrap_err().to_string();
    assert_eq!(error, format!("connection refused: {why}"));
}

#[actix_web::test]
async fn nobody_comes_in_without_a_login() {
    let app = App::start(LONG).await;
    assert_refused(TestClient::connect(&app.srv, "/").await, "not logged in");
    assert!(app.log_in("ada", "builder").await.is_none());
    assert!(app.log_in("eve", "").await.is_none());
    assert_eq!(app.log_out("").await.0, 401);
}

#[actix_web::test]
async fn a_cookie_that_was_tampered_with_is_none() {
    let app = App::start(LONG).await;
    let elsewhere = App::start(LONG).await;
    let (cookie, _) = app.ada().await;
    // Another character in the middle of what is encrypted.
    let middle = cookie.len() / 2;
    let other = if cookie.as_bytes()[middle] == b'A' { "B" } else { "A" };
    let mut changed = cookie.clone();
    changed.replace_range(middle..=middle, other);
    for bad in ["id=", "id=ada", &changed, &elsewhere.ada().await.0] {
        assert_refused(app.with_cookie(bad).await, "not logged in");
    }
    app.with_cookie(&cookie).await.unwrap();
}

#[actix_web::test]
async fn a_token_that_is_not_ours_or_over_is_refused() {
    let app = App::start(LONG).await;
    let elsewhere = Users::new(&Key::generate(), LONG).token("ada").unwrap();
    let (_, token) = app.ada().await;
    let parts: Vec<&str> = token.split('.').collect();
    // {"alg":"none"}
    let unsigned = format!("eyJhbGciOiJub25lIn0.{}.", parts[1]);
    let of_bob = app.users.token("bob").unwrap();
    let mixed = format!("{}.{}", of_bob.rsplit_once('.').unwrap().0, parts[2]);
    for bad in ["", "x.y.z", &elsewhere, &unsigned, &mixed] {
        assert_refused(app.with_token(bad).await, "token unknown or expired");
    }
    let over = Users::new(&app.key, Duration::ZERO).token("ada").unwrap();
    assert_refused(app.with_token(&over).await, "token unknown or expired");
    // A token that is wrong is not made up for by a cookie.
    let (cookie, _) = app.ada().await;
    let both = app.srv.client().header("cookie", cookie).auth(json!({ "token": "x" }));
    assert_refused(both.connect().await, "token unknown or expired");
}

#[actix_web::test]
async fn a_page_of_another_origin_does_not_speak_for_its_visitor() -> Result<(), ClientError> {
    let app = App::start(LONG).await;
    let (cookie, token) = app.ada().await;
    for mode in [TransportMode::Polling, TransportMode::Websocket] {
        let page = |origin: &str| app.srv.client().transport(mode).header("origin", origin);
        let foreign = page("http://evil.example").header("cookie", &cookie).connect().await;
        let error = foreign.unwrap_err().to_string();
        assert!(error.contains("403"), "{error}");
        let own = page(&app.srv.url()).header("cookie", &cookie).connect().await.unwrap();
        assert_eq!(own.emit_with_ack::<String>("whoami", ()).await?, "ada");
        // Nobody's browser adds a token by itself.
        let auth = json!({ "token": token });
        page("http://friend.example").auth(auth).connect().await.unwrap();
    }
    Ok(())
}

#[actix_web::test]
async fn logging_out_ends_all_connections_of_the_user_and_of_nobody_else() -> Result<(), ClientError>
{
    let app = App::start(LONG).await;
    let (cookie, token) = app.ada().await;
    let page = app.with_cookie(&cookie).await.unwrap();
    let phone = app.with_token(&token).await.unwrap();
    let bob = app.with_token(&app.users.token("bob").unwrap()).await.unwrap();
    let (status, emptied) = app.log_out(&cookie).await;
    assert_eq!(status, 204);
    for device in [page, phone] {
        assert_eq!(device.disconnected().await?, DisconnectReason::ServerDisconnect);
    }
    assert_refused(app.with_cookie(&emptied).await, "not logged in");
    assert_eq!(bob.emit_with_ack::<String>("whoami", ()).await?, "bob");
    Ok(())
}

#[actix_web::test]
async fn a_login_that_is_over_ends_its_socket_unless_it_is_renewed() -> Result<(), ClientError> {
    let app = App::start(SHORT).await;
    let longer = Users::new(&app.key, LONG);
    let (cookie, token) = app.ada().await;
    let page = app.with_cookie(&cookie).await.unwrap();
    let phone = app.with_token(&token).await.unwrap();
    let renewed = app.with_token(&token).await.unwrap();
    for bad in ["x".to_owned(), longer.token("bob").unwrap()] {
        let error = renewed.emit_with_ack::<()>("renew", bad).await.unwrap_err();
        assert!(error.to_string().contains("somebody else"), "{error}");
    }
    renewed.emit_with_ack::<()>("renew", longer.token("ada").unwrap()).await?;
    for device in [page, phone] {
        assert_eq!(device.disconnected().await?, DisconnectReason::ServerDisconnect);
    }
    assert_refused(app.with_cookie(&cookie).await, "login expired");
    assert_refused(app.with_token(&token).await, "token unknown or expired");
    assert_eq!(renewed.emit_with_ack::<String>("whoami", ()).await?, "ada");
    Ok(())
}

#[actix_web::test]
async fn a_note_reaches_all_devices_of_a_user_and_nobody_else() -> Result<(), ClientError> {
    let app = App::start(LONG).await;
    let (cookie, token) = app.log_in("bob", "builder").await.unwrap();
    let phone = app.with_token(&token).await.unwrap();
    let page = app.with_cookie(&cookie).await.unwrap();
    let ada = app.with_token(&app.users.token("ada").unwrap()).await.unwrap();
    ada.emit_with_ack::<()>("note", ("bob", "hello")).await?;
    for device in [&phone, &page] {
        let note = device.next::<Args<(String, String)>>("note").await?;
        assert_eq!(note.0, ("ada".to_owned(), "hello".to_owned()));
    }
    ada.expect_none_of("note", Duration::from_millis(50)).await
}
