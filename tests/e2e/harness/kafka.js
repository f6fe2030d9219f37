// A real Apache Kafka of the test's own, and what stands in a topic of it.
// Kafka itself is set up by scripts/setup.sh.
import { execFile } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { binary, script } from "./paths.js";
import { freePort } from "../../../scripts/free-port.mjs";
import { Process } from "./process.js";

const run = promisify(execFile);
/** A topic of a test is small; more than that is an error, not a reason to take more memory. */
const DUMP_BYTES = 64 << 20;

/** Starts a broker and creates `topics`; returns when they can be written to. */
export async function startKafka(directory, topics) {
  const data = join(directory, "kafka");
  mkdirSync(data);
  const [port, controllerPort] = [await freePort(), await freePort()];
  const kafka = new Process("kafka", directory, script("kafka.sh"), [
    "run", "--short-lived", "--dir", data, "--port", `${port}`, "--controller-port", `${controllerPort}`,
  ]);
  const brokers = `127.0.0.1:${port}`;
  const create = run(binary("topic-create"), ["--brokers", brokers, "--deadline", "90", ...topics]);
  const ended = kafka.ended.then(() => kafka.mustRun());
  try {
    await Promise.race([create, ended]);
  } catch (error) {
    create.child.kill();
    await kafka.stop();
    throw new Error(`Kafka did not come up: ${error.message}\n${kafka.lastWords()}`);
  }
  return { process: kafka, brokers };
}

/**
 * The records of a topic, from its start to its present end.
 * @returns {Promise<{partition: number, offset: number, key: string, headers: object, payload: object}[]>}
 */
export async function dumpTopic(brokers, topic) {
  const args = ["--brokers", brokers, "--topic", topic];
  try {
    const { stdout } = await run(binary("topic-dump"), args, { maxBuffer: DUMP_BYTES });
    return lines(stdout);
  } catch (error) {
    const seen = lines(error.stdout ?? "").map((record) => record.payload?.event ?? record.payload?.type);
    throw new Error(`${error.stderr ?? error.message}\nrecords in ${topic}: ${seen.join(", ") || "none"}`);
  }
}

/** The objects of a text with one JSON object a line. */
export function lines(text) {
  return text.split("\n").filter(Boolean).map((line) => JSON.parse(line));
}
