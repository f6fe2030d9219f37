// Sums over samples.

/** The value below which that share of the samples lies. */
export function quantile(samples, share) {
  if (samples.length === 0) return Number.NaN;
  const sorted = samples.toSorted((one, other) => one - other);
  const place = (sorted.length - 1) * share;
  const below = Math.floor(place);
  const above = sorted[below + 1] ?? sorted[below];
  return sorted[below] + (above - sorted[below]) * (place - below);
}

export const median = (samples) => quantile(samples, 0.5);

export const sum = (samples) => samples.reduce((total, sample) => total + sample, 0);
