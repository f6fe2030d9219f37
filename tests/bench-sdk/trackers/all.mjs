// Ours and the peers, in the order in which they are printed.
import { floor } from "./floor.mjs";
import { footfall } from "./footfall.mjs";
import { plausible } from "./plausible.mjs";
import { posthog } from "./posthog.mjs";
import { segment } from "./segment.mjs";
import { snowplowFull, snowplowLite } from "./snowplow.mjs";
import { umami } from "./umami.mjs";

export const ours = footfall;
export const peers = [floor, snowplowLite, snowplowFull, segment, posthog, plausible, umami].filter(Boolean);
