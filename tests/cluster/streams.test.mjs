// The streams adapter: every operation, with and without recovery.
import { operations } from "./operations.mjs";

operations(["streams", "streams without recovery"]);
