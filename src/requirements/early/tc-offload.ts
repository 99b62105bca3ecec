import { driverOf } from "../../drivers/registry.ts";
import { word } from "../../host/actions/command.ts";
import { isUnknown, known } from "../../host/state/observed.ts";
import type { Netdev } from "../../host/state/state.ts";
import { netdevOf } from "../../spec/selectors.ts";
import { type EswitchPort, eswitchPorts } from "../eswitch/eswitch-ports.ts";
import { unlessEswitch } from "../reasons.ts";
import type { Finding, NicView, Requirement } from "../requirement.ts";
import { aboutPf } from "../virtual-functions.ts";

/** Hardware tc offload is on for the ports and for every representor. */
export const tcOffload: Requirement = {
  id: "tc-offload",
  stage: "early",
  title: "hw-tc-offload is on for ports and representors",
  why:
    "Open vSwitch offloads flows through tc: on a netdev with hw-tc-offload off they stay in software, " +
    "without any message.",
  observe: [
    "ethtool -k NETDEV | grep hw-tc-offload",
    "grep -E 'MLX5_CLS_ACT|NET_TC_SKB_EXT' /boot/config-$(uname -r)",
  ],
  byHand: ["ethtool -K NETDEV hw-tc-offload on"],
  references: [
    "https://docs.openstack.org/neutron/latest/admin/config-ovs-offload.html",
    "ethtool(8)",
    "linux drivers/net/ethernet/mellanox/mlx5/core/Kconfig (MLX5_CLS_ACT)",
  ],
  follows: ["ports", "eswitch-mode"],
  gate: false,
  notAsked: unlessEswitch,
  check: (view) => {
    const without = builtWithout(view);
    return without.length > 0 ? without : eswitchPorts(view).flatMap(offloadFinding);
  },
};

/**
 * A kernel whose mlx5 was built without tc offload: known from its configuration, else by representors that
 * have none, and by a port on which it is fixed. That a port's can be switched says nothing (cards with QoS
 * offer it always), nor that it reads `on`, as it does for every uplink. Source: linux
 * drivers/net/ethernet/mellanox/mlx5/core/Kconfig (MLX5_CLS_ACT, which needs NET_TC_SKB_EXT), en_rep.c.
 */
function builtWithout(view: NicView): Finding[] {
  const { nic, pfs, state } = view;
  const concerned = pfs.filter(({ driver }) => driverOf(driver).offload !== null);
  const build = driverOf(concerned[0]?.driver ?? null).offload;
  if (nic.mode === "sriov" || build === null) return [];
  const option = known(state.kernelOptions)?.[build.option];
  const shown =
    eswitchPorts(view).some(
      ({ netdev, role }) =>
        role === "representor" && isFixed(netdev) && known(netdev.tcOffload)?.on === false,
    ) ||
    concerned.some(
      (pf) => pf.eswitch !== null && netdevOf(pf, state) !== undefined && isFixed(netdevOf(pf, state)),
    );
  if (option !== false && !(option === undefined && shown)) return [];
  const how =
    option === false
      ? `its ${build.driver} was built without ${build.option}`
      : `its ${build.driver} has no hw-tc-offload to switch (built without ${build.option})`;
  const consequence = "every flow of a guest stays in software with this kernel, whatever else is set";
  const text = `${consequence}. ${build.advice}`;
  return concerned.map((pf): Finding => {
    const actual = `kernel ${state.kernel} cannot offload: ${how}`;
    return {
      ...aboutPf(pf),
      expected: "a kernel that offloads flows",
      actual,
      severity: "error",
      remedy: { kind: "person", text },
      independent: true,
      lasting: true,
    };
  });
}

function isFixed(netdev: Netdev | undefined): boolean {
  return known(netdev?.tcOffload)?.fixed === true;
}

function offloadFinding(port: EswitchPort): Finding[] {
  const { netdev } = port;
  if (known(netdev.tcOffload)?.on === true) return [];
  const { about } = port;
  const finding = (actual: string, severity: Finding["severity"], remedy: Finding["remedy"]): Finding[] => {
    return [{ ...about, expected: "on", actual, severity, remedy }];
  };
  if (isUnknown(netdev.tcOffload)) {
    return finding(netdev.tcOffload.unknown, "unknown", {
      kind: "person",
      text: `look by hand: ethtool -k ${word(netdev.name)}`,
    });
  }
  if (netdev.tcOffload.fixed) {
    const text =
      `its driver does not let it be turned on: ethtool -i ${word(netdev.name)} names the ` +
      `driver; another kernel, or the vendor's driver, may`;
    return finding("hw-tc-offload is off [fixed]", "error", { kind: "person", text });
  }
  return finding("hw-tc-offload is off", "error", {
    kind: "actions",
    actions: [{ kind: "set-tc-offload", netdev: netdev.name, index: netdev.index, on: true }],
  });
}
