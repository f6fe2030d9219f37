// What idle connections cost the server's memory: `node tests/idle-connections.mjs [PROGRAM] [COUNT]`. It opens them
// in three ways (silent, kept after an answer in HTTP/1.1, kept in HTTP/2), and fails above 150 MiB, or above 25 MiB
// for a server without any. It needs `ulimit -n` above COUNT.
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
const dir = mkdtempSync(join(tmpdir(), "footfall-idle-"));
const flags = ["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--data-dir", dir, "--write-key", "pk_demo"];
const server = spawn(program, ["serve", ...flags, "--http-max-connections", String(count + 100)], { stdio: ["ignore", "ignore", "pipe"] });

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

const silent = () =>
  new Promise((resolve, reject) => {
    const socket = net.connect(port, "127.0.0.1", () => resolve(socket)).on("error", reject);
  });
const body = '{"events":[]}';
const ask = `POST /v1/events?key=pk_demo HTTP/1.1\r\nhost: x\r\ncontent-type: text/plain\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
const kept = async () => {
  const socket = await silent();
  await new Promise((resolve) => { socket.once("data", resolve); socket.write(ask); });
  return socket;
};
const kept2 = () =>
  new Promise((resolve, reject) => {
    const session = http2.connect(`http://127.0.0.1:${port}`).on("error", reject);
    const request = session.request({ ":method": "POST", ":path": "/v1/events?key=pk_demo", "content-type": "text/plain" });
    request.on("end", () => resolve(session)).resume();
    request.end(body);
  });

let failed = false;
const report = (what, bytes, most) => {
  const over = bytes > most * MIB;
  failed ||= over;
  console.log(`${what.padEnd(40)} ${(bytes / MIB).toFixed(1).padStart(7)} MiB  at most ${most} MiB${over ? "  TOO MUCH" : ""}`);
};

try {
  await sleep(500);
  report("no connection", rss(), 25);
  for (const [what, open] of [["silent", silent], ["kept after an answer, HTTP/1.1", kept], ["kept after an answer, HTTP/2", kept2]]) {
    const all = [];
    while (all.length < count) all.push(...(await Promise.all(Array.from({ length: Math.min(100, count - all.length) }, open))));
    report(`${count} ${what}`, rss(), 150);
    for (const each of all) each.destroy();
    await sleep(1000);
  }
} finally {
  server.removeAllListeners("exit");
  server.kill();
  rmSync(dir, { recursive: true, force: true });
}
process.exit(failed ? 1 : 0);
