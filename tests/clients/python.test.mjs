// python-socketio's clients, blocking and asyncio; the scenarios are in python/client.py.
import { fileURLToPath } from "node:url";
import { carryOut } from "./scenarios.mjs";

const SCRIPT = fileURLToPath(new URL("python/client.py", import.meta.url));
const SCENARIOS =
  "refused unknown_namespace events_and_acks order texts binary handshake namespaces rooms ends".split(" ");
const env = { PYTHONPATH: process.env.SIO_PYTHON_PACKAGES, PYTHONDONTWRITEBYTECODE: "1" };

for (const workers of [1, 2]) {
  for (const kind of ["sync", "asyncio"]) {
    for (const transport of ["polling", "websocket", "upgrade"]) {
      carryOut(`python ${kind}, ${transport}`, workers, SCENARIOS, (url, ...names) => [
        process.env.SIO_PYTHON,
        [SCRIPT, url, kind, transport, ...names],
        env,
      ]);
    }
  }
}
