// The line between one run's browser and the server: an HTTP proxy that breaks as lines, balancers and servers do.
// When it breaks and when it is mended is left to the cells.
import { once } from "node:events";
import { createServer, request as forward } from "node:http";

/** What a server says that has no room; a page must be able to read it, as it can read the real one's. */
const BUSY = { code: "busy", reason: "the line plays a busy server", retry_after_ms: 1_000 };

export class Line {
  #server = createServer((request, response) => this.#pass(request, response));
  #target;
  #sockets = new Set();
  #isCut = false;
  #isBusy = false;
  #resets = 0;
  /** Batches that were answered 503. */
  refused = 0;
  /** Answers that broke off half-way. */
  brokenOff = 0;
  /** Batches that did not say where they come from. */
  nullOrigins = 0;

  /** `target` gives the server's address, which may be known later than this line's. */
  static async open(target) {
    const line = new Line();
    line.#target = target;
    line.#server.on("connection", (socket) => {
      if (line.#isCut) return socket.resetAndDestroy();
      line.#sockets.add(socket);
      socket.once("close", () => line.#sockets.delete(socket));
      // The browser went in the middle of something.
      socket.on("error", () => {});
    });
    line.#server.listen(0, "127.0.0.1");
    await once(line.#server, "listening");
    line.origin = `http://127.0.0.1:${line.#server.address().port}`;
    return line;
  }

  /** Nothing comes through, and what is under way breaks. */
  cut() {
    this.#isCut = true;
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  /** Batches are answered 503 until it is mended. */
  beBusy() {
    this.#isBusy = true;
  }

  /** The next batches reach the server, and the connection of each is reset: before the answer, or in its middle. */
  resetAnswers(count) {
    this.#resets = count;
  }

  mend() {
    this.#isCut = false;
    this.#isBusy = false;
    this.#resets = 0;
  }

  async close() {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  #pass(request, response) {
    const isBatch = request.method === "POST";
    if (isBatch && request.headers.origin === "null") this.nullOrigins++;
    if (isBatch && this.#isBusy) {
      this.refused++;
      request.resume();
      const cors = { "access-control-allow-origin": request.headers.origin ?? "*", "access-control-expose-headers": "retry-after" };
      response.writeHead(503, { "content-type": "application/json", "retry-after": "1", ...cors });
      response.end(JSON.stringify(BUSY));
      return;
    }
    const onward = forward(this.#target() + request.url, { method: request.method, headers: request.headers }, (answer) => {
      if (isBatch && this.#resets > 0) {
        this.#resets--;
        this.#breakOff(answer, response);
      } else {
        response.writeHead(answer.statusCode, answer.headers);
        answer.pipe(response);
      }
    });
    onward.on("error", () => response.socket?.resetAndDestroy());
    request.pipe(onward);
  }

  async #breakOff(answer, response) {
    const body = Buffer.concat(await answer.toArray());
    const reset = () => {
      this.brokenOff++;
      response.socket?.resetAndDestroy();
    };
    if (this.#resets % 2 === 1) return reset();
    response.writeHead(answer.statusCode, answer.headers);
    response.write(body.subarray(0, body.length / 2), reset);
  }
}
