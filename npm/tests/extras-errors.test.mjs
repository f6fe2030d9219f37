// Errors that nobody caught: what is told of them, how many, and that the page's own handling stays as it is.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { countListeners, listensFor, NOTHING } from "./support/listeners.mjs";
import { until } from "./support/site.mjs";
import { closeBrowsers, engines, names, only, visit } from "./support/visit.mjs";

after(closeBrowsers);

for (const engine of engines) {
  const visitErrors = async (t, options) => {
    const visited = await visit(t, { engine, path: "/errors.html", prepare: countListeners, ...options });
    await listensFor(visited.page, "unhandledrejection");
    return visited;
  };
  /** Waits until the page itself has heard of so many, and sends what was told. */
  const flushed = async (page, count) => {
    await until(`${count} errors`, () => page.evaluate((count) => window.errors.length >= count, count));
    await page.evaluate(() => window.footfall.flush());
  };
  const toldOf = (events) => events.filter(({ event }) => event === "error").map(({ properties }) => properties);

  test(`${engine}: an error tells what, where and how it came about, and nothing personal`, async (t) => {
    const { page, served, arrived, errors } = await visitErrors(t);
    await page.evaluate(() => addEventListener("error", (event) => { window.prevented = event.defaultPrevented; }));
    await page.click("#throws");
    await flushed(page, 1);
    const { stack, line, column, ...told } = only(await arrived(2), "error").properties;
    assert.deepEqual(told, {
      kind: "error",
      name: "RangeError",
      message: "no room for [email] at https://x.example/a",
      source: "/errors.html",
    });
    assert.ok(line > 1 && column > 0, `${line}:${column}`);
    assert.match(stack, /^\s*(at )?.*pressed.*\/errors\.html:\d+:\d+\)?$/m);
    assert.ok(!JSON.stringify(served.requests.map(({ batch }) => batch)).match(/ann@|s3cret/));
    assert.equal(await page.evaluate(() => window.prevented), false);
    assert.equal((await errors()).length, 1);
  });

  test(`${engine}: whatever is thrown or rejected is told, and harms nothing`, async (t) => {
    const { page, served } = await visitErrors(t);
    await page.evaluate(() => {
      const bad = { get message() { throw new Error("a trap"); }, toString() { throw new Error("another"); } };
      window.throwLater(() => "a text");
      window.throwLater(() => null);
      window.throwLater(() => bad);
      window.rejectLater(() => window.typeError("not there"));
      window.rejectLater(() => "a reason");
      window.rejectLater(() => undefined);
      window.rejectLater(() => bad);
      // The page's own listener may fail with it; only ours may not.
      window.throwLater(() => new Error("the last"));
    });
    const find = (words) => toldOf(served.events()).find(({ message }) => words.test(message));
    await until("all errors", async () => {
      await page.evaluate(() => window.footfall.flush());
      return find(/^a reason$/) && find(/^undefined$/) && find(/^the last$/);
    });
    assert.equal(find(/^a text$/).kind, "error");
    const rejected = find(/^not there$/);
    assert.deepEqual([rejected.kind, rejected.name], ["rejection", "TypeError"]);
    // Its place is read from its stack.
    assert.deepEqual([rejected.source, rejected.line > 1], ["/errors.html", true]);
    assert.equal(find(/^a reason$/).kind, "rejection");
  });

  test(`${engine}: the same error is told once and counted, and at most ten are told in a minute`, async (t) => {
    const { page, arrived, served } = await visitErrors(t);
    await page.evaluate(() => {
      for (let count = 0; count < 30; count++) window.throwLater(() => new Error("again and again"));
    });
    await flushed(page, 30);
    assert.equal(toldOf(await arrived(2)).length, 1);
    await page.evaluate(() => {
      for (let count = 0; count < 15; count++) window.throwLater(() => new Error(`number ${count}`));
    });
    await flushed(page, 45);
    await arrived(11);
    assert.deepEqual(toldOf(served.events()).map(({ message }) => message), [
      "again and again",
      ...Array.from({ length: 9 }, (_, count) => `number ${count}`),
    ]);
  });

  test(`${engine}: how often an error came again is told when the page is left`, async (t) => {
    const { page, arrived } = await visitErrors(t);
    await page.evaluate(() => {
      for (let count = 0; count < 30; count++) window.throwLater(() => new Error("again and again"));
    });
    await until("all errors", () => page.evaluate(() => window.errors.length === 30));
    await page.goto("about:blank");
    const events = await arrived(3);
    assert.deepEqual(names(events), ["page", "error", "error"]);
    assert.deepEqual(toldOf(events).map(({ repeated }) => repeated), [undefined, 29]);
  });

  test(`${engine}: at most fifty are told in a view of the page; the next view counts anew`, async (t) => {
    const { page, arrived } = await visitErrors(t, {
      // An hour between two looks at the clock, so that no minute is ever full.
      prepare: async (page) => {
        await countListeners(page);
        await page.evaluateOnNewDocument(() => {
          const { now } = Performance.prototype;
          let hours = 0;
          window.hurry = () => { Performance.prototype.now = function () { return now.call(this) + 3_600_000 * hours++; }; };
          window.rest = () => { Performance.prototype.now = function () { return now.call(this) + 3_600_000 * hours; }; };
        });
      },
    });
    const throwMany = () =>
      page.evaluate(() => {
        window.hurry();
        // Heard by each listener in this task, as an error is.
        for (let count = 0; count < 60; count++) {
          dispatchEvent(new ErrorEvent("error", { message: `number ${count}`, filename: "https://a.example/x.js?y", lineno: 1 }));
        }
        window.rest();
      });
    await throwMany();
    await page.evaluate(() => window.footfall.flush());
    // A request that took hours is sent again, with the same ids.
    const once = (events) => [...new Map(events.map((event) => [event.event_id, event])).values()];
    const told = async (count) => {
      const found = await until(`${count} errors`, async () => {
        const found = toldOf(once(await arrived(1)));
        return found.length >= count && found;
      });
      assert.equal(found.length, count);
      return found;
    };
    await told(50);
    await page.evaluate(() => window.footfall.page());
    await throwMany();
    await page.evaluate(() => window.footfall.flush());
    assert.equal((await told(100))[0].source, "https://a.example/x.js");
  });

  test(`${engine}: an error of a script from elsewhere is marked as one that the browser keeps to itself`, async (t) => {
    const { page, arrived } = await visitErrors(t);
    await page.evaluate(() => dispatchEvent(new ErrorEvent("error", { message: "Script error." })));
    await page.evaluate(() => window.footfall.flush());
    const told = only(await arrived(2), "error").properties;
    assert.deepEqual(told, { kind: "error", message: "Script error.", cross_origin: true });
  });

  test(`${engine}: our own errors, and pictures that cannot be loaded, are not the page's errors`, async (t) => {
    const { page, arrived } = await visitErrors(t);
    await page.evaluate(async () => {
      const filename = `${location.origin}/sdk/footfall-0123456789ab.js`;
      dispatchEvent(new ErrorEvent("error", { message: "ours", filename }));
      const error = new Error("ours");
      error.stack = `Error: ours\n    at a (${filename}:1:2)\n    at ${location.origin}/sdk/footfall.js:3:4`;
      dispatchEvent(new ErrorEvent("error", { message: "ours", filename, error }));
      const picture = new Image();
      document.body.append(picture);
      await new Promise((resolve) => { picture.onerror = resolve; picture.src = "/missing.png"; });
      window.throwLater(() => new Error("the page's"));
    });
    await flushed(page, 3);
    assert.deepEqual(toldOf(await arrived(2)).map(({ message }) => message), ["the page's"]);
  });

  test(`${engine}: a long stack is cut, and errors after shutdown are not told`, async (t) => {
    const { page, arrived, served } = await visitErrors(t);
    await page.evaluate(() => {
      const deep = (depth) => (depth ? deep(depth - 1) : new Error("deep"));
      window.throwLater(() => deep(40));
      const error = new Error("long");
      error.stack = Array.from({ length: 50 }, () => `    at ${"f".repeat(500)} (https://a.example/x.js?k=v:1:2)`).join("\n");
      window.throwLater(() => error);
    });
    await flushed(page, 2);
    const [deep, long] = toldOf(await arrived(3));
    assert.ok(deep.stack.split("\n").length <= 10, deep.stack);
    assert.ok(long.stack.length <= 2_048 && !long.stack.includes("k=v"), long.stack);
    await page.evaluate(() => {
      window.footfall.shutdown();
      window.throwLater(() => new Error("too late"));
    });
    await until("the last", () => page.evaluate(() => window.errors.length >= 3));
    assert.deepEqual(await page.evaluate(() => window.listening()), NOTHING);
    await page.goto("about:blank");
    assert.ok(!JSON.stringify(served.events()).includes("too late"));
  });
}
