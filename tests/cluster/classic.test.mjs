// The classic adapter: every operation.
import { operations } from "./operations.mjs";

operations(["classic", "classic, own response channels"]);
