/**
 * Page views: the first one, each route of a single-page app, each return from the back/forward cache. A page that is
 * rendered ahead counts when somebody comes to see it.
 */
import { campaign, type Addresses } from "./address.js";
import type { Guard } from "./guard.js";
import type { Later } from "./later.js";
import { followRoutes } from "./routes.js";

/** What the tracker does for page views. */
export interface Viewer {
  addresses: Addresses;
  /** Whether the address is another one than that of the last view; `hasQuery` where the query counts. */
  isElsewhere(hasQuery: boolean): boolean;
  /** The address changes: the last look at the view before it. */
  moved(): void;
  /** Tells a view, with its properties as JSON. Of a page that comes back the leave was told when it went. */
  view(json?: string, at?: number, isBack?: boolean): void;
}

/** Tells the first view, of `at`, unless `isViewed`; and then all others. */
export function capturePageViews(guard: Guard, { later }: Later, viewer: Viewer, isViewed: boolean, at?: number): void {
  let movedAt = 0;
  let hasQuery = false;
  // A router may change the address several times in one task, and sets the title after it.
  const look = (): void => {
    if (viewer.isElsewhere(hasQuery)) viewer.view("", movedAt);
    movedAt = 0;
    hasQuery = false;
  };
  followRoutes(guard, (isReplaced) => {
    hasQuery ||= !isReplaced;
    if (movedAt) return;
    movedAt = Date.now();
    viewer.moved();
    later(look);
  });
  guard.listen<PageTransitionEvent>(
    window,
    "pageshow",
    ({ persisted }) => persisted && viewer.view('{"back_forward":true}', undefined, true),
  );
  if (isViewed) return;
  if ((document as { prerendering?: boolean }).prerendering) {
    guard.listen(document, "prerenderingchange", () => viewer.view(landing(viewer.addresses)));
  } // One that was rendered ahead, and is seen by now, counts from then on.
  else viewer.view(landing(viewer.addresses), Math.max(at!, Math.ceil(performance.timeOrigin + (entry()?.activationStart ?? 0))));
}

type Entry = PerformanceNavigationTiming & { activationStart?: number };

const entry = (): Entry | undefined => performance.getEntriesByType("navigation")[0] as Entry | undefined;

/** How the visitor came to this page: its campaign, and whether it was reloaded or come back to. */
function landing(addresses: Addresses): string {
  const how = entry()?.type ?? "";
  const properties: { [name: string]: unknown } = Object.fromEntries(new URLSearchParams(campaign(location.href, addresses)));
  if (/reload|back/.test(how)) properties[how] = true;
  return JSON.stringify(properties);
}
