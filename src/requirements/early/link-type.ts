import { driverOf } from "../../drivers/registry.ts";
import { known } from "../../host/state/observed.ts";
import type { HostState, PhysicalFunction } from "../../host/state/state.ts";
import type { NicSpec } from "../../spec/schema.ts";
import { netdevOf } from "../../spec/selectors.ts";
import { firmwareCardOf } from "../firmware/firmware-wait.ts";
import type { Finding, Requirement } from "../requirement.ts";
import { aboutPf } from "../virtual-functions.ts";

/**
 * Each port runs as Ethernet or InfiniBand, as declared: what a fabric hangs on is not turned into something
 * else unasked.
 */
export const linkType: Requirement = {
  id: "link-type",
  stage: "early",
  title: "the ports are Ethernet, or InfiniBand, as declared",
  why:
    "The eSwitch and Open vSwitch carry Ethernet only, and a port of an InfiniBand fabric that is made " +
    "Ethernet drops out of it.",
  observe: [
    "cat /sys/class/net/PORT/type (1: Ethernet, 32: InfiniBand)",
    "mstconfig -d ADDRESS -e query | grep LINK_TYPE",
  ],
  byHand: ["mstconfig -d ADDRESS set LINK_TYPE_P1=2 (Ethernet; 1: InfiniBand), then reboot"],
  references: ["mstconfig(1), LINK_TYPE_P1", "linux include/uapi/linux/if_arp.h (ARPHRD_INFINIBAND)"],
  follows: ["ports", "firmware"],
  gate: true,
  check: ({ nic, pfs, state }) => pfs.flatMap((pf) => linkFinding(pf, nic, state)),
};

function linkFinding(pf: PhysicalFunction, nic: NicSpec, state: HostState): Finding[] {
  const is = linkOf(pf, state);
  const wanted = nic.link ?? (nic.mode === "sriov" ? undefined : "ethernet");
  if (is === null || is === wanted) return [];
  const finding = (expected: string, severity: Finding["severity"], text: string): Finding[] => {
    return [
      {
        ...aboutPf(pf),
        expected,
        actual: `an ${names[is]} port`,
        severity,
        remedy: { kind: "person", text },
      },
    ];
  };
  if (nic.link !== undefined) {
    const text =
      `its firmware decides it: with \`firmware: {}\` in the spec vflag sets LINK_TYPE, and a ` +
      `reboot takes it up; or declare link: ${is}`;
    return finding(names[nic.link], "error", text);
  }
  if (wanted !== undefined) {
    const text =
      `declare link: ethernet, and vflag makes it Ethernet (with \`firmware: {}\`, and a ` +
      `reboot; its name changes, so select it by address); or mode: sriov with link: infiniband`;
    return finding(names[wanted], "error", text);
  }
  if (is === "ethernet") return [];
  const text =
    "declare link: infiniband if it shall stay so, or link: ethernet if vflag shall make it Ethernet";
  return finding("link: infiniband or link: ethernet in the spec", "warning", text);
}

const names = { ethernet: "Ethernet", infiniband: "InfiniBand" } as const;

/** What a port runs as, by its netdev, else by its firmware; null where neither was seen. */
export function linkOf(pf: PhysicalFunction, state: HostState): "ethernet" | "infiniband" | null {
  const netdev = netdevOf(pf, state);
  // States of older versions show it by the address, which is no Ethernet one.
  if (netdev !== undefined)
    return netdev.infiniband === true || netdev.mac === null ? "infiniband" : "ethernet";
  const name = linkTypeName(pf, state);
  const current =
    name === null
      ? null
      : (known(firmwareCardOf(pf, state)?.configuration)?.parameters[name]?.current ?? null);
  return current === null
    ? null
    : isEthernet(current)
      ? "ethernet"
      : isInfiniband(current)
        ? "infiniband"
        : null;
}

/**
 * The firmware's parameter with the kind of this port's link. The ports of a card are numbered from 1, its
 * uplinks and devlink's physical ports from 0: linux drivers/net/ethernet/mellanox/mlx5/core/en/devlink.c. A
 * function that has both ports has no setting of its own.
 */
export function linkTypeName(pf: PhysicalFunction, state: HostState): "LINK_TYPE_P1" | "LINK_TYPE_P2" | null {
  if (driverOf(pf.driver).hasPortsOnOneFunction) return null;
  const uplink = /^p(\d+)$/.exec(netdevOf(pf, state)?.portName ?? "")?.[1];
  const physical = known(state.devlinkPorts)?.find(
    ({ handle, flavour }) => handle === `pci/${pf.address}` && flavour === "physical",
  );
  const number = uplink === undefined ? (physical?.port ?? Number(pf.address.at(-1))) : Number(uplink);
  return number === 0 ? "LINK_TYPE_P1" : number === 1 ? "LINK_TYPE_P2" : null;
}

/** The firmware's words: `ETH(2)` and `IB(1)`, as a tool's text or JSON has them. */
export function isEthernet(value: string): boolean {
  return value === "ETH" || value === "2";
}

export function isInfiniband(value: string): boolean {
  return value === "IB" || value === "1";
}
