/**
 * How much of something a test does: the whole number in an environment variable, or what is usual.
 *
 * @throws Error naming the variable, where its value is no whole number from `least` on
 */
export function countFrom(variable: string, usual: number, least = 1): number {
  const text = process.env[variable];
  return text === undefined ? usual : wholeNumber(variable, text, least);
}

/**
 * How many rounds a test has: the whole number in an environment variable; `full` where all is tested, after
 * `full-counts.ts` was imported; `quick` where somebody waits.
 */
export function roundsFrom(variable: string, quick: number, full: number): number {
  return countFrom(variable, process.env[fullCounts] === undefined ? quick : full);
}

export const fullCounts = "VFLAG_FULL_COUNTS";

/**
 * The same for what an option says. With anything else a loop would not be entered, and a test would pass
 * without having looked.
 *
 * @throws Error naming the option
 */
export function wholeNumber(option: string, text: string, least = 1): number {
  const count = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!(Number.isSafeInteger(count) && count >= least))
    throw new Error(`${option}: a whole number from ${least} on, not "${text}"`);
  return count;
}
