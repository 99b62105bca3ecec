import { modelOf } from "../../drivers/registry.ts";
import { stuckLagLine } from "../../host/actions/driver-restart.ts";
import { isUnknown, known } from "../../host/state/observed.ts";
import type { HostState, Lag, PhysicalFunction, VirtualFunction } from "../../host/state/state.ts";
import { boundVfs } from "../early/vfs-unbound.ts";
import { firmwareCardOf } from "../firmware/firmware-wait.ts";
import { freeingText, heldVf, heldVfs } from "../held-vfs.ts";
import { unlessLag } from "../reasons.ts";
import type { Finding, Requirement } from "../requirement.ts";
import { pfName } from "../virtual-functions.ts";

/** How long the LAG may take after the bond has formed: typically 1 s, up to 10 s on debug kernels. */
const activationSeconds = 10;

/** The NIC's own LAG is active and carries VFs. */
export const lag: Requirement = {
  id: "lag",
  stage: "late",
  title: "the NIC's LAG is active, of type switchdev",
  why:
    "This is VF-LAG itself. A bond made before switchdev gives a LAG of type roce, whose log lines " +
    "look the same, and VFs then lose their network with one port.",
  observe: [
    "cat /sys/kernel/debug/mlx5/ADDRESS/lag/state",
    "cat /sys/kernel/debug/mlx5/ADDRESS/lag/type",
    "kernels before 5.19: dmesg | grep -E 'mlx5.*(lag|E-Switch)|Enslaving|Releasing' (the last word " +
      "counts, and only if the bond did not change after it)",
  ],
  byHand: [
    "All VFs unbound, both eSwitches in switchdev mode, exactly the two ports in the bond: then wait.",
    "To make the driver try again while the LAG is disabled: devlink dev eswitch set pci/ADDRESS mode " +
      "switchdev (the mode it has already; an answer `E-Switch is busy` has been obeyed all the same). " +
      "Never on an active LAG: it is taken down for that, and does not come back while a VF has a driver.",
    "Type roce: reboot, with the early stage before networking.",
    "`driver restart required` in dmesg (the bond changed while VFs were bound, and the firmware kept its " +
      "LAG): reboot.",
  ],
  references: [
    "linux drivers/net/ethernet/mellanox/mlx5/core/lag/debugfs.c",
    "linux drivers/net/ethernet/mellanox/mlx5/core/lag/lag.c (mlx5_do_bond)",
  ],
  follows: ["ports", "model", "not-in-bond", "vf-count", "vfs-unbound", "eswitch-mode", "bond", "firmware"],
  gate: true,
  notAsked: unlessLag,
  check: ({ pfs, state }) => {
    const first = pfs[0];
    if (first === undefined) return [];
    // Both PFs show the one LAG of their card; the first one speaks for it unless it cannot be read there.
    const pf = pfs.find((candidate) => !isUnknown(candidate.lag)) ?? first;
    return lagFindings(pf, pfs, state);
  },
};

function lagFindings(pf: PhysicalFunction, ports: readonly PhysicalFunction[], state: HostState): Finding[] {
  const finding = (actual: string, severity: Finding["severity"], remedy: Finding["remedy"]): Finding[] => {
    return [
      { subject: `LAG of ${pfName(pf)}`, expected: "active, type switchdev", actual, severity, remedy },
    ];
  };
  if (isUnknown(pf.lag)) {
    const text = `vflag binds no VF before it is sure: ${howToSee(pf.lag.unknown)}`;
    return finding(pf.lag.unknown, "unknown", { kind: "person", text });
  }
  const vfsOffered = pf.lag === null ? offeredOver64(ports, state) : null;
  if (pf.lag === null && vfsOffered !== null) {
    const text =
      `set NUM_OF_VFS to 64 or less in the firmware (vflag sets it where the spec has ` +
      `\`firmware: {manage: true}\`, and 64 VFs a port at most), then reboot`;
    const actual =
      `the driver shows no LAG at all, as where the firmware is set up for more than ` +
      `64 VFs (${vfsOffered}) and withdraws it`;
    return alone(finding(actual, "error", { kind: "person", text }));
  }
  if (pf.lag === null)
    return alone(
      finding(`driver ${pf.driver ?? "none"} has no LAG`, "error", {
        kind: "person",
        text: "use a NIC that does VF-LAG, or mode: switchdev",
      }),
    );
  if (pf.lag.state === "active" && pf.lag.type === "switchdev") {
    const strange = disagreement(pf, pf.lag, ports);
    return strange === null
      ? []
      : finding(strange, "unknown", { kind: "person", text: "compare /sys/kernel/debug/mlx5/*/lag by hand" });
  }
  if (pf.lag.state === "disabled") {
    const log = known(state.kernelLog)?.lines.map(({ text }) => text) ?? [];
    const stuck = stuckLagLine(
      pf.driver,
      log,
      ports.map(({ address }) => address),
    );
    // Its line says why and what to do. No VF is unbound for a LAG that is not to be had.
    if (stuck !== null) {
      const held = ports.flatMap((port) => heldVfs(port, state));
      const drain = held.length === 0 ? "" : `. Move or stop the guests first: ${held.join("; ")}`;
      const text =
        `the firmware kept the LAG that the driver gave up while VFs had drivers, and makes no ` +
        `other until the driver starts again${drain}`;
      return finding("disabled, and the firmware has kept the old one", "error", { kind: "reboot", text });
    }
    // The firmware rejects the LAG while a VF is driven; one that is in use stays, and a person must decide.
    const bound = ports.flatMap((port) => boundVfs(port, "while the LAG is not active", state));
    const actual = bound.length === 0 ? "disabled" : `disabled, with ${count(bound.length)} bound`;
    const held = ports.flatMap(({ vfs }) => vfs.flatMap((vf) => whoHolds(vf, state) ?? []));
    if (held.length > 0) {
      const text = `${held.join("; ")}; then apply again: vflag never unbinds a VF in use`;
      return finding(actual, "error", { kind: "person", text });
    }
    const unbind = bound.flatMap((candidate) =>
      candidate.remedy.kind === "actions" ? candidate.remedy.actions : [],
    );
    return finding(actual, "error", {
      kind: "actions",
      actions: [...unbind, { kind: "activate-lag", pf: pf.address, seconds: activationSeconds }],
      otherwise:
        `see dmesg | grep -e ${pf.address} -e lag for what the firmware refused; after "driver ` +
        `restart required" only a reboot helps. A bond mode that the NIC cannot offload, and netdevs that ` +
        `were not ready, are told only to whoever made the bond`,
    });
  }
  if (pf.lag.type === null && pf.lag.source === "kernel-log") {
    const text =
      "compare with the log by hand (`vflag explain lag`); after a reboot in which vflag's early stage " +
      "runs, the log tells it";
    return finding("active by the kernel log, which does not tell whether it carries VFs", "unknown", {
      kind: "person",
      text,
    });
  }
  const wrongType = finding(describeActive(pf.lag), "error", wrongTypeRemedy(pf.lag));
  return pf.lag.type === "roce" ? wrongType : alone(wrongType);
}

/**
 * How it shows that the card is set up for more than 64 VFs a port; null where it is not, or its model has no
 * VF-LAG. Some firmware then offers no LAG, and the driver makes no object for one, nor says a word: linux
 * lag/lag.c, mlx5_lag_add_mdev().
 */
function offeredOver64(ports: readonly PhysicalFunction[], state: HostState): string | null {
  const [first] = ports;
  if (first === undefined || modelOf(first.vendor, first.product)?.vfLag !== true) return null;
  const count = known(firmwareCardOf(first, state)?.configuration)?.parameters["NUM_OF_VFS"];
  const running = count?.current ?? null;
  if (running !== null) return Number(running) > 64 ? `NUM_OF_VFS is ${running}` : null;
  const total = Math.max(...ports.map(({ sriov }) => sriov?.total ?? 0));
  return total > 64 ? `sriov_totalvfs is ${total}` : null;
}

/**
 * A bond made too early gives type roce; no driver without LAG, and no other type, comes from what was wrong
 * before.
 */
function alone(findings: Finding[]): Finding[] {
  return findings.map((finding) => ({ ...finding, independent: true }));
}

/** Both ports of a card show the same LAG, whose members are these two. */
function disagreement(pf: PhysicalFunction, found: Lag, ports: readonly PhysicalFunction[]): string | null {
  const other = ports.find(
    (port) =>
      port !== pf &&
      !isUnknown(port.lag) &&
      (port.lag?.state !== found.state || port.lag.type !== found.type),
  );
  if (other !== undefined) return `active, type switchdev, but not as ${pfName(other)} shows it`;
  const own = ports.map(({ address }) => address).toSorted();
  const shown = [found, ...ports.flatMap((port) => known(port.lag) ?? [])];
  const strange = shown.find(({ members }) => members.toSorted().join() !== own.join());
  return strange === undefined ? null : `active, with the members ${strange.members.join(", ") || "none"}`;
}

function describeActive(found: Lag): string {
  return `active, type ${found.type ?? "not told"}`;
}

function wrongTypeRemedy(found: Lag): Finding["remedy"] {
  if (found.type === "multiport_eswitch")
    return { kind: "person", text: "turn off the devlink parameter esw_multiport, then make the bond anew" };
  if (found.type === "multipath")
    return {
      kind: "person",
      text: "remove the ECMP routes over the two ports: the driver uses them instead of the bond",
    };
  return {
    kind: "reboot",
    text:
      "the bond was made before VFs and switchdev: reboot, so that the early stage runs before " +
      "networking",
  };
}

function whoHolds(vf: VirtualFunction, state: HostState): string | null {
  const held = heldVf(vf, state);
  return held === null ? null : `${held}: ${freeingText(vf, state)}`;
}

function count(vfs: number): string {
  return `${vfs} VF${vfs === 1 ? "" : "s"}`;
}

/** What would show the LAG, by why it is not seen: see host/linux/lag/lag.ts. */
function howToSee(why: string): string {
  if (why.includes("not mounted")) return "mount -t debugfs debugfs /sys/kernel/debug, then vflag apply";
  if (why.includes("root only")) return "run vflag as root";
  if (why.includes("kernel log") || why.includes("does not show the LAG in debugfs"))
    return (
      "this kernel tells the LAG only in its log, which must reach back to the bond's making: reboot, so " +
      "that vflag's early stage runs before it (the kernel argument log_buf_len=4M keeps more of the log)"
    );
  return "see ls /sys/kernel/debug/mlx5, and dmesg | grep -i lag";
}
