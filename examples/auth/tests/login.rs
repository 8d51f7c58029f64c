//! Logins by cookie and by token.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::time::Duration;

use actix_web::cookie::Key;
use auth::{Users, app, socket_io};
use serde_json::{Value, json};
use sio_client::test::{TestClient, TestServer};
use sio_client::{Args, ClientError, DisconnectReason};

async fn server() -> (TestServer, Users) {
    let key = Key::generate();
    let users = Users::new(&key);
    let (io, own) = (socket_io(&users), users.clone());
    let app_io = io.clone();
    let srv =
        TestServer::builder(io).app(move |config| app(&app_io, &own, &key)(config)).start().await;
    (srv, users)
}

/// Logs in as a page does: the session cookie, and the token.
async fn log_in(srv: &TestServer, name: &str, password: &str) -> Option<(String, String)> {
    let credentials = json!({ "name": name, "password": password });
    let request = awc::Client::new().post(format!("{}/login", srv.url()));
    let mut answer = request.send_json(&credentials).await.unwrap();
    if answer.status() != 200 {
        return None;
    }
    let cookie = answer
        .cookies()
        .unwrap()
        .iter()
        .map(|cookie| cookie.stripped().to_string())
        .next()
        .unwrap();
    let token: Value = answer.json().await.unwrap();
    Some((cookie, token["token"].as_str().unwrap().to_owned()))
}

async fn with_cookie(
    srv: &TestServer,
    cookie: &str,
) -> Result<TestClient, sio_client::ConnectError> {
    srv.client().header("cookie", cookie).connect().await
}

async fn with_token(srv: &TestServer, token: &str) -> Result<TestClient, sio_client::ConnectError> {
    srv.client().auth(json!({ "token": token })).connect().await
}

#[actix_web::test]
async fn nobody_comes_in_without_a_cookie_or_a_token() {
    let (srv, users) = server().await;
    assert!(log_in(&srv, "ada", "wrong").await.is_none());
    let error = TestClient::connect(&srv, "/").await.unwrap_err().to_string();
    assert!(error.contains("not logged in"), "{error}");
    let error = with_cookie(&srv, "id=forged").await.unwrap_err().to_string();
    assert!(error.contains("not logged in"), "{error}");
    let elsewhere = Users::new(&Key::generate()).token("ada").unwrap();
    let over = users.token_for("ada", Duration::ZERO).unwrap();
    for token in ["", "x.y.z", &elsewhere, &over] {
        let error = with_token(&srv, token).await.unwrap_err().to_string();
        assert!(error.contains("token expired or unknown"), "{error}");
    }
}

#[actix_web::test]
async fn a_cookie_and_a_token_say_who_somebody_is() -> Result<(), ClientError> {
    let (srv, _) = server().await;
    let (cookie, token) = log_in(&srv, "ada", "lovelace").await.unwrap();
    let (page, program) =
        (with_cookie(&srv, &cookie).await.unwrap(), with_token(&srv, &token).await.unwrap());
    assert_eq!(page.emit_with_ack::<String>("whoami", ()).await?, "ada");
    assert_eq!(program.emit_with_ack::<String>("whoami", ()).await?, "ada");
    Ok(())
}

#[actix_web::test]
async fn a_note_reaches_all_devices_of_a_user_and_nobody_else() -> Result<(), ClientError> {
    let (srv, users) = server().await;
    let (cookie, _) = log_in(&srv, "bob", "builder").await.unwrap();
    let phone = with_token(&srv, &users.token("bob").unwrap()).await.unwrap();
    let page = with_cookie(&srv, &cookie).await.unwrap();
    let ada = with_token(&srv, &users.token("ada").unwrap()).await.unwrap();
    ada.emit_with_ack::<()>("note", ("bob", "hello")).await?;
    for device in [&phone, &page] {
        let note = device.next::<Args<(String, String)>>("note").await?;
        assert_eq!(note.0, ("ada".to_owned(), "hello".to_owned()));
    }
    ada.expect_none_of("note", Duration::from_millis(50)).await
}

#[actix_web::test]
async fn a_token_that_runs_out_ends_its_socket_unless_it_is_renewed() -> Result<(), ClientError> {
    let (srv, users) = server().await;
    let short = || users.token_for("ada", Duration::from_secs(2)).unwrap();
    let (leaves, stays) =
        (with_token(&srv, &short()).await.unwrap(), with_token(&srv, &short()).await.unwrap());
    let error = stays.emit_with_ack::<()>("renew", users.token("bob").unwrap()).await.unwrap_err();
    assert!(error.to_string().contains("somebody else"), "{error}");
    stays.emit_with_ack::<()>("renew", users.token("ada").unwrap()).await?;
    assert_eq!(leaves.disconnected().await?, DisconnectReason::ServerDisconnect);
    assert_eq!(stays.emit_with_ack::<String>("whoami", ()).await?, "ada");
    Ok(())
}

#[actix_web::test]
async fn logging_out_ends_the_connections_of_the_user() -> Result<(), ClientError> {
    let (srv, users) = server().await;
    let (cookie, _) = log_in(&srv, "ada", "lovelace").await.unwrap();
    let page = with_cookie(&srv, &cookie).await.unwrap();
    let bob = with_token(&srv, &users.token("bob").unwrap()).await.unwrap();
    let logout = awc::Client::new().post(format!("{}/logout", srv.url()));
    let answer = logout.insert_header(("cookie", cookie)).send().await.unwrap();
    assert_eq!(answer.status(), 204);
    page.disconnected().await?;
    assert_eq!(bob.emit_with_ack::<String>("whoami", ()).await?, "bob");
    Ok(())
}
