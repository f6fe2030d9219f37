// What the SDK must reach. Sizes and ratios fail the command; plain times, which depend on the machine, are only told.
const KIB = 1_024;
const whole = (number) => Math.round(number).toLocaleString("en");

const GOALS = [
  {
    goal: "Transfer: at most 20,480 bytes",
    fails: true,
    look: ({ footfall }) => [footfall.transfer.bytes <= 20_480, `${whole(footfall.transfer.bytes)} bytes`],
  },
  {
    goal: "Start: at most a tenth of Snowplow's processor time until ready",
    fails: true,
    look: ({ footfall, "snowplow-lite": snowplow }) => [
      footfall.start.ready <= snowplow.start.ready / 10,
      `${footfall.start.ready.toFixed(2)} ms beside ${snowplow.start.ready.toFixed(2)} ms of Snowplow lite, ` +
        `${(footfall.start.ready / snowplow.start.ready).toFixed(2)} of it`,
    ],
  },
  {
    goal: "Memory kept: at most Plausible's and 150 KiB",
    fails: true,
    look: ({ footfall, plausible }) => [
      footfall.heap.total <= plausible.heap.total + 150 * KIB,
      `${whole(footfall.heap.total / KIB)} KiB beside ${whole(plausible.heap.total / KIB)} + 150 KiB`,
    ],
  },
  {
    goal: "track() with 8 properties: at most 20 µs in the median",
    look: ({ footfall }) => [footfall.track.median <= 20, `${footfall.track.median.toFixed(1)} µs`],
  },
  {
    goal: "Click: at most 0.2 ms added",
    look: ({ footfall }) => [footfall.click.median <= 0.2, `${footfall.click.median.toFixed(3)} ms in the median`],
  },
];

/** Prints each goal as met or missed. False where one is missed that may not be. */
export function judge(figures) {
  const all = Object.fromEntries(figures);
  let isGood = true;
  console.log("\nGoals");
  for (const { goal, fails, look } of GOALS) {
    const [isMet, found] = look(all);
    if (fails && !isMet) isGood = false;
    console.log(`  ${isMet ? "met   " : "MISSED"}  ${goal}: ${found}${fails ? "" : " (a plain time: told, not judged)"}`);
  }
  return isGood;
}
