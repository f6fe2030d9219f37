// All that a test needs, started in order, stopped in the other order, in a directory of its own.
// The logs of a test that failed are printed; of one that passed nothing is left.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startBrowser } from "./browser.js";
import { startKafka } from "./kafka.js";
import { TOPIC, startForum, startServer } from "./server.js";

/**
 * Runs `test` with a directory of its own and a list of processes that are stopped whatever comes.
 * @param {(directory: string, own: (process: import("./process.js").Process) => void) => Promise<void>} test
 */
export async function withProcesses(test) {
  const directory = mkdtempSync(join(tmpdir(), "footfall-e2e-"));
  const processes = [];
  let failure;
  try {
    await test(directory, (process) => processes.push(process));
  } catch (error) {
    failure = error;
  }
  for (const process of processes.toReversed()) {
    try {
      await process.stop();
    } catch (error) {
      failure ??= error;
    }
  }
  if (failure) {
    for (const process of processes) {
      console.error(`--- the last lines of ${process.name} (${process.logFile}):\n${process.lastWords()}\n`);
    }
    console.error(`--- everything is kept in ${directory}`);
    throw failure;
  }
  rmSync(directory, { recursive: true, force: true });
}

/**
 * Runs `test` with a forum, an ingest server and Chromium, and with Kafka where asked.
 * @param {{kafka?: boolean}} options
 * @param {(stack: {browser: import("puppeteer-core").Browser, forum: object, server: object, brokers?: string}) => Promise<void>} test
 */
export async function withStack({ kafka = false }, test) {
  await withProcesses(async (directory, own) => {
    let brokers;
    if (kafka) {
      const broker = await startKafka(directory, [TOPIC]);
      own(broker.process);
      brokers = broker.brokers;
    }
    const server = await startServer(directory, { brokers });
    own(server.process);
    const forum = await startForum(directory, server);
    own(forum.process);
    const browser = await startBrowser();
    try {
      await test({ browser, forum, server, brokers });
    } finally {
      await browser.close();
    }
  });
}
