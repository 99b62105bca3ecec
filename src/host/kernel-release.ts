/**
 * Whether a kernel is of this version or a later one, by its release's name: distributions bring much to
 * kernels with older names. A name that begins with no version is of no version.
 *
 * @param release such as `6.12.95+deb12-amd64`
 * @param version major and minor: `[5, 19]`
 */
export function isKernelSince(release: string, [major, minor]: readonly [number, number]): boolean {
  const [, ...numbers] = /^(\d+)\.(\d+)/.exec(release) ?? [];
  const [isMajor = 0, isMinor = 0] = numbers.map(Number);
  return isMajor > major || (isMajor === major && isMinor >= minor);
}
