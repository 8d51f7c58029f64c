// The client crate rust_socketio; the scenarios are in rust/src/main.rs.
import { carryOut } from "./scenarios.mjs";

const SCENARIOS = "refused events auth broadcast".split(" ");
/** Over WebSocket this client's bytes reach the official server no better than ours. */
const OVER_POLLING = [...SCENARIOS, "binary"];

for (const workers of [1, 2]) {
  for (const transport of ["polling", "websocket", "upgrade"]) {
    carryOut(`rust_socketio, ${transport}`, workers, transport === "polling" ? OVER_POLLING : SCENARIOS, (url, ...names) => [
      process.env.SIO_RUST_CLIENT,
      [url, transport, ...names],
    ]);
  }
}
