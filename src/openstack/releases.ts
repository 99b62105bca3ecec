/**
 * The releases of OpenStack that vflag writes configuration for, in their order. Source:
 * releases.openstack.org; Nova's own number of each.
 */
const numbers = {
  train: 20,
  ussuri: 21,
  victoria: 22,
  wallaby: 23,
  xena: 24,
  yoga: 25,
  zed: 26,
  "2023.1": 27,
  "2023.2": 28,
  "2024.1": 29,
  "2024.2": 30,
  "2025.1": 31,
  "2025.2": 32,
  "2026.1": 33,
  "2026.2": 34,
} as const;

export type Release = keyof typeof numbers;

/** Oldest first. */
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
] as const satisfies readonly Release[];

/** Whether a release is this one or a later one. */
export function isFrom(release: Release, first: Release): boolean {
  return numbers[release] >= numbers[first];
}
