// Where unsent batches had better be kept, localStorage or IndexedDB: what it costs the main thread to write a text that
// grows to 20 KB with each of 25 events, and what of a last write is there again after the page has gone.
// `scripts/bench-sdk.sh --storage` runs it.
import { launch } from "./browser.mjs";
import { median, quantile } from "./figures.mjs";
import { countTasks } from "./measures/main-thread.mjs";
import { progress } from "./progress.mjs";
import { openSite } from "./site.mjs";
import { empty } from "./trackers/empty.mjs";

const EVENTS = 25;
const GROWTH = 800;
const ROUNDS = 9;
const GOINGS = 20;

/** The two places, each as page script: `open` prepares it, `write` keeps a text, `read` finds it again. */
const PLACES = {
  localStorage: () => {
    window.openPlace = async () => localStorage.getItem("kept");
    window.write = (text) => localStorage.setItem("kept", text);
    window.read = async () => localStorage.getItem("kept");
  },
  IndexedDB: () => {
    let db;
    window.openPlace = () =>
      new Promise((resolve, reject) => {
        const request = indexedDB.open("kept", 1);
        request.addEventListener("upgradeneeded", () => request.result.createObjectStore("texts"));
        request.addEventListener("success", () => resolve((db = request.result)));
        request.addEventListener("error", () => reject(request.error));
      }).then(() => undefined);
    window.write = (text) => {
      const transaction = db.transaction("texts", "readwrite", { durability: "relaxed" });
      transaction.objectStore("texts").put(text, "kept");
      transaction.commit();
    };
    window.read = async () => {
      await window.openPlace();
      const request = db.transaction("texts").objectStore("texts").get("kept");
      return new Promise((resolve) => {
        request.addEventListener("success", () => resolve(request.result ?? null));
      });
    };
  },
};

/** How a page goes right after, or in the midst of, its last write. */
const GOINGS_OF_A_PAGE = {
  "another origin": async (page, { other }) => page.goto(other),
  reload: async (page) => page.reload(),
  "tab closed": async (page) => page.close({ runBeforeUnload: true }),
  "renderer crashed": async (page, { cdp }) => {
    // There is no pagehide here: the write is followed by the crash at once.
    await page.evaluate(() => window.last());
    const crashed = new Promise((resolve) => {
      cdp.once("Inspector.targetCrashed", resolve);
    });
    // A command that nobody is left to answer.
    cdp.send("Page.crash").catch(() => {});
    await crashed;
  },
};

const site = await openSite([empty]);
const browser = await launch();

/** A page of its own on a fresh origin, with the place's functions in it. */
async function open(place) {
  const seen = site.visit(empty);
  const { page, cdp, close } = await browser.open();
  await page.evaluateOnNewDocument(PLACES[place]);
  await page.goto(seen.url());
  return { page, cdp, close, url: seen.url() };
}

async function cost(place) {
  const { page, cdp, close } = await open(place);
  const spent = await countTasks(cdp);
  const start = await spent();
  const opened = await page.evaluate(async () => {
    const at = performance.now();
    await window.openPlace();
    return performance.now() - at;
  });
  const afterOpen = await spent();
  const calls = await page.evaluate(writeGrowing, EVENTS, GROWTH);
  const written = (await spent()) - afterOpen;
  const kept = await page.evaluate(async () => (await window.read()).length);
  if (kept !== EVENTS * GROWTH) throw new Error(`${place} kept ${kept} characters`);
  await close();
  return { opened, open: afterOpen - start, calls, total: (written * 1_000) / EVENTS };
}

/** In the page: each event in a task of its own, its write in a microtask of that. */
async function writeGrowing(events, growth) {
  const calls = [];
  let text = "";
  for (let count = 0; count < events; count += 1) {
    await new Promise((resolve) => {
      setTimeout(resolve, 20);
    });
    text += JSON.stringify({ event: "post_view", count }).padEnd(growth, "a");
    await Promise.resolve();
    const at = performance.now();
    window.write?.(text);
    calls.push((performance.now() - at) * 1_000);
  }
  return calls;
}

/** Whether a 20 KB text written when the page goes is there on the next page. */
async function survives(place, going) {
  const { page, cdp, close, url } = await open(place);
  await page.evaluate(async (length) => {
    await window.openPlace();
    window.last = () => window.write("z".repeat(length));
    addEventListener("pagehide", window.last);
  }, EVENTS * GROWTH);
  // Opened before, so that the next visit is there however the page goes.
  const next = await page.browserContext().newPage();
  await next.evaluateOnNewDocument(PLACES[place]);
  await GOINGS_OF_A_PAGE[going](page, { cdp, other: site.visit(empty).url() });
  await next.goto(url);
  const found = await next.evaluate(async () => (await window.read())?.length);
  await close();
  return found === EVENTS * GROWTH;
}

try {
  console.log(`${browser.version}; ${EVENTS} writes of a text that grows to ${(EVENTS * GROWTH) / 1_000} KB, ${ROUNDS} rounds`);
  const bare = [];
  const costs = { localStorage: [], IndexedDB: [] };
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const place of Object.keys(PLACES)) {
      progress(`cost: ${round + 1} of ${ROUNDS}, ${place}`);
      costs[place].push(await cost(place));
    }
    bare.push(await emptyCost());
  }
  progress("");
  const base = median(bare);
  console.log("\nMain thread             open, ms   call µs: median     p95   whole write, µs of processor time");
  for (const [place, rounds] of Object.entries(costs)) {
    const calls = rounds.flatMap((one) => one.calls);
    const cells = [
      median(rounds.map((one) => one.open)).toFixed(2).padStart(10),
      median(calls).toFixed(0).padStart(18),
      quantile(calls, 0.95).toFixed(0).padStart(8),
      (median(rounds.map(({ total }) => total)) - base).toFixed(0).padStart(14),
    ];
    console.log(`  ${place.padEnd(20)}${cells.join("")}`);
  }
  console.log(`\nWritten when the page goes, and there on the next page (of ${GOINGS})`);
  for (const going of Object.keys(GOINGS_OF_A_PAGE)) {
    const counts = [];
    for (const place of Object.keys(PLACES)) {
      let found = 0;
      for (let times = 0; times < GOINGS; times += 1) {
        progress(`${going}: ${times + 1} of ${GOINGS}, ${place}`);
        if (await survives(place, going)) found += 1;
      }
      counts.push(`${place} ${found}`);
    }
    progress("");
    console.log(`  ${going.padEnd(20)}${counts.join(", ")}`);
  }
} finally {
  await browser.close();
  await site.close();
}

/** What the writing loop itself costs, in µs for an event. */
async function emptyCost() {
  const seen = site.visit(empty);
  const { page, cdp, close } = await browser.open();
  await page.goto(seen.url());
  const spent = await countTasks(cdp);
  const start = await spent();
  await page.evaluate(`delete window.write; (${writeGrowing})(${EVENTS}, ${GROWTH})`);
  const total = (((await spent()) - start) * 1_000) / EVENTS;
  await close();
  return total;
}
