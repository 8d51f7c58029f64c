// The sharded adapter in its three ways of subscribing: every operation.
import { operations } from "./operations.mjs";

operations(["sharded static", "sharded dynamic", "sharded dynamic-private"]);
