//! What is refused, and what never answers, is an error within the timeout.

use std::net::{Ipv4Addr, TcpListener};
use std::time::Duration;

use serde_json::json;
use sio_actix::{ConnectError as Refusal, Forbidden, Io};
use sio_client::test::{TestClient, TestServer};
use sio_client::{Client, ClientError, ConfigError, ConnectError, TransportError, TransportMode};

use crate::raw::{RawServer, Reply, ok, status};

const MODES: [TransportMode; 3] =
    [TransportMode::Upgrade, TransportMode::Polling, TransportMode::Websocket];

fn plain() -> Io {
    Io::builder().namespace("/", |_| {}).build()
}

async fn connect(url: &str, mode: TransportMode) -> Result<(), ConnectError> {
    let timeout = Duration::from_millis(500);
    let client = Client::builder(url).transport(mode).connect_timeout(timeout).build()?;
    client.socket("/").connect().await
}

#[actix_web::test]
async fn wrong_port_is_an_io_error() {
    // Bound and closed again: nobody listens there.
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    for mode in MODES {
        let result = connect(&url, mode).await;
        let refused = |kind| kind == std::io::ErrorKind::ConnectionRefused;
        assert!(
            matches!(&result, Err(ConnectError::Transport(TransportError::Io { kind, .. })) if refused(*kind)),
            "{result:?}"
        );
    }
}

#[actix_web::test]
async fn urls_that_cannot_be_used_are_refused() {
    for url in ["", "localhost", "ftp://a", "http://"] {
        assert!(matches!(Client::builder(url).build(), Err(ConfigError::Url(_))), "{url}");
    }
    let error = Client::builder("http://a/chat").build().unwrap_err();
    assert_eq!(error, ConfigError::UrlPath("/chat".to_owned()));
    let error = Client::builder("http://a").header("a b", "c").build().unwrap_err();
    assert_eq!(error, ConfigError::Header("a b".to_owned()));
}

on_both! {
    async fn wrong_path_is_refused(srv = plain()) {
        for mode in MODES {
            let result = srv.client().transport(mode).path("/elsewhere").connect().await;
            let error = result.unwrap_err();
            assert!(
                matches!(error, ConnectError::Transport(TransportError::Refused { status: 404, .. })),
                "{error:?}"
            );
        }
        srv.stop().await;
        Ok(())
    }

    async fn unknown_namespace_is_refused(srv = plain()) {
        for mode in MODES {
            let error = srv.client().transport(mode).namespace("/no").connect().await.unwrap_err();
            let expected =
                ConnectError::Refused { message: "Invalid namespace".to_owned(), data: None };
            assert_eq!(error, expected);
        }
        srv.stop().await;
        Ok(())
    }

    async fn refusing_guard_gives_message_and_data(srv = Io::builder().namespace("/vip", |ns| {
        ns.connect_guard(async |auth: sio_actix::Auth<serde_json::Value>| {
            if auth.0["token"] == "secret" {
                return Ok(());
            }
            Err(Refusal::new("not authorized").with_data(json!({ "code": 401 })))
        });
    }).build()) {
        let error = TestClient::connect(&srv, "/vip").await.unwrap_err();
        let data = Some(json!({ "code": 401 }));
        assert_eq!(error, ConnectError::Refused { message: "not authorized".to_owned(), data });
        let client =
            srv.client().namespace("vip").auth(json!({ "token": "secret" })).connect().await?;
        assert!(client.socket().is_connected());
        drop(client);
        srv.stop().await;
        Ok(())
    }

    async fn refused_handshake_gives_the_servers_words(srv = Io::builder()
        .namespace("/", |_| {})
        .allow_request(async |_| Err(Forbidden::from("closed today")))
        .build())
    {
        let error = TestClient::connect(&srv, "/").await.unwrap_err();
        let expected = TransportError::Refused {
            status: 403,
            code: Some(4),
            message: "closed today".to_owned(),
        };
        assert_eq!(error, ConnectError::Transport(expected));
        let websocket = srv.client().transport(TransportMode::Websocket).connect().await;
        let error = websocket.unwrap_err();
        assert!(
            matches!(error, ConnectError::Transport(TransportError::Refused { status: 400, .. })),
            "{error:?}"
        );
        srv.stop().await;
        Ok(())
    }

    async fn auth_must_be_an_object(srv = plain()) {
        let error = srv.client().auth("token").connect().await.unwrap_err();
        assert!(matches!(error, ConnectError::Auth(_)), "{error:?}");
        let error = srv.client().namespace("/a,b").connect().await.unwrap_err();
        assert!(matches!(error, ConnectError::Config(ConfigError::Namespace(_))), "{error:?}");
        srv.stop().await;
        Ok(())
    }
}

#[actix_web::test]
async fn silent_server_is_a_timeout() {
    let srv = RawServer::start(|_| Reply::Silence).await;
    for mode in MODES {
        let error = connect(&srv.url, mode).await.unwrap_err();
        assert!(
            matches!(
                error,
                ConnectError::Timeout(_) | ConnectError::Transport(TransportError::Timeout(_))
            ),
            "{error:?}"
        );
    }
}

#[actix_web::test]
async fn what_is_no_socket_io_server_is_an_error() {
    let answers: [fn() -> Reply; 8] = [
        || ok(""),
        || ok("<html>hello</html>"),
        || ok("0{\"sid\":1}"),
        || status(500, "broken"),
        || Reply::Last(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nshort".to_vec()),
        || Reply::Last(b"SSH-2.0-OpenSSH_9.9\r\n".to_vec()),
        || Reply::Last(Vec::new()),
        || Reply::Last(vec![0xff; 3000]),
    ];
    for (index, answer) in answers.into_iter().enumerate() {
        let srv = RawServer::start(move |_| answer()).await;
        for mode in MODES {
            let error = connect(&srv.url, mode).await.unwrap_err();
            let is_timeout = matches!(
                error,
                ConnectError::Timeout(_) | ConnectError::Transport(TransportError::Timeout(_))
            );
            assert!(
                matches!(error, ConnectError::Transport(_)) && !is_timeout,
                "{index} {error:?}"
            );
        }
    }
}

#[actix_web::test]
async fn oversize_answer_is_refused() {
    let srv = RawServer::start(|_| ok(&"x".repeat(100_000))).await;
    let client =
        Client::builder(&srv.url).limits(|limits| limits.max_message_size = 1000).build().unwrap();
    let error = client.socket("/").connect().await.unwrap_err();
    assert_eq!(error, ConnectError::Transport(TransportError::TooLarge { limit: 1000 }));
}

#[actix_web::test]
async fn a_failed_first_connection_is_not_repeated() -> Result<(), ClientError> {
    let srv = TestServer::start(plain()).await;
    let port = srv.port();
    srv.stop().await;
    let client = Client::builder(&format!("http://127.0.0.1:{port}")).build()?;
    let socket = client.socket("/");
    assert!(socket.connect().await.is_err());
    assert!(!socket.is_active());
    let srv = TestServer::builder(plain()).port(port).start().await;
    socket.connect().await?;
    assert!(socket.is_connected());
    client.close().await;
    srv.stop().await;
    Ok(())
}
