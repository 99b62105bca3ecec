/**
 * The releases of OpenStack that vflag writes configuration for, oldest first: a new one is a line here.
 * Source: releases.openstack.org. What a release brought or took away is in release-facts.ts.
 */
export const releases = [
  "train",
  "ussuri",
  "victoria",
  "wallaby",
  "xena",
  "yoga",
  "zed",
  "2023.1",
  "2023.2",
  "2024.1",
  "2024.2",
  "2025.1",
  "2025.2",
  "2026.1",
  "2026.2",
] as const;

export type Release = (typeof releases)[number];

/** What is known of no later one is true of this one: what looks at all releases goes by it. */
export const newestRelease: Release = releases.at(-1) ?? releases[0];

/** Whether a release is this one or a later one. */
export function isFrom(release: Release, first: Release): boolean {
  return releases.indexOf(release) >= releases.indexOf(first);
}

/** As its makers write it. */
export function titleOf(release: Release): string {
  return release.charAt(0).toUpperCase() + release.slice(1);
}
