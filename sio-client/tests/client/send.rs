//! Futures and handles go to other threads.

use sio_actix::Io;
use sio_client::test::TestServer;
use sio_client::{
    Client, ClientError, EventStream, LifeStream, Once, Socket, TransportMode, WeakSocket,
};

fn sendable<T: Send + 'static>(value: T) -> T {
    value
}

#[test]
fn handles_are_send_and_sync() {
    fn both<T: Send + Sync>() {}
    both::<Client>();
    both::<Socket>();
    both::<WeakSocket>();
    both::<Once<String>>();
    both::<EventStream<String>>();
    both::<LifeStream>();
}

#[test]
fn a_client_runs_on_many_threads() {
    let srv = actix_web::rt::System::new().block_on(async {
        let io = Io::builder()
            .namespace("/", |ns| {
                ns.on("double", async |n: i64| 2 * n);
            })
            .build();
        TestServer::builder(io).workers(2).start().await
    });
    let url = srv.url();
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build().unwrap();
    runtime.block_on(async move {
        for mode in [TransportMode::Upgrade, TransportMode::Polling, TransportMode::Websocket] {
            let client = Client::builder(&url).transport(mode).build().unwrap();
            let socket = client.socket("/");
            tokio::spawn(sendable({
                let socket = socket.clone();
                async move { socket.connect().await }
            }))
            .await
            .unwrap()
            .unwrap();
            let tasks: Vec<_> = (0..50i64)
                .map(|n| {
                    let socket = socket.clone();
                    tokio::spawn(sendable(async move {
                        let doubled: i64 = socket.emit_with_ack("double", n).await?;
                        assert_eq!(doubled, 2 * n);
                        socket.emit("double", n).await?;
                        Ok::<(), ClientError>(())
                    }))
                })
                .collect();
            for task in tasks {
                task.await.unwrap().unwrap();
            }
            client.close().await;
        }
    });
    drop(srv);
}

#[test]
fn sockets_come_and_go_on_many_threads() {
    let srv = actix_web::rt::System::new().block_on(async {
        let mut io = Io::builder();
        for namespace in ["/a", "/b", "/c", "/d"] {
            io = io.namespace(namespace, |ns| {
                ns.on("double", async |n: i64| 2 * n);
            });
        }
        TestServer::builder(io.build()).workers(2).start().await
    });
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build().unwrap();
    runtime.block_on(async {
        for mode in [TransportMode::Upgrade, TransportMode::Polling, TransportMode::Websocket] {
            let client = Client::builder(&srv.url())
                .transport(mode)
                .connect_timeout(std::time::Duration::from_secs(5))
                .build()
                .unwrap();
            let tasks: Vec<_> = ["/a", "/b", "/c", "/d"]
                .map(|namespace| {
                    let client = client.clone();
                    tokio::spawn(async move {
                        for n in 0..20 {
                            let socket = client.socket(namespace);
                            socket.connect().await?;
                            let doubled: i64 = socket.emit_with_ack("double", n).await?;
                            assert_eq!(doubled, 2 * n);
                            if n % 3 == 0 {
                                socket.disconnect();
                            }
                        }
                        Ok::<(), ClientError>(())
                    })
                })
                .into();
            for task in tasks {
                task.await.unwrap().unwrap();
            }
            client.close().await;
            assert!(client.is_idle());
        }
    });
    actix_web::rt::System::new().block_on(srv.stop());
}
