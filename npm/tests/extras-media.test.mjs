// Audio and video: play, pause, the marks that were really played, and the end.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { countListeners, listensFor, NOTHING } from "./support/listeners.mjs";
import { until } from "./support/site.mjs";
import { closeBrowsers, engines, names, taken, visit } from "./support/visit.mjs";

after(closeBrowsers);

for (const engine of engines) {
  const visitMedia = async (t) => {
    const visited = await visit(t, { engine, path: "/media.html", prepare: countListeners });
    await listensFor(visited.page, "timeupdate");
    return visited;
  };
  const told = (events) =>
    events.slice(1).map(({ event, properties: { percent } }) => (percent ? `${event} ${percent}` : event));
  const ended = (page) => until("the end", () => page.evaluate(() => window.ended));

  for (const [tag, id] of [["audio", "song"], ["video", "clip"]]) {
    test(`${engine}: ${tag} that is played to its end tells each mark once, again for another source`, async (t) => {
      const { page, arrived, errors } = await visitMedia(t);
      const play = () =>
        page.evaluate(async (id) => {
          const media = document.getElementById(id);
          window.ended = false;
          media.onended = () => { window.ended = true; };
          await window.prepare(media, 1);
          await media.play();
        }, id);
      await play();
      await ended(page);
      // Once more from the start: it was told already.
      await page.evaluate((id) => { window.ended = false; void document.getElementById(id).play(); }, id);
      await ended(page);
      await play();
      await ended(page);
      await page.evaluate(() => window.footfall.flush());
      const events = await arrived(12);
      const whole = ["media_play", "media_progress 25", "media_progress 50", "media_progress 75", `${tag}_completion`];
      assert.deepEqual(told(events), [...whole, "media_play", ...whole]);
      assert.deepEqual(events[5].properties, {
        ...(tag === "video" && { clip_id: "7" }),
        tag,
        id,
        src: "blob:",
        duration_ms: 1_000,
        position_ms: 1_000,
        muted: true,
      });
      assert.deepEqual(await errors(), []);
    });
  }

  test(`${engine}: a pause is told; a mark that was skipped, and an end that was jumped to, are not`, async (t) => {
    const { page, arrived } = await visitMedia(t);
    await page.evaluate(async () => {
      const media = document.querySelector("#clip");
      await window.prepare(media, 20);
      await media.play();
      media.pause();
      media.onended = () => { window.ended = true; };
      media.currentTime = 19.8;
      await media.play();
    });
    await ended(page);
    await page.evaluate(() => window.footfall.flush());
    const events = await arrived(4);
    assert.deepEqual(told(events), ["media_play", "media_pause", "media_play"]);
    assert.equal(events[3].properties.duration_ms, 20_000);
  });

  // Without a device to play on, WebKitGTK takes tens of seconds for a loop of one.
  const isSlow = engine === "webkit" && "WebKitGTK loops too slowly";
  test(`${engine}: video that begins anew by itself ends once`, { skip: isSlow }, async (t) => {
    const { page, arrived } = await visitMedia(t);
    await page.evaluate(async () => {
      const media = document.querySelector("#clip");
      await window.prepare(media, 1);
      media.loop = true;
      window.rounds = 0;
      let before = 0;
      media.ontimeupdate = () => {
        window.rounds += media.currentTime < before;
        before = media.currentTime;
      };
      await media.play();
    });
    await until("two rounds", () => page.evaluate(() => window.rounds >= 2));
    await page.evaluate(() => window.footfall.flush());
    const events = await arrived(6);
    assert.deepEqual(told(events), ["media_play", "media_progress 25", "media_progress 50", "media_progress 75", "video_completion"]);
  });

  test(`${engine}: a source is told as a path without its query, and a live stream as one`, async (t) => {
    const { page, served } = await visitMedia(t);
    await page.evaluate(async () => {
      const media = document.querySelector("#clip");
      media.src = "/films/7.mp4?token=s3cret#t=1";
      media.play().catch(() => {});
      const live = document.createElement("video");
      live.id = "live";
      live.muted = true;
      document.body.append(live);
      const canvas = document.createElement("canvas");
      const context = canvas.getContext("2d");
      const drawing = setInterval(() => context.fillRect(Math.random() * 100, 0, 9, 9), 20);
      live.srcObject = canvas.captureStream(50);
      await live.play();
      live.pause();
      clearInterval(drawing);
    });
    const found = (name, id) => served.events().find(({ event, properties }) => event === name && properties.id === id)?.properties;
    const { live, src, duration_ms } = await until("the pause", async () => {
      await page.evaluate(() => window.footfall.flush());
      return found("media_pause", "live");
    });
    assert.equal(found("media_play", "clip").src, "/films/7.mp4");
    assert.deepEqual([live, src, duration_ms], [true, undefined, undefined]);
  });

  test(`${engine}: elements that come later and those in shadow roots are told`, async (t) => {
    const { page, arrived } = await visitMedia(t);
    await page.evaluate(async () => {
      const late = document.createElement("audio");
      late.id = "late";
      document.body.append(late);
      await window.prepare(late, 60);
      await late.play();
      await window.prepare(document.querySelector("#host").shadowRoot.querySelector("video"), 60);
    });
    // A visitor presses it.
    await page.click("#host");
    await taken(page, 3);
    await page.evaluate(() => window.footfall.flush());
    const events = await arrived(3);
    assert.deepEqual(events.slice(1).map(({ event, properties }) => [event, properties.id]), [["media_play", "late"], ["media_play", "inner"]]);
  });

  test(`${engine}: nothing of the media listens after shutdown`, async (t) => {
    const { page, served } = await visitMedia(t);
    await page.evaluate(async () => {
      await window.prepare(document.querySelector("#clip"), 5);
      window.footfall.shutdown();
      await document.querySelector("#clip").play();
    });
    assert.deepEqual(await page.evaluate(() => window.listening()), NOTHING);
    await page.goto("about:blank");
    assert.ok(!names(served.events()).includes("media_play"));
  });
}
