// Copies and prints, as plain events.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { countListeners, listensFor, NOTHING } from "./support/listeners.mjs";
import { closeBrowsers, engines, names, taken, visit } from "./support/visit.mjs";

after(closeBrowsers);

for (const engine of engines) {
  test(`${engine}: a copy tells how much and where, never the text; a print is told; nothing listens after shutdown`, async (t) => {
    const { page, served, arrived, errors } = await visit(t, { engine, path: "/clipboard.html", prepare: countListeners });
    await listensFor(page, "copy");
    await listensFor(page, "beforeprint");
    await page.evaluate(() => {
      getSelection().selectAllChildren(document.querySelector("#text"));
      // The drivers' clipboards differ, and the event is all that is heard.
      const copy = () => new ClipboardEvent("copy", { bubbles: true, composed: true });
      document.querySelector("#text").dispatchEvent(copy());
      const field = document.querySelector("#field");
      field.focus();
      field.setSelectionRange(0, 5);
      field.dispatchEvent(copy());
      dispatchEvent(new Event("beforeprint"));
    });
    await taken(page, 4);
    const state = await page.evaluate(() => {
      window.footfall.shutdown();
      dispatchEvent(new Event("beforeprint"));
      return window.listening();
    });
    assert.deepEqual(state, NOTHING);
    const events = await arrived(4);
    const copies = events.filter(({ event }) => event === "copy").map(({ properties }) => properties);
    assert.deepEqual(copies, [
      { tag: "p", id: "text", length: 30 },
      { tag: "textarea", id: "field", length: 5 },
    ]);
    assert.deepEqual(names(events), ["page", "copy", "copy", "print"]);
    const texts = JSON.stringify(served.requests.map(({ batch }) => batch));
    for (const text of ["secret sentence", "typed"]) assert.ok(!texts.includes(text), text);
    assert.deepEqual(await errors(), []);
  });
}
