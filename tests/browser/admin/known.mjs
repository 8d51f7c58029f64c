// What the instrumented servers and their tests both know.
import { createRequire } from "node:module";
import path from "node:path";

export const USER = "admin";
export const PASSWORD = "changeit";
/** The password's bcrypt hash. */
export const HASH = "$2b$10$heqvAkYMez.Va6Et2uXInOnkCT6/uQj1brkrbyG3LpopDklcq7ZOS";

/** The files of the official page. */
export const PAGE = path.join(
  path.dirname(createRequire(import.meta.url).resolve("@socket.io/admin-ui/package.json")),
  "ui/dist",
);
