import { isSea } from "node:sea";
import { fileURLToPath } from "node:url";
import type { WatchableHost } from "../host/events.ts";
import type { Host } from "../host/host.ts";
import { readBounded } from "../host/linux/system/bounded-file.ts";
import type { Observed } from "../host/state/observed.ts";
import { specLimits } from "../spec/limits.ts";
import { loadSpec } from "../spec/load.ts";
import type { Spec } from "../spec/schema.ts";

export { print, printDocument, printJson, say, styleFor } from "./process/output.ts";

/** A host to work on, and where its lock and its journal are. */
export interface Target {
  readonly host: Host;
  readonly lockFile: string;
  readonly journalFile: string;
  readonly close: () => void;
}

/** What is wrong with the command as it was given. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/**
 * Opens what `--host` names.
 * @param act whether the command will change it: a saved state cannot be.
 * @param looks see LinuxHost
 * @param spec what is looked at for it; without one, all that is there
 */
export async function openTarget(
  name: string,
  act: boolean,
  looks: "everything" | "nics" = "everything",
  spec?: Partial<Pick<Spec, "firmware" | "ovs">>,
): Promise<Target> {
  if (name === "local") {
    const { LinuxHost } = await import("../host/linux/host.ts");
    // To ask the cards takes seconds.
    const firmwareTool = spec === undefined ? "auto" : (spec.firmware?.tool ?? null);
    const host = LinuxHost.open({
      looks,
      evidence: !act && looks === "everything",
      program: await ownProgram(),
      firmwareTool,
      ovs: spec?.ovs,
    });
    return {
      host,
      lockFile: "/run/vflag/lock",
      journalFile: "/var/lib/vflag/journal.jsonl",
      close: () => host.close(),
    };
  }
  const { openSavedHost } = await import("../host/saved.ts");
  const saved = openSavedHost(name);
  if (act && saved.kind === "state") {
    throw new UsageError(
      `${name} is a saved state, which can only be looked at.\n` +
        `Make a simulated host of it: vflag simulate new HOST.json --from ${name}`,
    );
  }
  return {
    host: saved.host,
    lockFile: `${name}.lock`,
    journalFile: `${name}.journal.jsonl`,
    close: () => {},
  };
}

/** Opens what `--host` names, to be watched. */
export async function openWatchable(
  name: string,
  spec: Partial<Pick<Spec, "firmware" | "ovs">>,
): Promise<{ readonly host: WatchableHost; readonly close: () => void }> {
  if (name !== "local") {
    const { watchSavedHost } = await import("../host/watched-file.ts");
    return { host: watchSavedHost(name), close: () => {} };
  }
  const { LinuxWatch } = await import("../host/linux/watch.ts");
  const host = LinuxWatch.open({
    program: await ownProgram(),
    firmwareTool: spec.firmware?.tool ?? null,
    ovs: spec.ovs,
  });
  return { host, close: () => host[Symbol.dispose]() };
}

/** This program, as units may start it: the executable itself, and not the script that starts the sources. */
async function ownProgram(): Promise<Observed<string>> {
  const { installedProgram } = await import("../host/linux/boot/installed-program.ts");
  return isSea()
    ? installedProgram(process.execPath, true)
    : installedProgram(fileURLToPath(new URL("../../bin/vflag", import.meta.url)), false);
}

/** Reads a spec from its file, which is read no further than a spec may be long. */
export function readSpec(file: string): Spec {
  let text: string;
  try {
    text = readBounded(file, specLimits.bytes).toString();
  } catch (error) {
    const reason =
      error instanceof Error && "code" in error && error.code === "ENOENT"
        ? "no such file"
        : error instanceof Error
          ? error.message
          : String(error);
    throw new UsageError(
      `${file}: ${reason}.\nName the spec with --spec FILE, or let \`vflag init\` propose one for this host.`,
      {
        cause: error,
      },
    );
  }
  return loadSpec(text, file);
}
