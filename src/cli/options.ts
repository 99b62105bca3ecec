import { InvalidArgumentError, Option } from "commander";

/** Options that several commands have, with the same meaning in all of them. */

export const specOption = () => new Option("--spec <file>", "the spec").default("/etc/vflag/vflag.yaml");

export const hostOption = () =>
  new Option("--host <host>", "local, or the file of a simulated host or a saved state").default("local");

export const outputOption = () =>
  new Option("-o, --output <format>", "how to print").choices(["text", "json"]).default("text");

export const restartOvsOption = () =>
  new Option(
    "--restart-ovs",
    "where Open vSwitch has to be restarted, do it: it interrupts the traffic of all guests for some seconds",
  ).default(false);

export interface RestartOvsOptions {
  readonly restartOvs?: boolean;
}

export interface TargetOptions {
  readonly host: string;
}

export interface SpecOptions extends TargetOptions {
  readonly spec: string;
}

export interface OutputOptions {
  readonly output: "text" | "json";
}

/** Of an option that may be given several times. */
export function gathered(value: string, before: readonly string[]): string[] {
  return [...before, value];
}

/** Of an option that is a number of things at a time. */
export function whole(value: string): number {
  const number = Number(value);
  if (!Number.isInteger(number) || number < 1 || number > 10_000)
    throw new InvalidArgumentError("A whole number from 1 to 10000.");
  return number;
}
