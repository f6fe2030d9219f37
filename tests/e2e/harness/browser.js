// A real Chromium with nothing of a person's own profile in it, and what its pages complained of.
import { existsSync } from "node:fs";
import puppeteer from "puppeteer-core";

const FLAGS = [
  "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
  "--disable-background-networking", "--disable-component-update", "--disable-sync",
];

/** Starts Chromium: the one that CHROME_PATH names, else Debian's. */
export async function startBrowser() {
  const executablePath = process.env.CHROME_PATH ?? "/usr/bin/chromium";
  if (!existsSync(executablePath)) {
    throw new Error(`${executablePath} is not there; run scripts/setup.sh browser, or set CHROME_PATH to a Chromium or Chrome`);
  }
  return puppeteer.launch({ executablePath, args: FLAGS, defaultViewport: { width: 1440, height: 1000 } });
}

/**
 * Opens a tab. What goes wrong in it is collected, so that a test can demand that nothing did.
 * @returns {Promise<{page: import("puppeteer-core").Page, complaints: string[]}>}
 */
export async function openTab(browser) {
  const page = await browser.newPage();
  const complaints = [];
  page.on("pageerror", (error) => complaints.push(`error: ${error.message}`));
  page.on("console", (message) => {
    if (message.type() === "error") complaints.push(`console: ${message.text()} (${message.location().url ?? ""})`);
  });
  return { page, complaints };
}
