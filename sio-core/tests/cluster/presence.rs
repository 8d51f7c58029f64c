//! Which namespaces and rooms the adapter hears of; the handle of a node.

use sio_core::server::Io;

use crate::world::{World, joining};

#[test]
fn namespaces_are_opened_when_they_come_and_closed_when_they_go() {
    let mut world = World::empty();
    world.add(joining().namespace("/org/{org}", |_| {}), |_| {});
    assert_eq!(world.exchange.take_told(0), ["+/"]);
    let mut client = world[0].websocket();
    client.connect("/org/a");
    assert_eq!(world.exchange.take_told(0), ["+/org/a"]);
    let mut second = world[0].websocket();
    second.connect("/org/a");
    client.exchange("41/org/a,");
    assert_eq!(world.exchange.take_told(0), [""; 0]);
    second.drop_connection();
    world.settle();
    assert_eq!(world.exchange.take_told(0), ["-/org/a"]);
    world[0].io.namespace("/late", |_| {});
    world[0].io.namespace("/late", |_| {});
    assert_eq!(world.exchange.take_told(0), ["+/late"]);
}

#[test]
fn rooms_are_told_to_an_adapter_that_watches_them() {
    let mut world = World::empty();
    world.add(joining().namespace("/org/{org}", |_| {}), |joint| joint.watches_rooms = true);
    world.exchange.take_told(0);
    let mut client = world[0].websocket();
    let id = client.connect("/org/a");
    let own = format!("/org/a +{id} own");
    assert_eq!(world.exchange.take_told(0), ["+/org/a", &own]);
    let org = world[0].io.of("/org/a");
    org.sockets_join(["r", "r"]);
    assert_eq!(world.exchange.take_told(0), ["/org/a +r"]);
    let mut other = world[0].websocket();
    other.connect("/org/a");
    world.exchange.take_told(0);
    // The room of another socket's id is still that socket's own.
    org.except(id.as_str()).sockets_join([id.as_str(), "r"]);
    org.sockets_leave("r");
    assert_eq!(world.exchange.take_told(0), ["/org/a -r"]);
    other.exchange("41/org/a,");
    world.exchange.take_told(0);
    client.drop_connection();
    world.settle();
    assert_eq!(world.exchange.take_told(0), [format!("/org/a -{id} own"), "-/org/a".to_owned()]);
}

#[test]
fn rooms_are_not_told_to_one_that_does_not_watch_them() {
    let world = World::of_three(joining);
    world.exchange.take_told(0);
    let _clients = world.clients("/");
    world[0].io.sockets_join("r");
    assert_eq!(world.exchange.take_told(0), [""; 0]);
}

#[test]
fn a_server_without_an_adapter_is_ready_and_has_no_id() {
    let world = World::empty();
    let server = crate::carrier::Server::start(Io::builder());
    assert_eq!(server.io.node_id(), None);
    assert_eq!(server.io.cluster_stats(), None);
    world.now(server.io.ready()).unwrap();
    world.now(server.io.leave_cluster());
}

#[test]
fn a_node_tells_when_it_cannot_be_ready() {
    let world = World::of_three(joining);
    world.now(world[0].io.ready()).unwrap();
    world.exchange.set_unavailable(true);
    let error = world.now(world[0].io.ready()).unwrap_err();
    assert_eq!(error.to_string(), "the cluster cannot be reached: refused");
}

#[test]
fn a_node_leaves_once_and_tells_nothing_afterwards() {
    let world = World::of_three(joining);
    let mut clients = world.clients("/");
    world.now(world[0].io.leave_cluster());
    world.now(world[0].io.leave_cluster());
    assert_eq!(world.exchange.stops(), 1);
    world.exchange.take_log();
    world[0].io.emit("a", ()).unwrap();
    assert_eq!(world.exchange.take_log().len(), 0);
    assert_eq!(world.frames(&mut clients), ["42[\"a\"]", "", ""]);
    let error = world.now(world[0].io.ready()).unwrap_err();
    assert!(error.to_string().starts_with("the cluster cannot be reached: "), "{error}");
}
