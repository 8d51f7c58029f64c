//! Parameters, methods and types with the names that the expansion uses.

use sio_actix::prelude::*;

/// The traits and functions of the runtime, as far as a user may take the same names.
mod types {
    use serde::{Deserialize, Serialize};

    #[derive(Deserialize, Serialize)]
    pub(crate) struct Probe(pub(crate) u8);
    #[derive(Deserialize, Serialize)]
    pub(crate) struct Ret(pub(crate) u8);
    #[derive(Deserialize, Serialize)]
    pub(crate) struct Reply(pub(crate) u8);
    #[derive(Deserialize, Serialize)]
    pub(crate) struct Registrar(pub(crate) u8);
    #[derive(Deserialize, Serialize)]
    pub(crate) struct Dispatch(pub(crate) u8);
    #[derive(Deserialize, Serialize)]
    pub(crate) struct PickContext(pub(crate) u8);
}
use types::{Dispatch, PickContext, Probe, Registrar, Reply, Ret};

struct Names;

#[ws_controller("/names")]
impl Names {
    #[on_message("a")]
    #[expect(clippy::too_many_arguments, reason = "each is a name of the expansion")]
    async fn a(
        &self,
        cx: u8,
        args: u8,
        this: u8,
        ns: u8,
        outlet: u8,
        r: u8,
        a0: u8,
        a1: u8,
        out: u8,
        value: u8,
        reg: u8,
        req: u8,
    ) -> u8 {
        cx + args + this + ns + outlet + r + a0 + a1 + out + value + reg + req
    }

    #[on_message("b")]
    fn register(&self, socket: u8, e: u8, v: u8) -> u8 {
        socket + e + v
    }

    #[on_message("c")]
    fn pick(
        probe: Probe,
        ret: Ret,
        reply: Reply,
        registrar: Registrar,
        d: Dispatch,
        p: PickContext,
    ) -> u8 {
        probe.0 + ret.0 + reply.0 + registrar.0 + d.0 + p.0
    }

    #[on_message("d")]
    fn finish(&self, pick: PickContext) -> Ret {
        Ret(pick.0)
    }

    #[on_message("e")]
    async fn r#type(&self, r#in: u8) -> Reply {
        Reply(r#in)
    }
}

#[test]
fn is_mounted() {
    drop(Io::builder().mount(Names).build());
}
