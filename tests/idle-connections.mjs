// What a server that has nothing to do takes of memory, alone and with idle connections: `make bench-idle`, or `node
// tests/idle-connections.mjs [PROGRAM] [COUNT]`. Each row is a server of its own; fails where one takes more than it may.
// It needs `ulimit -n` above COUNT.
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import http2 from "node:http2";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const program = process.argv[2] ?? "target/release/footfall";
const count = Number(process.argv[3] ?? 10_000);
const MIB = 1024 * 1024;
// A connection gives back its buffers after a sixth of the time for which it may be idle, and the allocator what is free to
// the system within ten seconds more.
const IDLE_S = 60;
const REST_MS = (IDLE_S / 6 + 10 + 2) * 1000;

const body = '{"events":[]}';
const ask = `POST /v1/events?key=pk_demo HTTP/1.1\r\nhost: x\r\ncontent-type: text/plain\r\ncontent-length: ${body.length}\r\n\r\n${body}`;

const silent = (port) =>
  new Promise((resolve, reject) => {
    const socket = net.connect(port, "127.0.0.1", () => resolve(socket)).on("error", reject);
  });
const kept = async (port) => {
  const socket = await silent(port);
  await new Promise((resolve) => { socket.once("data", resolve); socket.write(ask); });
  return socket;
};
const kept2 = (port) =>
  new Promise((resolve, reject) => {
    const session = http2.connect(`http://127.0.0.1:${port}`).on("error", reject);
    const request = session.request({ ":method": "POST", ":path": "/v1/events?key=pk_demo", "content-type": "text/plain" });
    request.on("end", () => resolve(session)).resume();
    request.end(body);
  });

async function started(extra) {
  const dir = mkdtempSync(join(tmpdir(), "footfall-idle-"));
  const flags = ["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--data-dir", dir, "--write-key", "pk_demo"];
  flags.push("--http-max-connections", String(count + 100), "--http-max-connections-per-address", String(count + 100));
  flags.push("--http-idle-timeout", `${IDLE_S}s`, ...extra);
  const server = spawn(program, ["serve", ...flags], { stdio: ["ignore", "ignore", "pipe"] });
  const port = await new Promise((resolve, reject) => {
    let log = "";
    server.stderr.on("data", (text) => {
      log += text;
      const said = /listening on http:\/\/127\.0\.0\.1:(\d+) \(events\)/.exec(log);
      if (said) resolve(Number(said[1]));
    });
    server.on("exit", () => reject(new Error(log)));
  });
  const rss = () => Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${server.pid}/status`, "utf8"))[1]) * 1024;
  const stop = () => {
    server.removeAllListeners("exit");
    server.kill();
    rmSync(dir, { recursive: true, force: true });
  };
  return { port, rss, stop };
}

async function opened(port, open) {
  const all = [];
  while (all.length < count) all.push(...(await Promise.all(Array.from({ length: Math.min(100, count - all.length) }, () => open(port)))));
  return all;
}

let failed = false;
async function row(what, most, flags, open) {
  const server = await started(flags);
  try {
    const connections = open ? await opened(server.port, open) : [];
    await sleep(REST_MS);
    const bytes = server.rss();
    const over = most !== undefined && bytes > most * MIB;
    failed ||= over;
    const bound = most === undefined ? "no goal" : `at most ${most} MiB${over ? "  TOO MUCH" : ""}`;
    console.log(`${what.padEnd(44)} ${(bytes / MIB).toFixed(1).padStart(7)} MiB  ${bound}`);
    for (const connection of connections) connection.destroy();
  } finally {
    server.stop();
  }
}

await row("no connection", 60, []);
await row("no connection, no user agents", 25, ["--user-agent-parse", "false"]);
await row(`${count} silent`, 150, [], silent);
await row(`${count} kept after an answer, HTTP/1.1`, 150, [], kept);
await row(`${count} kept after an answer, HTTP/2`, undefined, [], kept2);
process.exit(failed ? 1 : 0);
