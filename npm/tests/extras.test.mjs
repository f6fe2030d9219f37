// The second part as a whole: that it comes when it is wanted and only then, once, and that all goes on without it.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { countListeners, listensFor, NOTHING } from "./support/listeners.mjs";
import { until } from "./support/site.mjs";
import { source } from "./support/source.mjs";
import { closeBrowsers, engines, names, only, visit } from "./support/visit.mjs";

after(closeBrowsers);

const isExtras = (path) => /^\/sdk\/footfall-extras-[0-9a-f]{12}\.js$/.test(path);

/** What a page asked for. `blocked` sees each path. */
function asked(options) {
  const paths = [];
  const blocked = (path) => {
    paths.push(path);
    return options?.blocked?.(path) ?? false;
  };
  return { paths, blocked };
}

for (const engine of engines) {
  test(`${engine}: it is asked for only where a capture or an option needs it, by a name that can be kept for ever`, async (t) => {
    const without = asked();
    const plain = await visit(t, { engine, path: "/plain.html", blocked: without.blocked });
    await plain.page.evaluate(() => window.footfall.flush());
    await plain.arrived(1);
    assert.deepEqual(without.paths.filter((path) => path.includes("extras")), []);

    const wanted = asked();
    const { page } = await visit(t, { engine, path: "/clipboard.html", prepare: countListeners, blocked: wanted.blocked });
    await listensFor(page, "beforeprint");
    assert.equal(wanted.paths.filter(isExtras).length, 1);
  });

  test(`${engine}: where it cannot come, all else goes on, and debug says so once`, async (t) => {
    const { page, arrived, errors, said } = await visit(t, { engine, path: "/clipboard.html", blocked: isExtras });
    await until("the words", () => said.some((line) => /the second part cannot be loaded/.test(line)));
    await page.evaluate(() => {
      window.footfall.track("like");
      dispatchEvent(new Event("beforeprint"));
      window.footfall.flush();
    });
    assert.deepEqual(names(await arrived(2)), ["page", "like"]);
    assert.equal(said.filter((line) => /second part/.test(line)).length, 1);
    assert.deepEqual(await errors(), []);
  });

  test(`${engine}: where it cannot come, a site with beforeSend tells nothing, and is told why`, async (t) => {
    const init = () => ({ beforeSend: (event) => event });
    const { ready, said, served, page } = await visit(t, { engine, init, wait: false, blocked: (path) => path === "/npm/extras.js" });
    assert.equal(await ready(), false);
    assert.ok(said.some((line) => /off: beforeSend cannot be loaded/.test(line)), said.join("\n"));
    await page.evaluate(() => {
      window.footfall.track("like");
      window.footfall.flush();
    });
    await page.goto("about:blank");
    assert.equal(served.requests.length, 0);
  });

  test(`${engine}: a tag's list of captures is taken by its words`, async (t) => {
    const { page, arrived, said } = await visit(t, { engine, path: "/clipboard.html", prepare: countListeners });
    await listensFor(page, "copy");
    await listensFor(page, "beforeprint");
    const { listeners } = await page.evaluate(() => window.listening());
    for (const kind of ["click", "submit", "unhandledrejection", "timeupdate"]) {
      assert.ok(!listeners.some((name) => name.endsWith(` ${kind}`)), kind);
    }
    await page.evaluate(() => window.footfall.flush());
    assert.deepEqual(names(await arrived(1)), ["page"]);
    assert.deepEqual(said.filter((line) => /no option/.test(line)), []);
  });

  test(`${engine}: a capture that is started twice, or later, tells once`, async (t) => {
    const { page } = await visit(t, { engine, path: "/page.html" });
    const told = await page.evaluate(async () => {
      const told = [];
      const tools = {
        guard: { listen: (target, kind, hear) => target.addEventListener(kind, hear), wrap: (run) => run, whenOff() {} },
        record: (name) => told.push(name),
        describe: () => ({}),
        hiding: [],
        viewing: [],
      };
      // Its name is in the module's text.
      const { name } = performance.getEntriesByType("resource").find(({ name }) => /footfall-[0-9a-f]{12}\.js/.test(name));
      const [file] = /footfall-extras-[0-9a-f]{12}\.js/.exec(await (await fetch(name)).text());
      const { lend } = await import(`/sdk/${file}`);
      const { start } = lend(tools);
      start({ print: true });
      start({ print: true, copy: true });
      start({ copy: true });
      dispatchEvent(new Event("beforeprint"));
      document.body.dispatchEvent(new ClipboardEvent("copy", { bubbles: true }));
      return told;
    });
    assert.deepEqual(told, ["print", "copy"]);
  });

  test(`${engine}: begun and shut down again and again, with all captures on, it leaves nothing`, async (t) => {
    const { page, arrived, errors } = await visit(t, { engine, path: "/traces.html", prepare: countListeners });
    const all = { forms: true, media: true, errors: true, vitals: true, copy: true, print: true, traces: true };
    const left = await page.evaluate(async (capture) => {
      window.footfall.shutdown();
      const { fetch } = window;
      for (let round = 0; round < 50; round++) {
        window.footfall.init({ key: "pk_test", capture, debug: true });
        await window.footfall.ready();
        const runs = () => window.listening().listeners.some((name) => name.endsWith(" beforeprint"));
        while (!runs()) await new Promise((resolve) => { setTimeout(resolve); });
        window.footfall.shutdown();
      }
      return { ...window.listening(), isOurs: window.fetch !== fetch };
    }, all);
    assert.deepEqual(left, { ...NOTHING, isOurs: false });
    await page.evaluate(async (capture) => {
      window.footfall.init({ key: "pk_last", capture, debug: true });
      await window.footfall.ready();
    }, all);
    await listensFor(page, "beforeprint");
    await page.evaluate(() => {
      dispatchEvent(new Event("beforeprint"));
      window.footfall.flush();
    });
    only(await until("the print", async () => {
      const events = await arrived(1);
      return events.some(({ event }) => event === "print") && events;
    }), "print");
    assert.deepEqual(await errors(), []);
  });
}

test("it is brought once, whenever it is needed first", async () => {
  const { bringExtras } = await source("browser/extras.ts");
  const used = [];
  let loads = 0;
  const lent = {};
  const load = async () => {
    loads++;
    return { lend: () => lent };
  };
  const bring = bringExtras(load, { guard: { wrap: (run) => run }, say: assert.fail });
  assert.equal(loads, 0);
  bring((lent) => used.push(lent));
  bring((lent) => used.push(lent));
  await new Promise(setImmediate);
  assert.equal(loads, 1);
  assert.deepEqual(used, [lent, lent]);
});
