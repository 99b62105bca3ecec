import { isMadeByVflag } from "../../boot/artefact.ts";
import { grubDropIn, grubDropInPath } from "../../boot/grub.ts";
import type { Action, Reload } from "../../host/actions/action.ts";
import { reloadingOnce } from "../../host/actions/reloads.ts";
import { ActionError, type Host } from "../../host/host.ts";
import { isUnknown, known } from "../../host/state/observed.ts";
import type { HostState } from "../../host/state/state.ts";
import { Journal, type RecordKeeper } from "../../reconcile/journal.ts";
import { Stopped } from "../../reconcile/reconcile.ts";

/** What `uninstall` does, and what it leaves. */
export interface Removal {
  readonly actions: readonly Action[];
  /** What stays, and until when, in words. */
  readonly stays: readonly string[];
  /** Why not everything can be told. */
  readonly unknown: readonly string[];
}

export interface RemovalFailure {
  readonly action: Action;
  readonly reason: string;
}

/**
 * Takes vflag out of a host's next boot: its units are disabled, and the files that it made are removed. A
 * package's own files are the package manager's, and NICs are left as they are: guests may be using them.
 */
export function planRemoval(state: HostState): Removal {
  const units = isUnknown(state.units)
    ? []
    : state.units.filter(({ name, enabled }) => name.startsWith("vflag-") && enabled === "enabled");
  const files = isUnknown(state.files) ? [] : state.files;
  const ours = files.filter(({ path, text }) => path.startsWith("/etc/") && isMadeByVflag(text));
  return {
    actions: reloadingOnce([
      // A unit is disabled while its file still says where it is wanted.
      ...units.map(({ name }): Action => ({ kind: "disable-unit", unit: name, reload: true })),
      ...ours.flatMap(({ path }) => removalOf(path)),
    ]),
    stays: [
      ...files.filter((file) => !ours.includes(file)).map(({ path }) => `${path}: ${ofWhom(path)}`),
      ...state.pfs
        .filter((pf) => pf.vfs.length > 0)
        .map((pf) => `${pf.vfs.length} VFs of ${pf.netdev ?? pf.address}, until the next reboot`),
      "what is set in the NICs' firmware",
      ...(known(known(state.platform)?.bootLoader)?.kind === "grubby"
        ? ["kernel arguments that grubby was given: see grubby --info=ALL"]
        : []),
      "/etc/vflag and /var/lib/vflag: the spec, and the journal with what stood in each file",
    ],
    unknown: [state.units, state.files].flatMap((seen) => (isUnknown(seen) ? [seen.unknown] : [])),
  };
}

interface RemoveOptions {
  readonly actions: readonly Action[];
  readonly before: HostState;
  readonly journal: { readonly file: string; readonly keeper: RecordKeeper };
  /** Aborted: no further action begins. */
  readonly signal?: AbortSignal;
}

/**
 * Does it, with a journal, and goes on after a failure: each action stands for itself. The caller holds the
 * host's lock.
 */
export async function remove(
  host: Host,
  { actions, before, journal: { file, keeper }, signal }: RemoveOptions,
): Promise<{ readonly failures: readonly RemovalFailure[]; readonly after: HostState }> {
  const journal = Journal.open(file, keeper);
  try {
    journal.write({ kind: "begin", command: "uninstall", spec: null, before });
    const failures: RemovalFailure[] = [];
    for (const action of actions) {
      if (signal?.aborted === true) {
        journal.write({ kind: "interrupted" });
        throw new Stopped("told to stop");
      }
      journal.write({ kind: "action", nic: "host", requirement: "uninstall", action });
      const failure = await attempt(host, action);
      journal.actionEnds(action, failure);
      if (failure !== null) failures.push({ action, reason: failure.reason });
    }
    const after = await host.observe();
    journal.write({ kind: "end", after });
    return { failures, after };
  } finally {
    journal.close();
  }
}

async function attempt(host: Host, action: Action): Promise<{ code: string | null; reason: string } | null> {
  try {
    await host.perform(action);
    return null;
  } catch (error) {
    if (error instanceof ActionError) return { code: error.code, reason: error.message };
    throw error;
  }
}

/** The boot loader's file is emptied first: whoever is killed before grub.cfg is made anew finds it again. */
function removalOf(path: string): Action[] {
  const remove: Action = { kind: "remove-file", path, reload: readerOf(path) };
  if (path !== grubDropInPath) return [remove];
  return [
    { kind: "write-file", path, text: grubDropIn([]), render: "grub", reload: null },
    { kind: "update-boot-loader" },
    remove,
  ];
}

/** Who keeps in mind what stood in a file of this folder. */
function readerOf(path: string): Reload | null {
  if (path.startsWith("/etc/systemd/system/")) return "systemd";
  return path.startsWith("/etc/udev/rules.d/") ? "udev" : null;
}

function ofWhom(path: string): string {
  return path.startsWith("/etc/") ? "not made by vflag" : "a package brought it";
}
