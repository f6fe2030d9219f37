// Firefox by Puppeteer over WebDriver BiDi, and what that does not know of pages from the back/forward cache.
import puppeteer from "puppeteer-core";
import { until } from "./site.mjs";

export async function launch(executablePath, userDataDir) {
  const browser = await puppeteer.launch({ browser: "firefox", executablePath, userDataDir, headless: true });
  return {
    createBrowserContext: async () => repairedContext(await browser.createBrowserContext()),
    defaultBrowserContext: () => repairedContext(browser.defaultBrowserContext()),
    close: () => browser.close(),
  };
}

function repairedContext(context) {
  return {
    newPage: async () => repaired(await context.newPage()),
    close: () => context.close(),
  };
}

/** A page from the cache is not loaded again, which is what Puppeteer waits for; and its address stays the old one. */
function repaired(page) {
  const place = () => page.evaluate(() => `${performance.timeOrigin} ${location.href}`);
  page.url = () => page.evaluate(() => location.href);
  page.goBack = async () => {
    const left = await place();
    await page.evaluate(() => history.back());
    await until("the page before", async () => {
      // Between two documents there is nothing to ask.
      const now = await place().catch(() => left);
      return now !== left && page.evaluate(() => document.readyState === "complete").catch(() => false);
    });
  };
  return page;
}
