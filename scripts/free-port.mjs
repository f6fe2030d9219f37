// A port for a server that must be told one and listens a little later; run by itself, it prints one.
// It lies below those that a system gives to outgoing connections (from 32768 on, or higher): none is taken meanwhile.
import { createServer } from "node:net";
import { fileURLToPath } from "node:url";

const FIRST = 15_000;
const COUNT = 17_000;

// Processes that run at the same time begin at places of their own, and give no port twice.
let turn = process.pid * 97;

/** @returns {Promise<number>} a port of 127.0.0.1 on which nobody listens now */
export async function freePort() {
  for (;;) {
    const port = FIRST + (turn++ % COUNT);
    if (await isFree(port)) return port;
  }
}

function isFree(port) {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", () => resolve(false));
    probe.listen(port, "127.0.0.1", () => probe.close(() => resolve(true)));
  });
}

if (fileURLToPath(import.meta.url) === process.argv[1]) console.log(await freePort());
