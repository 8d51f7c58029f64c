// What carries WebSockets is another under actix's own server: a part of the tests once more, there.
import { REFERENCE } from "./harness.mjs";

process.env.SIO_TEST_SERVER = "stock";
if (!REFERENCE) {
  await import("./binary.test.mjs");
  await import("./connect.test.mjs");
  await import("./disconnect.test.mjs");
  await import("./text.test.mjs");
}
