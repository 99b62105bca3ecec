/**
 * Milliseconds of a processor that this process has had since it began: unlike the clock, they do not go on
 * while others are at work.
 */
export function processorTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
