// The main thread's processor time, from Chromium's own count.

/** Starts the count. The function that it returns tells the milliseconds of the tasks so far. */
export async function countTasks(cdp) {
  await cdp.send("Performance.enable", { timeDomain: "threadTicks" });
  return async () => {
    const { metrics } = await cdp.send("Performance.getMetrics");
    return metrics.find(({ name }) => name === "TaskDuration").value * 1_000;
  };
}
