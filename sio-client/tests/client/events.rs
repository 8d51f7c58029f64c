//! Listening: once, next, stream, on, on_any, off.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use sio_actix::{Io, Socket};
use sio_client::test::{TestClient, TestServer};
use sio_client::{Args, ClientError, ReceiveError, Rest, TransportMode, Value};

fn app() -> Io {
    Io::builder()
        .namespace("/", |ns| {
            ns.on("echo", async |s: Socket, args: Rest<Value>| s.emit("echo", args));
            ns.on("burst", async |s: Socket, n: i64| {
                for i in 0..n {
                    s.emit("tick", i)?;
                }
                Ok::<_, sio_actix::EmitError>(n)
            });
        })
        .build()
}

on_both! {
    async fn once_counts_from_its_call(srv = app()) {
        let client = TestClient::connect(&srv, "/").await?;
        let first = client.once::<i64>("tick");
        let _: i64 = client.emit_with_ack("burst", 3).await?;
        let later = client.once::<i64>("tick");
        let _: i64 = client.emit_with_ack("burst", 1).await?;
        // All three of the first burst were there before the second began.
        assert_eq!((first.await?, later.await?), (0, 0));
        // `next` sees them all, in order.
        let mut seen = Vec::new();
        for _ in 0..4 {
            seen.push(client.next::<i64>("tick").await?);
        }
        assert_eq!(seen, [0, 1, 2, 0]);
        assert_eq!(client.received().len(), 4);
        drop(client);
        srv.stop().await;
        Ok(())
    }

    async fn arguments_are_read_in_every_form(srv = app()) {
        let client = TestClient::connect(&srv, "/").await?;
        let several = client.once::<Args<(i64, Option<String>, Vec<bool>)>>("echo");
        client.emit("echo", (1, None::<String>, [true, false].as_slice())).await?;
        assert_eq!(several.await?, Args((1, None, vec![true, false])));
        let all = client.once::<Rest<Value>>("echo");
        client.emit("echo", (1, "x")).await?;
        assert_eq!(all.await?, Rest(vec![Value::from(1), Value::from("x")]));
        let pair = client.once::<(i64, i64)>("echo");
        client.emit("echo", (vec![1, 2],)).await?;
        assert_eq!(pair.await?, (1, 2));
        let none = client.once::<()>("echo");
        client.emit("echo", ()).await?;
        none.await?;
        let wrong = client.once::<i64>("echo");
        client.emit("echo", "text").await?;
        let error = wrong.await.unwrap_err();
        assert!(matches!(error, ClientError::Receive(ReceiveError::Invalid(_))), "{error:?}");
        drop(client);
        srv.stop().await;
        Ok(())
    }

    async fn streams_and_listeners_get_all(srv = app()) {
        let client = TestClient::connect(&srv, "/").await?;
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (by_name, any) = (Arc::clone(&seen), Arc::clone(&seen));
        client.on("tick", move |i: i64| by_name.lock().unwrap().push(format!("tick {i}")));
        client.on_any(move |event, args| {
            any.lock().unwrap().push(format!("any {event} {}", args.json()));
        });
        client.on::<i64>("tick", |_| panic!("a listener's panic ends that call only"));
        let mut ticks = client.stream::<i64>("tick");
        let _: i64 = client.emit_with_ack("burst", 2).await?;
        assert_eq!((ticks.next().await?, ticks.next().await?), (0, 1));
        assert_eq!(*seen.lock().unwrap(), ["any tick 0", "tick 0", "any tick 1", "tick 1"]);
        client.off("tick");
        let _: i64 = client.emit_with_ack("burst", 1).await?;
        assert_eq!(seen.lock().unwrap().len(), 5, "only `on_any` is left");
        assert!(ticks.next().await.is_err(), "the stream ended");
        drop(client);
        srv.stop().await;
        Ok(())
    }

    async fn a_slow_stream_says_what_it_missed(srv = app()) {
        let client = TestClient::connect(&srv, "/").await?;
        let mut ticks = client.stream::<i64>("tick");
        let _: i64 = client.emit_with_ack("burst", 1010).await?;
        for i in 0..1000 {
            assert_eq!(ticks.next().await?, i);
        }
        let lagged = ClientError::Receive(ReceiveError::Lagged(10));
        assert_eq!(ticks.next().await, Err(lagged));
        drop(client);
        srv.stop().await;
        Ok(())
    }

    async fn a_vain_wait_lists_what_arrived(srv = app()) {
        let client = srv.client().timeout(Duration::from_millis(200)).connect().await?;
        let error = {
            let missing = client.once::<i64>("missing");
            let _: i64 = client.emit_with_ack("burst", 2).await?;
            missing.await.unwrap_err()
        };
        let text = "`missing` did not come within 200ms; 2 events arrived: `tick`(0), `tick`(1)";
        assert_eq!(error.to_string(), text);
        let error = client.emit_with_ack::<()>("nobody answers", ()).await.unwrap_err();
        assert!(error.to_string().starts_with("the ack of `nobody answers` did not"), "{error}");
        // What came before, and nobody noticed, is a surprise as well.
        let error = client.expect_none(Duration::from_secs(5)).await.unwrap_err();
        assert_eq!(error.to_string(), "nothing was expected, but `tick`(0) arrived");
        for number in 0..2 {
            assert_eq!(client.next::<i64>("tick").await?, number);
        }
        client.expect_none(Duration::from_millis(20)).await?;
        client.emit("echo", 1).await?;
        let error = client.expect_none(Duration::from_secs(5)).await.unwrap_err();
        assert_eq!(error.to_string(), "nothing was expected, but `echo`(1) arrived");
        client.emit("echo", 1).await?;
        client.expect_none_of("tick", Duration::from_millis(20)).await?;
        drop(client);
        srv.stop().await;
        Ok(())
    }

    async fn volatile_events_are_dropped_while_busy(srv = app()) {
        let client = srv.client().transport(TransportMode::Polling).build()?;
        // Not connected: dropped, not buffered.
        assert!(!client.socket().emit_volatile("echo", 1)?);
        client.emit("echo", 2).await?;
        client.socket().connect().await?;
        assert_eq!(client.next::<i64>("echo").await?, 2);
        // A push is under way from the first emit on; nothing of this gives way in between.
        client.socket().try_emit("echo", 3)?;
        assert!(!client.socket().emit_volatile("echo", 4)?);
        client.socket().try_emit("echo", 5)?;
        assert_eq!((client.next::<i64>("echo").await?, client.next::<i64>("echo").await?), (3, 5));
        drop(client);
        srv.stop().await;
        Ok(())
    }
}
