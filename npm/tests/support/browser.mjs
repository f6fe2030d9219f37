// The Chromium of this machine, headless.
import { existsSync } from "node:fs";
import puppeteer from "puppeteer-core";

const PLACES = ["/usr/bin/chromium", "/usr/bin/google-chrome", "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"];

export function launch() {
  const executablePath = process.env.CHROME_PATH ?? PLACES.find(existsSync);
  if (!executablePath) throw new Error("no Chromium was found: install chromium, or set CHROME_PATH");
  return puppeteer.launch({
    executablePath,
    headless: true,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      "--no-first-run",
    ],
  });
}
