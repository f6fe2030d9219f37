// Chromium by Puppeteer over its DevTools protocol: the surface that the other drivers follow.
import puppeteer from "puppeteer-core";

export const launch = (executablePath, userDataDir) =>
  puppeteer.launch({
    executablePath,
    userDataDir,
    headless: true,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      // The browser's own pages, such as those of its address bar, cost more than the tests' own.
      "--disable-features=PreloadTopChromeWebUI,WebUIOmniboxAimPopup,WebUIOmniboxPopup",
      "--disable-quic",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      "--no-first-run",
    ],
  });
