// The npm package as a site takes it: what is in it, on a server, in a bundler, with its types, in a browser.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { createServer } from "vite";
import { launch } from "./support/browser.mjs";
import { site, until } from "./support/site.mjs";

const npm = join(dirname(fileURLToPath(import.meta.url)), "..");
const run = (command, args, cwd) => execFileSync(command, args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });

let project;
let packed;
before(() => {
  project = mkdtempSync(join(tmpdir(), "footfall-package-"));
  [packed] = JSON.parse(run("npm", ["pack", "--json", "--pack-destination", project], npm));
  // A package without dependencies is installed by unpacking it: no registry takes part in this test.
  const installed = join(project, "node_modules/footfall");
  mkdirSync(installed, { recursive: true });
  run("tar", ["xzf", join(project, packed.filename), "--strip-components=1", "-C", installed]);
});
after(() => rmSync(project, { recursive: true, force: true }));

test("the package holds what a site needs, and no more", () => {
  const files = packed.files.map(({ path }) => path);
  for (const needed of ["package.json", "README.md", "dist/index.js", "dist/extras.js", "dist/index.d.ts", "dist/types.d.ts", "dist/footfall.wasm", "LICENSE-MIT", "LICENSE-APACHE"]) {
    assert.ok(files.includes(needed), `${needed} is missing from ${files}`);
  }
  assert.deepEqual(files.filter((path) => !/^(package\.json|README\.md|LICENSE[^/]*|dist\/.*)$/.test(path)), []);
  assert.deepEqual(files.filter((path) => path.startsWith("dist/sdk/")), [], "the script tag's files are the server's");
});

test("on a server every call does nothing and nothing throws", () => {
  const script = `
    import * as footfall from "footfall";
    footfall.init({ key: "pk_test" });
    footfall.track("post_view", { post_id: 1 });
    footfall.identify("u1");
    footfall.page();
    footfall.flush();
    footfall.shutdown();
    console.log(await footfall.ready(), footfall.state(), footfall.anonymousId());`;
  assert.equal(run("node", ["--input-type=module", "--eval", script], project), "false undefined undefined\n");
});

test("its types hold: what is right compiles, what is wrong is told by the compiler", () => {
  const right = `
    import { init, track, state, type Options } from "footfall";
    const options: Options = { key: "pk_test", capture: { clicks: true, forms: true }, keyEvents: ["purchase"] };
    init(options);
    track("post_view", { post_id: 42, tags: ["a"] });
    export const queued: number | undefined = state()?.queued;`;
  writeFileSync(join(project, "right.ts"), right);
  writeFileSync(join(project, "wrong.ts"), 'import { init, track } from "footfall";\ninit({});\ntrack(5);\n');
  const check = (file) =>
    run(join(npm, "node_modules/.bin/tsc"), ["--noEmit", "--strict", "--module", "esnext", "--moduleResolution", "bundler", file], project);
  check("right.ts");
  assert.throws(
    () => check("wrong.ts"),
    ({ stdout }) => stdout.includes("wrong.ts(2,") && stdout.includes("'key' is missing") && stdout.includes("wrong.ts(3,"),
  );
});

test("a site that Vite builds sends its events", async (t) => {
  const source = join(project, "site");
  mkdirSync(source);
  cpSync(join(project, "node_modules"), join(source, "node_modules"), { recursive: true });
  writeFileSync(join(source, "index.html"), '<!doctype html><title>Built</title><script type="module" src="/main.js"></script>');
  writeFileSync(
    join(source, "main.js"),
    'import * as footfall from "footfall";\n' +
      'footfall.track("before_init", { early: true });\n' +
      'footfall.init({ key: "pk_test", flushInterval: 100, capture: { print: true } });\n' +
      "window.footfall = footfall;\n",
  );
  run(join(npm, "node_modules/.bin/vite"), ["build", "--logLevel", "warn"], source);

  const chunks = readdirSync(join(source, "dist/assets")).filter((file) => file.endsWith(".js"));
  assert.equal(chunks.filter((file) => file.startsWith("extras-")).length, 1, `the second part is a chunk of its own, of ${chunks}`);

  const served = await site({ roots: { "/assets/": join(source, "dist/assets"), "/built/": join(source, "dist") } });
  const browser = await launch();
  t.after(async () => {
    await browser.close();
    await served.close();
  });
  const page = await browser.newPage();
  await page.goto(`${served.origin}/built/index.html`);
  assert.equal(await page.evaluate(() => window.footfall.ready()), true);
  await page.evaluate(() => window.footfall.track("after_init"));
  const events = await until("both events", () => served.events().length >= 3 && served.events());
  assert.deepEqual(events.map((event) => event.event ?? event.type).toSorted(), ["after_init", "before_init", "page"]);
  await printed(page);
});

/** Prints until it is told: the second part comes after the tracker is ready. */
function printed(page) {
  return until("the second part", () =>
    page.evaluate(() => {
      const { queued, sent } = window.footfall.state();
      dispatchEvent(new Event("beforeprint"));
      const now = window.footfall.state();
      return now.queued + now.sent > queued + sent;
    }),
  );
}

test("Vite's development server runs it as it is, without an option", async (t) => {
  const server = await createServer({ root: join(project, "site"), logLevel: "warn", server: { host: "127.0.0.1", port: 0 } });
  const browser = await launch();
  t.after(async () => {
    await browser.close();
    await server.close();
  });
  await server.listen();
  const page = await browser.newPage();
  await page.goto(server.resolvedUrls.local[0]);
  await page.waitForFunction(() => window.footfall);
  assert.equal(await page.evaluate(() => window.footfall.ready()), true);
  await printed(page);
});
