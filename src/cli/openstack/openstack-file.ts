import { readFileSync } from "node:fs";
import { Command, Option } from "commander";
import type { ConfRequest } from "../../openstack/nova/nova-conf.ts";
import type { Outcome } from "../../openstack/outcome.ts";
import { type Release, releases } from "../../openstack/releases.ts";
import { hostOption, type SpecOptions, specOption } from "../options.ts";
import { exitCodes, finish } from "../process/exit.ts";

/** What `vflag nova` and `vflag neutron` have in common: print, diff or write one configuration file. */

export interface ConfOptions extends SpecOptions {
  readonly release: Release;
  readonly kolla: boolean;
}

/** Makes of a file's text what it shall be. */
type Make = (text: string, request: ConfRequest) => Outcome;

/** A subcommand with the options that all of these have. */
export function confCommand(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .addOption(
      new Option("--release <release>", "OpenStack's release").choices(releases).makeOptionMandatory(),
    )
    .option("--kolla", "the file is merged by Kolla-Ansible, and a Jinja template", false)
    .addOption(specOption())
    .addOption(hostOption());
}

/**
 * Prints what a file would be that has nothing in it yet. Notes go to the error output, so that the file can
 * be redirected.
 */
export async function printConf(name: string, make: Make, options: ConfOptions): Promise<void> {
  const { printDocument, say, styleFor } = await import("../target.ts");
  const { remarksText } = await import("../../report/configuration/configuration-text.ts");
  const outcome = make("", await requestOf(options));
  printDocument(outcome.text);
  say(remarksText(name, outcome, styleFor(process.stderr)));
  finish(outcome.conflicts.length > 0 ? exitCodes.failed : exitCodes.fine);
}

/** Shows what would change in a file. */
export async function diffConf(file: string, make: Make, options: ConfOptions): Promise<void> {
  const { print, styleFor } = await import("../target.ts");
  const { configurationText } = await import("../../report/configuration/configuration-text.ts");
  const before = await readConf(file);
  const outcome = make(before ?? "", await requestOf(options));
  print(configurationText(file, before ?? "", outcome, styleFor(process.stdout)));
  if (outcome.conflicts.length > 0) finish(exitCodes.failed);
  else finish(outcome.text === (before ?? "") ? exitCodes.fine : exitCodes.pending);
}

/** Writes a file whole, unless something in it stands against it. */
export async function writeConf(file: string, make: Make, options: ConfOptions): Promise<void> {
  const { print, styleFor } = await import("../target.ts");
  const { configurationText } = await import("../../report/configuration/configuration-text.ts");
  const { writeWhole } = await import("../../host/linux/system/files.ts");
  const before = await readConf(file);
  const outcome = make(before ?? "", await requestOf(options));
  print(configurationText(file, before ?? "", outcome, styleFor(process.stdout)));
  if (outcome.conflicts.length > 0) {
    print(`${file} was left as it is.\n`);
    finish(exitCodes.failed);
  } else if (outcome.text === (before ?? "")) {
    print(`Nothing was to be changed in ${file}.\n`);
  } else {
    await writeWhole(file, outcome.text);
    print(`${file} is written.\n`);
  }
}

/** The spec and the host that the options name. */
export async function requestOf({
  spec: file,
  host: name,
  release,
  kolla,
}: ConfOptions): Promise<ConfRequest> {
  const { openTarget, readSpec } = await import("../target.ts");
  const spec = readSpec(file);
  const target = await openTarget(name, false, "nics", spec);
  try {
    return { spec, state: await target.host.observe(), release, deployment: kolla ? "kolla" : "plain" };
  } finally {
    target.close();
  }
}

/** A file's text with every byte in it; `null` where there is no such file. */
export async function readConf(file: string): Promise<string | null> {
  const { UsageError } = await import("../target.ts");
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
    throw error;
  }
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    throw new UsageError(`${file} is not UTF-8, which oslo.config reads: it was left as it is`, {
      cause: error,
    });
  }
}
