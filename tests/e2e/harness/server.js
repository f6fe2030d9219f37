// The ingest server under test, and its journal as `footfall tail` shows it.
import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { lines } from "./kafka.js";
import { binary } from "./paths.js";
import { Process } from "./process.js";
import { until } from "./wait.js";

const run = promisify(execFile);
/** A server is up within a second; a busy machine is given more. */
const START_MS = 30_000;

export const WRITE_KEY = "pk_demo";
export const TOPIC = "footfall.events";

/**
 * Starts `footfall serve`, into Kafka where brokers are given, else into its journal, with a settings file where its
 * text is given; returns when it is ready.
 */
export async function startServer(directory, { brokers, settings } = {}) {
  const dataDir = join(directory, "server");
  const config = settings ? ["--config", settingsFile(directory, settings)] : [];
  const kafka = brokers ? ["--kafka-brokers", brokers, "--kafka-topic", TOPIC] : [];
  const server = new Process("footfall", directory, binary("footfall"), [
    "serve", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0",
    "--data-dir", dataDir, "--write-key", WRITE_KEY, ...kafka, ...config,
  ]);
  const [url, adminUrl] = [await address(server, "events"), await address(server, "admin")];
  await untilAnswers(server, `${adminUrl}/readyz`);
  return { process: server, url, adminUrl, dataDir };
}

function settingsFile(directory, text) {
  const path = join(directory, "footfall.toml");
  writeFileSync(path, text);
  return path;
}

/** Starts the forum, which sends its visitors' browsers to `server`. */
export async function startForum(directory, server) {
  const forum = new Process("forum", directory, binary("footfall-forum"), [
    "--listen", "127.0.0.1:0", "--data-dir", join(directory, "forum"),
    "--ingest-url", server.url, "--admin-url", server.adminUrl, "--write-key", WRITE_KEY,
  ]);
  const url = await address(forum, "forum");
  await untilAnswers(forum, `${url}/healthz`);
  return { process: forum, url };
}

/** All that the journal of a server holds, oldest first; the server may be running or stopped. */
export async function readJournal(server) {
  const args = ["tail", "--data-dir", server.dataDir, "--from-start", "--no-follow"];
  const { stdout } = await run(binary("footfall"), args, { maxBuffer: 64 << 20 });
  return lines(stdout);
}

/** The address that a server says it listens on, behind `listening on`. */
function address(process, what) {
  return started(process, `${process.name} says where it listens (${what})`, () =>
    process.output().match(new RegExp(`listening on (http://[\\d.:]+) \\(${what}\\)`))?.[1],
  );
}

function untilAnswers(process, url) {
  return started(process, `${process.name} answers on ${url}`, async () => (await fetch(url)).ok);
}

/** Waits for a sign of life of a process that must go on running; one that gives none is stopped. */
async function started(process, what, sign) {
  try {
    return await until(what, START_MS, () => {
      process.mustRun();
      return sign();
    });
  } catch (error) {
    await process.stop();
    throw new Error(`${error.message}\n${process.lastWords()}`);
  }
}
