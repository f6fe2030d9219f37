// A server in front of the server, which gives the first requests to the paths of events another answer.
// What of them it passes on all the same is the test's choice.
import { createServer, request } from "node:http";
import { once } from "node:events";

/**
 * @param {string} to the server's address
 * @param {{answers: {status: number, headers?: object, passesOn?: boolean}[]}} options one for each of the first requests
 */
export async function startRelay(to, { answers }) {
  const seen = [];
  const times = [];
  const server = createServer(async (incoming, outgoing) => {
    const chunks = [];
    for await (const chunk of incoming) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    const answer = answers.shift();
    times.push(Date.now());
    if (!answer || answer.passesOn) {
      const { status, headers, text } = await passedOn(to, incoming, body);
      seen.push(status);
      if (!answer) return outgoing.writeHead(status, headers).end(text);
    } else {
      seen.push(answer.status);
    }
    outgoing.writeHead(answer.status, answer.headers).end("{}");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    /** The statuses of the requests that came, in their order. */
    seen,
    /** When they came, in Unix milliseconds. */
    times,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

function passedOn(to, { method, url, headers }, body) {
  return new Promise((resolve, reject) => {
    const passing = request(new URL(url, to), { method, headers }, async (response) => {
      const chunks = [];
      for await (const chunk of response) chunks.push(chunk);
      resolve({ status: response.statusCode, headers: response.headers, text: Buffer.concat(chunks) });
    });
    passing.on("error", reject);
    passing.end(body);
  });
}
