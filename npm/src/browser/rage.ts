/** Rage clicks: the third within a second near the same spot. */

const WITHIN_MS = 1_000;
/** Pixels between one click and the next. */
const NEAR = 30;

/** Tells of each click whether it is the third one; the next is a first one again. */
export function rageWatch(): (click: MouseEvent) => boolean {
  let before: [time: number, x: number, y: number][] = [];
  return ({ timeStamp, clientX, clientY }) => {
    before = before.filter(
      ([time, x, y]) => timeStamp - time < WITHIN_MS && Math.hypot(clientX - x, clientY - y) < NEAR,
    );
    const isThird = before.push([timeStamp, clientX, clientY]) > 2;
    if (isThird) before = [];
    return isThird;
  };
}
