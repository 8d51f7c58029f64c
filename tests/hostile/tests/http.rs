//! Hostile HTTP and polling requests: cases 1 to 23 of `docs/hostile.md`.

use hostile::Target;
use integration::Http;

fn target() -> Target {
    Target::start(env!("CARGO_BIN_EXE_target"), &[])
}

#[test]
fn row_01_an_unknown_transport_is_code_0() {
    let target = target();
    let bystander = target.bystander();
    for name in ["__proto__", "constructor", "carrier%20pigeon", ""] {
        let mut http = Http::connect_to(target.address());
        let refused = http.get(&format!("/socket.io/?EIO=4&transport={name}"));
        refused.expect(400, r#"{"code":0,"message":"Transport unknown"}"#);
    }
    bystander.unharmed();
}
