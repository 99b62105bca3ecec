import { type Artefact, type BootInput, isMadeByVflag } from "../../boot/artefact.ts";
import { plainArtefacts } from "../../boot/artefacts.ts";
import type { Action } from "../../host/actions/action.ts";
import { isUnknown, known } from "../../host/state/observed.ts";
import {
  atNextBoot,
  type HostFinding,
  type HostRequirement,
  type HostView,
  type Remedy,
} from "../requirement.ts";

/**
 * udev, systemd-networkd and modprobe know what to do with the NICs at the next boot, and nothing that is no
 * longer wanted.
 */
export const bootFiles: HostRequirement = {
  id: "boot-files",
  stage: "persistence",
  title: "udev, network managers and drivers know what to do with the NICs",
  why:
    "A renamed port misses its bond, a network manager that takes representors and VFs gets in the way " +
    "of guests, and VFs that udev or a driver makes are gone after a reboot without these files.",
  observe: [
    "vflag render (which files there are)",
    "vflag render 70-vflag.rules | diff - /etc/udev/rules.d/70-vflag.rules",
  ],
  byHand: [
    "vflag render 70-vflag.rules > /etc/udev/rules.d/70-vflag.rules && udevadm control --reload (and so on)",
  ],
  references: [
    "udev(7)",
    "NetworkManager(8): NM_UNMANAGED",
    "systemd.network(5): Unmanaged=",
    "modprobe.d(5)",
  ],
  follows: [],
  gate: false,
  check: (view) => plainArtefacts.flatMap((artefact) => fileFindings(artefact, view)),
};

/** What the files for the next boot are made of, on this host. */
export function bootInput({ spec, state, nics }: HostView): BootInput {
  return { spec, state, nics, program: known(state.program) ?? packaged };
}

/** Where the packages put the program. */
const packaged = "/usr/bin/vflag";

export function writing({ path, name, reload }: Artefact, text: string): Action {
  return { kind: "write-file", path, text, render: name, reload };
}

function fileFindings(artefact: Artefact, view: HostView): HostFinding[] {
  // The rules of a port that was not found are not thrown away: it may be back at the next boot. `ports` says
  // that it is missing.
  if (artefact.needsPorts && view.nics.length < view.spec.nics.length) return [];
  const { path, reload } = artefact;
  const text = artefact.text(bootInput(view));
  const finding = (actual: string, severity: HostFinding["severity"], remedy: Remedy): HostFinding[] => {
    return [
      {
        subject: path,
        expected: text === null ? "gone: no NIC needs it" : "as vflag renders it",
        actual,
        severity,
        remedy,
      },
    ];
  };
  const { files } = view.state;
  if (isUnknown(files))
    return text === null
      ? []
      : finding(files.unknown, "unknown", { kind: "person", text: `look by hand: cat ${path}` });
  const file = files.find((candidate) => candidate.path === path);
  if (text === null) {
    if (file === undefined || !isMadeByVflag(file.text)) return [];
    return finding("there", "warning", { kind: "actions", actions: [{ kind: "remove-file", path, reload }] });
  }
  if (file?.text === text) return [];
  const writes: Remedy = { kind: "actions", actions: [writing(artefact, text)] };
  if (file !== undefined) return finding("not as this version wants it", "warning", writes);
  return finding("not there", "warning", writes).map((found) => ({ ...found, bites: atNextBoot }));
}
