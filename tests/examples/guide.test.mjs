// What the README and the guide show in other languages than Rust: it is run as it stands there, but for the port.
// Their Rust is run by `cargo test --doc`, their tables by `tests/integration/tests/guide`.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { copyFile, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { parseAllDocuments } from "yaml";
import { DEADLINE, eventually, startProgram, within } from "./programs.mjs";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const GUIDE = "sio-actix/src/docs/guide";
const PORT = "http://127.0.0.1:3000";

let server;
before(async () => (server = await startProgram("guide")));
after(() => server?.stop());

/** The fenced code of a page in a language. */
async function snippets(page, language) {
  const text = await readFile(path.join(ROOT, page), "utf8");
  const found = [...text.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, "gms"))];
  assert.notEqual(found.length, 0, `${page} has no ${language}`);
  return found.map(([, code]) => code);
}

/** Runs a program in a folder; resolves to what it says once `enough` says that it is, or once it ends. */
async function run(program, args, { cwd = ROOT, enough = () => false, ms = DEADLINE } = {}) {
  const child = spawn(program, args, { cwd, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (chunk) => (output += chunk));
  }
  const ended = new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  try {
    const code = await Promise.race([
      within(ended, `end of ${program}`, ms + 1000),
      eventually(() => enough(output) && "enough", ms).catch((error) => `${error.message}: ${output}`),
    ]);
    return { output, code };
  } finally {
    child.kill("SIGKILL");
  }
}

/** In a folder where the official client is found. */
async function runClient(t, code) {
  const file = path.join(fileURLToPath(new URL(".", import.meta.url)), `snippet-${process.pid}.mjs`);
  await writeFile(file, code.replaceAll(PORT, server.url));
  t.after(() => rm(file));
  return (enough) => run(process.execPath, [file], { enough });
}

for (const [page, said] of [
  ["README.md", ["3", "hello"]],
  [`${GUIDE}/getting_started.md`, ["3", "hello"]],
]) {
  test(`the client of ${page}`, async (t) => {
    const [code] = await snippets(page, "js");
    const { output, code: how } = await (await runClient(t, code))((output) => output.split("\n").length > said.length);
    assert.deepEqual(output.trim().split("\n"), said, how);
  });
}

test("errors as a client sees them", async (t) => {
  const [code] = await snippets(`${GUIDE}/errors.md`, "js");
  const connect = `import { io } from "socket.io-client";\nconst socket = io("${PORT}");\n`;
  const more = `
socket.on("exception", () => console.log("told"));
socket.emit("buy", "tea", "no number");
io("${PORT}/nowhere").on("connect_error", (error) => console.log(error.message));
`;
  const { output, code: how } = await (await runClient(t, connect + code + more))((output) => output.split("\n").length > 4);
  const [first, ...others] = output.trim().split("\n");
  assert.equal(first, "sold_out { left: 3 }", how);
  assert.deepEqual(others.sort(), ["Invalid namespace", "bad_request", "told"]);
});

test("long-polling with curl", async () => {
  const code = (await snippets(`${GUIDE}/troubleshooting.md`, "sh")).find((code) => code.includes("curl"));
  const { output, code: how } = await run("bash", ["-ec", code.replaceAll(PORT, server.url)]);
  assert.equal(how, 0, output);
  assert.match(output, /40\{"sid":"[^"]+"\}\n(ok)?430\[3\]$/m);
});

test("nginx takes its block", async (t) => {
  const [block] = await snippets(`${GUIDE}/deploying.md`, "nginx");
  const folder = await mkdtemp(path.join(tmpdir(), "sio-guide-"));
  t.after(() => rm(folder, { recursive: true }));
  const map = "map $http_upgrade $connection_upgrade { default upgrade; '' ''; }";
  const file = path.join(folder, "nginx.conf");
  await writeFile(
    file,
    `pid ${folder}/pid; error_log stderr; events {} http { access_log off; ${map} server { listen 127.0.0.1:1; ${block} } }`,
  );
  const { output, code } = await run(process.env.SIO_NGINX ?? "nginx", ["-t", "-q", "-c", file, "-p", folder]);
  assert.equal(code, 0, output);
});

test("what is shown of HAProxy stands in a file that is tested", async () => {
  const [code] = await snippets(`${GUIDE}/deploying.md`, "text");
  const tested = (await readFile(path.join(ROOT, "docs/operations/haproxy/cookie.cfg"), "utf8")).split("\n");
  for (const line of code.trimEnd().split("\n")) assert.ok(tested.includes(line), line);
});

test("the probes of Kubernetes ask what there is", async () => {
  const [code] = await snippets(`${GUIDE}/deploying.md`, "yaml");
  const documents = parseAllDocuments(code);
  for (const document of documents) assert.deepEqual(document.errors, []);
  const deployment = documents.map((document) => document.toJS()).find(({ kind }) => kind === "Deployment");
  const [container] = deployment.spec.template.spec.containers;
  const chat = await startProgram("chat");
  try {
    for (const probe of [container.readinessProbe, container.livenessProbe]) {
      const answer = await fetch(chat.url + probe.httpGet.path, { signal: AbortSignal.timeout(DEADLINE) });
      assert.equal(answer.status, 200, probe.httpGet.path);
    }
  } finally {
    await chat.stop();
  }
});

test("cargo takes the dependencies", async (t) => {
  const [code] = await snippets(`${GUIDE}/getting_started.md`, "toml");
  const folder = await mkdtemp(path.join(tmpdir(), "sio-guide-"));
  t.after(() => rm(folder, { recursive: true }));
  await symlink(ROOT, path.join(folder, "sio"));
  const project = path.join(folder, "hello");
  await mkdir(path.join(project, "src"), { recursive: true });
  await writeFile(path.join(project, "src/lib.rs"), "");
  await writeFile(path.join(project, "Cargo.toml"), `[package]\nname = "hello"\nedition = "2024"\n\n[workspace]\n\n${code}`);
  await copyFile(path.join(ROOT, "Cargo.lock"), path.join(project, "Cargo.lock"));
  const args = ["metadata", "--offline", "--format-version", "1", "--manifest-path", path.join(project, "Cargo.toml")];
  const { output, code: how } = await run("cargo", args, { ms: 60_000 });
  assert.equal(how, 0, output.slice(-2000));
});
