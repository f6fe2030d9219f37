// The engines that the browser tests run in: where each is on this machine, and how it is started.
// A started browser has `createBrowserContext()` and `close()`, a context has `newPage()` and `close()`, and what a
// page can do in every engine is listed in visit.mjs.
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

const ENGINES = {
  chromium: {
    variable: "CHROME_PATH",
    places: ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable",
      "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome", "/Applications/Chromium.app/Contents/MacOS/Chromium"],
    install: "chromium",
    driver: () => import("./chromium.mjs"),
  },
  firefox: {
    variable: "FIREFOX_PATH",
    places: ["firefox-esr", "firefox", "/Applications/Firefox.app/Contents/MacOS/firefox"],
    install: "firefox-esr",
    driver: () => import("./firefox.mjs"),
  },
  webkit: {
    variable: "WEBKIT_DRIVER_PATH",
    places: ["WebKitWebDriver"],
    // WebKitGTK has no mode without a display.
    needs: () => program("Xvfb"),
    install: "webkit2gtk-driver xvfb",
    driver: () => import("./webkit.mjs"),
  },
};

/** The path of a program, or nothing; a name is looked up as the shell does. */
function program(name) {
  const paths = name.includes("/") ? [name] : (process.env.PATH ?? "").split(delimiter).map((place) => join(place, name));
  return paths.find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

function find({ variable, places, needs = () => true }) {
  const named = process.env[variable];
  if (named && !program(named)) throw new Error(`${variable} names '${named}', which is no program`);
  const path = named ? program(named) : places.map(program).find(Boolean);
  return needs() ? path : undefined;
}

const asked = process.env.BROWSER_ENGINES?.split(/[\s,]+/).filter(Boolean) ?? Object.keys(ENGINES);
const unknown = asked.filter((engine) => !ENGINES[engine]);
if (unknown.length) throw new Error(`BROWSER_ENGINES names '${unknown}'; it may name ${Object.keys(ENGINES).join(", ")}`);
const paths = new Map(asked.map((engine) => [engine, find(ENGINES[engine])]));

/** The engines to test in: those of `BROWSER_ENGINES="chromium firefox webkit"` (default all) that are here. */
export const engines = asked.filter((engine) => paths.get(engine));

/** Those that were asked for and are not here, each with a sentence that says what to do. */
export const missing = asked
  .filter((engine) => !paths.get(engine))
  .map((engine) => ({
    engine,
    why: `${engine} was not found: install ${ENGINES[engine].install}, or let ${ENGINES[engine].variable} name it`,
  }));
// Who names the engines wants them; else a run without a browser would pass.
if (missing.length && (process.env.BROWSER_ENGINES || !engines.length)) throw new Error(missing.map(({ why }) => why).join("; "));

/**
 * Starts a browser of that engine, without a window, with an empty profile; or with that of the folder `profile`, which
 * `defaultBrowserContext()` then has. WebKitGTK's driver knows no profiles.
 */
export async function launch(engine = "chromium", profile = undefined) {
  const { launch } = await ENGINES[engine].driver();
  return launch(paths.get(engine), profile);
}
