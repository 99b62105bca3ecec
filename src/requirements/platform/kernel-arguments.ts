import { isMadeByVflag } from "../../boot/artefact.ts";
import { grubDropIn, grubDropInPath } from "../../boot/grub.ts";
import {
  type ArgumentGroup,
  commandLine,
  conflictsIn,
  missingFrom,
  wantedArguments,
} from "../../boot/kernel-arguments.ts";
import type { Action } from "../../host/actions/action.ts";
import { argumentName } from "../../host/actions/kernel-arguments.ts";
import { isUnknown, known } from "../../host/state/observed.ts";
import type { BootEntry, BootLoader } from "../../host/state/platform.ts";
import type { HostState } from "../../host/state/state.ts";
import { atNextBoot, type HostFinding, type HostRequirement, type Remedy } from "../requirement.ts";

/** The running kernel has the arguments that the spec asks for, and the next one will have them. */
export const kernelArguments: HostRequirement = {
  id: "kernel-arguments",
  stage: "platform",
  title: "the kernel has the arguments that the spec asks for, now and at the next boot",
  why:
    "IOMMU, huge pages and C-states are decided when the kernel starts: an argument takes effect at a " +
    "reboot, and only if the boot loader has it.",
  observe: [
    "cat /proc/cmdline",
    "grep -w linux /boot/grub/grub.cfg (Debian, Ubuntu)",
    "grubby --info=ALL (RHEL-like)",
  ],
  byHand: [
    "Debian, Ubuntu: vflag render grub > /etc/default/grub.d/vflag.cfg && update-grub",
    "RHEL-like: grubby --update-kernel=ALL --args='intel_iommu=on iommu=pt'",
    "systemd-boot: /etc/kernel/cmdline, then kernel-install add $(uname -r) /boot/vmlinuz-$(uname -r)",
  ],
  references: [
    "https://docs.kernel.org/admin-guide/kernel-parameters.html",
    "grubby(8)",
    "kernel-install(8)",
  ],
  follows: [],
  gate: false,
  check: ({ spec, state }) => {
    const { kernel } = spec;
    const platform = known(state.platform);
    const running = platform === undefined ? undefined : known(platform.arguments);
    const cpu = platform === undefined ? undefined : known(platform.cpu);
    const loader = platform === undefined ? undefined : known(platform.bootLoader);
    if (running === undefined || cpu === undefined || loader === undefined)
      return kernel === undefined ? [] : [unseen(state)];
    const entries = known(loader.entries);
    const conflicts = conflictsIn(
      [...running, ...(entries ?? []).flatMap((entry) => entry.arguments)],
      kernel,
      cpu,
    );
    const findings = [...new Set(conflicts)].map((argument) => conflicting(argument, entries, loader));
    if (kernel === undefined) return findings;
    return [
      ...findings,
      ...wantedFindings(wantedArguments(kernel, cpu), { state, running, entries, loader }),
    ];
  },
};

interface Seen {
  readonly state: HostState;
  readonly running: readonly string[];
  readonly entries: readonly BootEntry[] | undefined;
  readonly loader: BootLoader;
}

function wantedFindings(wanted: readonly ArgumentGroup[], seen: Seen): HostFinding[] {
  const { running, entries, loader } = seen;
  const now = missingFrom(running, wanted);
  const next = entries === undefined ? [] : absentNext(entries, wanted);
  const change = changeNext(wanted, next, seen);
  if (change !== null) {
    const missing = next.length > 0 ? next : now;
    const lack = missing.length > 0 ? `without ${commandLine(missing)}` : "made of another spec";
    const actual = isUnknown(loader.entries) ? `not to be told: ${loader.entries.unknown}` : lack;
    return [
      finding(
        "the next boot's kernel",
        commandLine(wanted) || "no arguments of vflag's",
        actual,
        "warning",
        change,
      ),
    ].map((found) => ({ ...found, bites: atNextBoot }));
  }
  if (now.length === 0) return [];
  if (isUnknown(loader.entries)) {
    const text = `see by hand whether the boot loader has them, then reboot (${loader.entries.unknown})`;
    return [
      finding("the running kernel", commandLine(wanted), `without ${commandLine(now)}`, "unknown", {
        kind: "person",
        text,
      }),
    ];
  }
  const text = `${commandLine(now)} is set for the next boot and not active`;
  return [
    finding("the running kernel", commandLine(wanted), `without ${commandLine(now)}`, "warning", {
      kind: "reboot",
      text,
    }),
  ];
}

/** What the next boot would lack, whichever kernel it starts. */
function absentNext(entries: readonly BootEntry[], wanted: readonly ArgumentGroup[]): ArgumentGroup[] {
  const missing = new Set(entries.flatMap((entry) => missingFrom(entry.arguments, wanted)));
  return wanted.filter((group) => missing.has(group));
}

/** What has to be done about the next boot; null when nothing has, or nothing can be told. */
function changeNext(
  wanted: readonly ArgumentGroup[],
  next: readonly ArgumentGroup[],
  seen: Seen,
): Remedy | null {
  switch (seen.loader.kind) {
    case "grub":
      return changeGrub(wanted, next, seen);
    case "grubby":
      return next.length === 0 ? null : changeByGrubby(next, seen);
    case "systemd-boot":
    case "unknown": {
      const missing = isUnknown(seen.loader.entries) ? missingFrom(seen.running, wanted) : next;
      return missing.length === 0 ? null : { kind: "person", text: byHand(missing, seen.loader.kind) };
    }
  }
}

/**
 * The drop-in, if the host's own files do not have the arguments anyway. It is there as long as grub.cfg may
 * have something of it: whoever is killed in between finds it, and goes on.
 */
function changeGrub(
  wanted: readonly ArgumentGroup[],
  next: readonly ArgumentGroup[],
  { state, running, loader }: Seen,
): Remedy | null {
  const files = known(state.files);
  if (files === undefined) return null;
  const file = files.find(({ path }) => path === grubDropInPath);
  const text = grubDropIn(wanted);
  const write: Action = { kind: "write-file", path: grubDropInPath, text, render: "grub", reload: null };
  const update: Action = { kind: "update-boot-loader" };
  const otherwise =
    "see whether a file after vflag.cfg in /etc/default/grub.d sets GRUB_CMDLINE_LINUX anew; " +
    `${byHand(wanted, "grub")}`;
  const actions = (list: readonly Action[]): Remedy => ({ kind: "actions", actions: list, otherwise });
  if (file !== undefined && !isMadeByVflag(file.text)) {
    const mine =
      `${grubDropInPath} is not made by vflag: give it another name, then apply again; or ` +
      `${byHand(wanted, "grub")}`;
    return next.length > 0 ? { kind: "person", text: mine } : null;
  }
  if (wanted.length === 0) {
    if (file === undefined) return null;
    const remove: Action = { kind: "remove-file", path: grubDropInPath, reload: null };
    return actions(file.text === text ? [update, remove] : [write, update, remove]);
  }
  // A grub.cfg that update-grub was killed over may start nothing at all.
  const due = next.length > 0 || (isUnknown(loader.entries) && missingFrom(running, wanted).length > 0);
  if (file === undefined) return due ? actions([write, update]) : null;
  if (file.text !== text) return actions([write, update]);
  return due || loader.outdated ? actions([update]) : null;
}

/**
 * grubby gives an argument that is there with another value the new one. What an operator has set stays as it
 * is.
 */
function changeByGrubby(next: readonly ArgumentGroup[], { entries }: Seen): Remedy {
  const add = next.flat();
  const present = (entries ?? []).flatMap((entry) => entry.arguments);
  const replaced = present.find(
    (old) => !add.includes(old) && add.some((argument) => argumentName(argument) === argumentName(old)),
  );
  if (replaced !== undefined) {
    const text =
      `grubby would replace ${replaced}, which is there already: decide, and do it by hand: ` +
      `grubby --update-kernel=ALL --args='${add.join(" ")}'`;
    return { kind: "person", text };
  }
  return {
    kind: "actions",
    actions: [{ kind: "set-kernel-arguments", add, remove: [] }],
    otherwise: byHand(next, "grubby"),
  };
}

function byHand(missing: readonly ArgumentGroup[], kind: BootLoader["kind"]): string {
  const line = commandLine(missing);
  switch (kind) {
    case "grub":
      return `add ${line} to GRUB_CMDLINE_LINUX in /etc/default/grub, run update-grub, then reboot`;
    case "grubby":
      return `grubby --update-kernel=ALL --args='${line}', then reboot`;
    case "systemd-boot":
      return (
        `add ${line} to the line in /etc/kernel/cmdline (make it of /proc/cmdline if it is not ` +
        `there, without BOOT_IMAGE and initrd), run kernel-install add $(uname -r) /boot/vmlinuz-$(uname ` +
        `-r), then reboot`
      );
    case "unknown":
      return (
        `vflag does not know this host's boot loader: add ${line} to the kernel's command line where ` +
        `it is configured, then reboot`
      );
  }
}

function conflicting(
  argument: string,
  entries: readonly BootEntry[] | undefined,
  loader: BootLoader,
): HostFinding {
  const words = argument.split(" ");
  const stays =
    entries === undefined || entries.some((entry) => missingFrom(entry.arguments, [words]).length === 0);
  const actual = stays ? `${argument} is there` : `${argument} is there, and gone at the next boot`;
  const where: Record<BootLoader["kind"], string> = {
    grub:
      "take it out of /etc/default/grub (or the file in /etc/default/grub.d that has it), run " +
      "update-grub",
    grubby: `grubby --update-kernel=ALL --remove-args='${argument}'`,
    "systemd-boot":
      "take it out of /etc/kernel/cmdline, run kernel-install add $(uname -r) /boot/vmlinuz-$(uname -r)",
    unknown: "take it out of the kernel's command line where it is configured",
  };
  const remedy: Remedy = stays
    ? { kind: "person", text: `${where[loader.kind]}, then reboot` }
    : { kind: "reboot", text: `${argument} is active until then` };
  return finding(
    "kernel arguments",
    "none that undo what the spec wants, or SR-IOV",
    actual,
    "warning",
    remedy,
  );
}

function unseen({ platform }: HostState): HostFinding {
  const parts = isUnknown(platform) ? [platform] : [platform.arguments, platform.cpu, platform.bootLoader];
  const reason = parts.find(isUnknown)?.unknown ?? "";
  return finding("kernel arguments", "to be seen", reason, "unknown", {
    kind: "person",
    text: "look by hand: cat /proc/cmdline",
  });
}

function finding(
  subject: string,
  expected: string,
  actual: string,
  severity: HostFinding["severity"],
  remedy: Remedy,
): HostFinding {
  return { subject, expected, actual, severity, remedy };
}
