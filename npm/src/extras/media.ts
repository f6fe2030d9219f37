/**
 * Audio and video: play, pause, a quarter, half and three quarters played, and the end. Played is what was really
 * played: a part that was skipped does not count.
 */
import type { Tools } from "../browser/extras.js";
import { told } from "./address.js";
import { listenInRoots } from "./roots.js";

const MARKS = [25, 50, 75];

export function captureMedia({ guard, record, describe, target }: Tools): void {
  /** How many marks were told of what an element plays; the end is one more. */
  const counts = new WeakMap<EventTarget, number>();

  listenInRoots(guard, ["loadstart", "play", "timeupdate", "pause", "ended"], (event) => {
    const [media] = event.composedPath();
    if (!(media instanceof HTMLMediaElement)) return;
    // Another source, or the same one again.
    if (event.type === "loadstart") counts.delete(media);
    const { duration, played, currentSrc, currentTime, muted, loop, ended, localName } = media;
    const tell = (name: string, percent?: number): void =>
      record(name, {
        ...describe(media),
        src: told(currentSrc, { target }),
        // A live stream has no end.
        duration_ms: Number.isFinite(duration) ? Math.round(duration * 1_000) : undefined,
        live: duration === Infinity || undefined,
        position_ms: Math.round(currentTime * 1_000),
        muted,
        percent,
      });

    // The end pauses too.
    if (event.type === "play" || (event.type === "pause" && !ended)) tell(`media_${event.type}`);
    let seconds = 0;
    for (let range = 0; range < played.length; range++) seconds += played.end(range) - played.start(range);
    const percent = (seconds / duration) * 100;
    let count = counts.get(media) ?? 0;
    while (percent >= MARKS[count]!) tell("media_progress", MARKS[count++]);
    // What begins anew by itself never ends.
    if (count === MARKS.length && (ended || (loop && percent > 99))) {
      count++;
      tell(`${localName}_completion`);
    }
    counts.set(media, count);
  });
}
