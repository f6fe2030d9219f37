// The cells of the matrix: each is what happens to a visitor, told as the twenty events of one run and the way in which
// they go. Where an engine cannot have one, `absent` says why.
import { until } from "../e2e/harness/wait.js";
import { EVENTS } from "./run.mjs";

const BUSY_MS = 30_000;
/** Twenty of them are more than the 64 KiB that all beacons in flight may hold. */
const LARGE = { text: "x".repeat(5 << 10) };
/** Only the module keeps events as they come. */
const ONCE_IT_RUNS = "once the module runs: what the loader holds goes with its process";
const isOdd = (run) => run.number % 2 === 1;

/**
 * @typedef {object} Cell
 * @property {string} name
 * @property {(run: import("./run.mjs").Run) => Promise<void>} act
 * @property {number} [runs] at most that many
 * @property {{ [engine: string]: string }} [absent]
 * @property {{ [engine: string]: string }} [said] what the table says of it
 * @property {"gone" | "kept"} [profile] what the cell does to it: it goes, so that there is no next visit, or it outlives
 *   the browser
 * @property {object} [site] options of the site
 * @property {(origins: string[]) => string} [settings] of the server
 * @property {boolean} [isQuick] part of the quick form
 */

/** @type {Cell[]} */
export const cells = [
  {
    name: "link navigation",
    isQuick: true,
    async act(run) {
      const page = await run.open();
      await run.tell(page, 0, 15);
      await run.leaveByLink(page, 15, EVENTS);
    },
  },
  {
    name: "tab close",
    isQuick: true,
    // What the tracker was in the middle of goes with it: the call under way, and all where that was in the module.
    said: { firefox: "once the tracker is at rest: it cancels the script that runs in a tab as that closes" },
    async act(run) {
      const page = await run.open();
      await run.tell(page, 0, EVENTS);
      if (run.engine === "firefox") await run.untilAtRest(page);
      await page.close();
    },
  },
  {
    name: "browser context close",
    profile: "gone",
    said: {
      chromium: "its profile is destroyed: no next visit",
      firefox: "its profile is destroyed: no next visit",
      webkit: "of the whole browser; its profile is destroyed: no next visit",
    },
    async act(run) {
      const page = await run.open();
      await run.tell(page, 0, EVENTS);
      await run.leave();
    },
  },
  {
    name: "browser quit and started again",
    profile: "kept",
    runs: 10,
    absent: { webkit: "a browser that is driven keeps no profile" },
    said: { chromium: ONCE_IT_RUNS, firefox: ONCE_IT_RUNS },
    async act(run) {
      const page = await run.open();
      await run.untilReady(page);
      await run.tell(page, 0, EVENTS);
      await run.leave();
      await run.useOwnProfile();
    },
  },
  {
    name: "reload",
    async act(run) {
      const page = await run.open();
      await run.tell(page, 0, EVENTS);
      await page.reload();
      await page.close();
    },
  },
  {
    name: "back/forward cache",
    async act(run) {
      const page = await run.open();
      // A page that is left while its module asks for a lock is not kept.
      await run.untilReady(page);
      await run.tell(page, 0, 7);
      await run.leaveByLink(page, 7, 12);
      await page.goBack();
      if (!(await page.evaluate(() => window.persisted))) throw new Error("the page did not come from the cache");
      await run.tell(page, 12, EVENTS);
      await page.close();
    },
  },
  {
    name: "crash of the renderer",
    absent: {
      firefox: "only Chromium lets its driver crash a page",
      webkit: "only Chromium lets its driver crash a page",
    },
    said: { chromium: ONCE_IT_RUNS },
    async act(run) {
      const page = await run.open();
      await run.untilReady(page);
      await run.tell(page, 0, EVENTS);
      const crashed = new Promise((resolve) => page.once("error", resolve));
      const devtools = await page.createCDPSession();
      // It is never answered.
      devtools.send("Page.crash").catch(() => {});
      await crashed;
    },
  },
  {
    name: "offline, then online",
    isQuick: true,
    said: { webkit: "by a line that is cut: WebDriver knows no offline" },
    async act(run) {
      const page = await run.open();
      await run.untilReady(page);
      const setOffline = async (isOffline) => {
        if (page.setOfflineMode) await page.setOfflineMode(isOffline);
        else if (isOffline) run.line.cut();
        else run.line.mend();
      };
      await setOffline(true);
      await run.tell(page, 0, EVENTS);
      await run.until("an attempt failed", page, () => window.failures > 0);
      // The other half goes while offline, and comes online with the next visit.
      if (isOdd(run)) await page.close();
      if (!isOdd(run) || !page.setOfflineMode) await setOffline(false);
      if (isOdd(run)) return;
      await run.untilSent(page);
      await page.close();
    },
  },
  {
    name: "server 503 for 30 s",
    runs: 5,
    async act(run) {
      const page = await run.open();
      run.line.beBusy();
      const mendAt = Date.now() + BUSY_MS;
      await run.tell(page, 0, EVENTS);
      await until("a batch was refused twice", BUSY_MS, () => run.line.refused >= 2);
      if (isOdd(run)) await page.close();
      await until("30 s are over", 2 * BUSY_MS, () => Date.now() > mendAt);
      run.line.mend();
      if (isOdd(run)) return;
      // After repeated failure the server is tried once a minute.
      await run.untilSent(page, 100_000);
      await page.close();
    },
  },
  {
    name: "reset mid-response",
    isQuick: true,
    async act(run) {
      const page = await run.open();
      run.line.resetAnswers(2);
      await run.tell(page, 0, EVENTS);
      // The other half goes at once, with the answer still under way or not.
      if (!isOdd(run)) {
        await until("an answer broke off", 10_000, () => run.line.brokenOff > 0);
        await run.untilSent(page);
      }
      await page.close();
    },
  },
  {
    name: "storage full",
    site: { fill: true },
    async act(run) {
      const page = await run.open();
      await run.tell(page, 0, 15);
      await run.leaveByLink(page, 15, EVENTS);
    },
  },
  {
    name: "beacons above 64 KiB",
    said: { firefox: "it has no quota of beacons" },
    async act(run) {
      const page = await run.open();
      await run.tell(page, 0, 5);
      await run.leaveByLink(page, 5, EVENTS, LARGE);
    },
  },
  {
    name: "two tabs",
    async act(run) {
      const one = await run.open();
      const other = await run.open();
      await run.tell(one, 0, 5);
      await run.tell(other, 5, 15);
      await run.tell(one, 15, EVENTS);
      await Promise.all([one.close(), other.close()]);
    },
  },
  {
    name: "no-referrer, origins listed",
    site: { referrerPolicy: "no-referrer" },
    settings: (origins) => `[site.pk_demo]\norigins = ${JSON.stringify(origins)}\n`,
    async act(run) {
      const page = await run.open();
      await run.tell(page, 0, 15);
      await run.leaveByLink(page, 15, EVENTS);
      if (run.line.nullOrigins) run.notes.push("Origin: null");
    },
  },
];
