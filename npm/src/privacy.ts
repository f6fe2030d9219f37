/** Whether the visitor asks not to be followed: Global Privacy Control (https://globalprivacycontrol.org) or Do Not Track. */
export function asksForPrivacy(): boolean {
  const { globalPrivacyControl, doNotTrack } = navigator as { globalPrivacyControl?: boolean; doNotTrack?: string | null };
  return globalPrivacyControl || doNotTrack === "1";
}
