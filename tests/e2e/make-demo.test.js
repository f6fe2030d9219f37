// `make demo` as a newcomer types it, and Ctrl-C as a terminal sends it: to every process at once.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { root } from "./harness/paths.js";
import { freePort } from "../../scripts/free-port.mjs";
import { Process } from "./harness/process.js";
import { withProcesses } from "./harness/stack.js";
import { until } from "./harness/wait.js";

const wanted = process.env.E2E_DEMO === "1" || existsSync(join(root, "target/release/footfall"));
const skip = wanted ? false : "no release build here; E2E_DEMO=1 makes one (about 5 minutes)";
/** The first run builds; a later one starts within seconds. */
const START_MS = 9 * 60_000;

for (const [name, command, args] of [
  ["make_demo_prints_an_address_that_answers_and_ctrl_c_leaves_no_process", "make", ["demo"]],
  ["the_demo_itself_ends_with_status_0_on_ctrl_c", join(root, "scripts/demo.sh"), []],
]) {
  test(name, { skip }, () =>
    withProcesses(async (directory, own) => {
      const ports = { FORUM_PORT: await freePort(), INGEST_PORT: await freePort(), ADMIN_PORT: await freePort() };
      const environment = Object.fromEntries(Object.entries(ports).map(([key, port]) => [key, `${port}`]));
      environment.DEMO_DIR = join(directory, "memory");
      const demo = new Process("demo", directory, command, args, {
        cwd: root,
        env: environment,
        detached: true, // a process group of its own, as a terminal gives it
      });
      own(demo);
      const address = await until("the demo prints the address to open", START_MS, () => {
        demo.mustRun();
        return demo.output().match(new RegExp(`http://(localhost|127\\.0\\.0\\.1):${ports.FORUM_PORT}\\b`))?.[0];
      });
      const page = await fetch(address);
      assert.equal(page.status, 200);
      const [sdk] = (await page.text()).match(/http:[^"]+\/sdk\/footfall\.js/) ?? [];
      assert.equal((await fetch(sdk)).status, 200, `the page's script tag names ${sdk}`);

      const ended = await demo.stop("SIGINT");
      // make itself dies of the signal, whatever its recipe makes of it.
      if (command !== "make") assert.deepEqual(ended, { code: 0, signal: null }, demo.lastWords());
      assert.match(
        readFileSync(join(environment.DEMO_DIR, "footfall.log"), "utf8"),
        /stopped: everything acknowledged is durable/,
        "the server was given the time to stop cleanly",
      );
      await until("every process of the demo is gone", 5_000, () => groupIsEmpty(demo.pid));
      for (const [name, port] of Object.entries(ports)) {
        await assert.rejects(fetch(`http://127.0.0.1:${port}/`), `${name} still answers`);
      }
    }),
  );
}

function groupIsEmpty(group) {
  try {
    process.kill(-group, 0);
    return false;
  } catch (error) {
    if (error.code === "ESRCH") return true;
    throw error;
  }
}
