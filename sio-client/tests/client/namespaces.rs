//! Several namespaces over one connection.

use serde_json::json;
use sio_actix::{Auth, Io, Socket};
use sio_client::test::{TestClient, TestServer};
use sio_client::{ClientError, ConnectError, DisconnectReason};

fn three() -> Io {
    Io::builder()
        .namespace("/", |ns| {
            ns.on("where", async |s: Socket| s.namespace().path().to_owned());
        })
        .namespace("/a", |ns| {
            ns.on("where", async |s: Socket| s.namespace().path().to_owned());
            ns.on("leave", async |s: Socket| s.disconnect(false));
            ns.on("all", async |s: Socket| s.disconnect(true));
        })
        .namespace("/b", |ns| {
            ns.on_connection(async |s: Socket, auth: Auth<serde_json::Value>| {
                s.emit("welcome", auth.0)
            });
        })
        .build()
}

on_both! {
    async fn namespaces_share_one_session(srv = three()) {
        let root = TestClient::connect(&srv, "/").await?;
        let a = root.join("/a").await?;
        assert_eq!(srv.io().session_count(), 1);
        assert_ne!(root.id(), a.id());
        let (at_root, at_a) =
            (root.emit_with_ack::<String>("where", ()), a.emit_with_ack::<String>("where", ()));
        assert_eq!((at_root.await?, at_a.await?), ("/".to_owned(), "/a".to_owned()));
        let error = root.join("/unknown").await.unwrap_err();
        assert!(matches!(error, ConnectError::Refused { .. }), "{error}");
        drop(a);
        assert_eq!(root.emit_with_ack::<String>("where", ()).await?, "/");
        root.close().await;
        srv.stop().await;
        Ok(())
    }

    async fn server_ends_one_namespace_and_then_all(srv = three()) {
        let root = TestClient::connect(&srv, "/").await?;
        let a = root.join("/a").await?;
        a.emit("leave", ()).await?;
        assert_eq!(a.disconnected().await?, DisconnectReason::ServerDisconnect);
        assert!(!a.socket().is_active());
        assert!(a.emit("where", ()).await.is_err());
        assert_eq!(root.emit_with_ack::<String>("where", ()).await?, "/");
        // The same namespace again, over the same session.
        a.socket().connect().await?;
        a.emit("all", ()).await?;
        assert_eq!(a.disconnected().await?, "io server disconnect");
        root.disconnected().await?;
        srv.stop().await;
        Ok(())
    }

    async fn auth_and_first_events_of_a_namespace(srv = three()) {
        let client = srv.client().namespace("/b").auth(json!({ "token": "t" })).connect().await?;
        let welcome: serde_json::Value = client.next("welcome").await?;
        assert_eq!(welcome, json!({ "token": "t" }));
        assert!(!client.id().is_empty());
        client.close().await;
        srv.stop().await;
        Ok(())
    }

    async fn one_namespace_has_one_socket(srv = three()) {
        let root = TestClient::connect(&srv, "/").await?;
        let again = root.socket().client().socket("");
        assert!(again.is_connected());
        assert_eq!(again.id(), root.socket().id());
        drop(root);
        // The other handle holds the namespace.
        let place: String = again.emit_with_ack("where", ()).await?;
        assert_eq!(place, "/");
        drop(again);
        srv.stop().await;
        Ok(())
    }
}
