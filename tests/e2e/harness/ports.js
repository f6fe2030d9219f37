// Free ports for servers that must be told one.
// Nobody else takes it in the moment between only by luck; a server that finds it taken says so and the test fails.
import { createServer } from "node:net";

/** @returns {Promise<number>} a port of 127.0.0.1 that is free now */
export function freePort() {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}
