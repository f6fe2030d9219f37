// A process of the test's own: started with its output in a file, stopped by its id, its last words kept.
// When it is ready to be used is left to the module that knows the server.
import { spawn } from "node:child_process";
import { createWriteStream, readFileSync } from "node:fs";
import { join } from "node:path";
import { Final } from "./wait.js";

/** How long a server may take to stop after SIGTERM before the test fails. */
const STOP_MS = 20_000;

/** All that were started: whatever ends the tests, a time limit or Ctrl-C, leaves none of them behind. */
const started = new Set();
process.once("exit", () => {
  for (const left of started) left.signal("SIGKILL");
});
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => process.exit(1));

export class Process {
  /**
   * @param {string} name for logs and messages
   * @param {string} directory where its log goes
   * @param {string} command
   * @param {string[]} args
   * @param {import("node:child_process").SpawnOptions} [options]
   */
  constructor(name, directory, command, args, options = {}) {
    this.name = name;
    this.detached = options.detached ?? false;
    this.logFile = join(directory, `${name}.log`);
    const log = createWriteStream(this.logFile);
    this.child = spawn(command, args, {
      stdio: ["ignore", "pipe", "pipe"],
      ...options,
      env: { ...process.env, NO_COLOR: "1", ...options.env },
    });
    this.child.stdout.pipe(log, { end: false });
    this.child.stderr.pipe(log, { end: false });
    /** Resolves when it is gone, with its exit code or the signal that ended it. */
    this.ended = new Promise((resolve, reject) => {
      this.child.once("error", reject);
      // "close" and not "exit": then all that it wrote is in the log.
      this.child.once("close", (code, signal) => log.end(() => resolve({ code, signal })));
    });
    started.add(this);
    const forget = () => started.delete(this);
    this.ended.then(forget, forget);
  }

  get pid() {
    return this.child.pid;
  }

  get running() {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  /** Throws when it has ended although it should be running: a wait for it would be in vain. */
  mustRun() {
    if (!this.running) {
      throw new Final(`${this.name} has ended with ${this.child.exitCode ?? this.child.signalCode}`);
    }
  }

  /** Its output so far. */
  output() {
    return readFileSync(this.logFile, "utf8");
  }

  lastWords(lines = 40) {
    return this.output().trimEnd().split("\n").slice(-lines).join("\n");
  }

  /** Sends a signal: to the process, or to its whole group where it was started `detached`, as a terminal does. */
  signal(signal) {
    try {
      process.kill(this.detached ? -this.pid : this.pid, signal);
    } catch (error) {
      // It went in this very moment, before node was told.
      if (error.code !== "ESRCH") throw error;
    }
  }

  /** Asks it to stop, waits, and returns how it ended; after the deadline it is killed and that is an error. */
  async stop(signal = "SIGTERM") {
    if (this.running) this.signal(signal);
    let timer;
    const late = new Promise((resolve) => {
      timer = setTimeout(resolve, STOP_MS, "late");
    });
    const ended = await Promise.race([this.ended, late]);
    clearTimeout(timer);
    if (ended !== "late") return ended;
    this.signal("SIGKILL");
    await this.ended;
    throw new Error(`${this.name} did not stop within ${STOP_MS / 1000} s of ${signal}:\n${this.lastWords()}`);
  }
}
