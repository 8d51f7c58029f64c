use sio_actix::prelude::*;

fn main() {
    Io::builder().namespace("/", |ns| {
        ns.on_server_side("a", |_socket: Socket| ());
    });
}
