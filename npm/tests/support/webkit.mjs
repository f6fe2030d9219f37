// WebKitGTK's MiniBrowser on a display of its own, by selenium-webdriver, with as much of Puppeteer's surface as the
// tests use. A session holds one ephemeral profile: its contexts are tabs of it, kept apart by their sites' origins.
import { spawn } from "node:child_process";
import { EventEmitter, once } from "node:events";
import { Builder, Button, By, Key } from "selenium-webdriver";
import { freePort } from "../../../scripts/free-port.mjs";
import { until } from "./site.mjs";

/** A test run that ends early must not leave a display behind. */
const running = new Set();
process.once("exit", () => {
  for (const child of running) child.kill();
});

export async function launch(driverPath) {
  const processes = [];
  const start = (...args) => {
    const child = spawn(...args);
    running.add(child);
    child.once("exit", () => running.delete(child));
    processes.push(child);
    return child;
  };
  const stop = async () => {
    for (const child of processes.toReversed()) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      child.kill();
      await once(child, "exit");
    }
  };
  try {
    const DISPLAY = await display(start);
    const port = await freePort();
    // Nobody looks at what is drawn: composed in software, each frame took a third of the processor time.
    const env = { ...process.env, DISPLAY, WEBKIT_DISABLE_COMPOSITING_MODE: "1" };
    start(driverPath, [`--port=${port}`], { env, stdio: "ignore" });
    const server = `http://127.0.0.1:${port}`;
    await until("WebKitWebDriver", () => fetch(`${server}/status`).then(({ ok }) => ok, () => false));
    // Without a binary the driver takes the MiniBrowser that it was built with.
    const driver = await new Builder().usingServer(server).withCapabilities({ browserName: "MiniBrowser" }).build();
    // The driver would keep that time by a timer in the page, among the timers that a test may count.
    await driver.manage().setTimeouts({ script: null });
    return browser(driver, stop);
  } catch (error) {
    await stop();
    throw error;
  }
}

async function display(start) {
  const server = start("Xvfb", ["-displayfd", "3", "-screen", "0", "1280x1024x24", "-nolisten", "tcp"], {
    stdio: ["ignore", "ignore", "ignore", "pipe"],
  });
  const [number] = await Promise.race([
    once(server.stdio[3], "data"),
    once(server, "exit").then(() => { throw new Error("Xvfb ended at once"); }),
  ]);
  return `:${String(number).trim()}`;
}

function browser(driver, stop) {
  // The driver has one current window, so whoever uses another waits.
  let last = Promise.resolve();
  const alone = (run) => {
    const done = last.then(run);
    last = done.catch(() => {});
    return done;
  };
  return {
    async createBrowserContext() {
      const pages = new Set();
      return {
        async newPage() {
          const handle = await alone(async () => {
            // The window that was closed last may have been the current one.
            await driver.switchTo().window((await driver.getAllWindowHandles()).at(-1));
            await driver.switchTo().newWindow("window");
            return driver.getWindowHandle();
          });
          const page = new Page(driver, (run) => alone(() => driver.switchTo().window(handle).then(run)));
          page.once("close", () => pages.delete(page));
          pages.add(page);
          return page;
        },
        async close() {
          const [page] = pages;
          await page?.forgetCookies();
          for (const page of pages) await page.close();
        },
      };
    },
    async close() {
      await alone(() => driver.quit());
      await stop();
    },
  };
}

class Page extends EventEmitter {
  #driver;
  #here;

  constructor(driver, here) {
    super();
    this.#driver = driver;
    this.#here = here;
  }

  goto(url) {
    return this.#here(() => this.#driver.get(url));
  }

  reload() {
    return this.#here(() => this.#driver.navigate().refresh());
  }

  goBack() {
    return this.#here(() => this.#driver.navigate().back());
  }

  url() {
    return this.#here(() => this.#driver.getCurrentUrl());
  }

  click(selector, { button = "left", count = 1 } = {}) {
    return this.#here(async () => {
      const element = await this.#driver.findElement(By.css(selector));
      if (button === "left" && count === 1) return element.click();
      const actions = this.#driver.actions().move({ origin: element });
      for (let click = 0; click < count; click++) actions.press(Button[button.toUpperCase()]).release(Button[button.toUpperCase()]);
      return actions.perform();
    });
  }

  type(selector, text) {
    return this.#here(async () => (await this.#driver.findElement(By.css(selector))).sendKeys(text));
  }

  keyboard = {
    press: (key) =>
      this.#here(() => {
        const name = key.replaceAll(/(?<=[a-z])(?=[A-Z])/g, "_").toUpperCase();
        return this.#driver.actions().sendKeys(key.length > 1 ? Key[name] : key).perform();
      }),
  };

  /** The result travels as JSON, as in the other engines: WebDriver itself would make null of undefined. */
  async evaluate(run, ...args) {
    const text = await this.#run(run, args, "JSON.stringify");
    return text === null ? undefined : JSON.parse(text);
  }

  waitForFunction(run, _options, ...args) {
    return until(String(run), () => this.#run(run, args, "Boolean"));
  }

  #run(run, args, result) {
    const script = `return Promise.resolve((${run})(...arguments)).then((value) => ${result}(value))`;
    return this.#here(() => this.#driver.executeScript(script, ...args));
  }

  forgetCookies() {
    return this.#here(() => this.#driver.manage().deleteAllCookies());
  }

  async close() {
    await this.#here(() => this.#driver.close());
    this.emit("close");
  }
}
