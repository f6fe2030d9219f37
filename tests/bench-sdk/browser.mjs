// The Chromium of this machine, headless, as an ordinary visitor's: trackers leave robots out. It resolves no names but
// those under .localhost, so that nothing is sent off this machine.
import puppeteer from "puppeteer-core";

export async function launch() {
  const executablePath = process.env.CHROME_PATH;
  if (!executablePath) throw new Error("CHROME_PATH does not say where Chromium is: run `make bench-sdk`");
  const browser = await puppeteer.launch({
    executablePath,
    headless: true,
    protocolTimeout: 60_000,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      "--no-first-run",
      // The address bar of each window would be two pages more.
      "--disable-features=WebUIOmniboxPopup,WebUIOmniboxAimPopup",
      "--disable-blink-features=AutomationControlled",
      "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE *.localhost",
    ],
  });
  const userAgent = (await browser.userAgent()).replace("Headless", "");
  return {
    version: await browser.version(),
    /** A page with nothing cached, and its CDP session. */
    async open() {
      const context = await browser.createBrowserContext();
      const page = await context.newPage();
      await page.setUserAgent({ userAgent });
      const cdp = await page.createCDPSession();
      return { page, cdp, close: () => context.close() };
    },
    close: () => browser.close(),
  };
}
