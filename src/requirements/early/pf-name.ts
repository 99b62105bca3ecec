import { keptName } from "../../boot/udev.ts";
import { netdevOf } from "../../spec/selectors.ts";
import type { Finding, Requirement } from "../requirement.ts";

/** A port that the spec names has kept that name. */
export const pfNameKept: Requirement = {
  id: "pf-name",
  stage: "early",
  title: "ports keep the names that the spec and the bond know",
  why:
    "With a port name udev calls a port ens3f0np0: always with newer kernels, with older ones in " +
    "switchdev mode only. Whatever is configured by another name misses the port.",
  observe: ["ip -br link", "cat /sys/class/net/PF/phys_port_name"],
  byHand: [
    "vflag render 70-vflag.rules > /etc/udev/rules.d/70-vflag.rules: a rule that tells ports from " +
      "representors; then reboot",
  ],
  references: ["systemd.net-naming-scheme(7)", "udev(7)"],
  follows: ["eswitch-mode"],
  gate: false,
  check: ({ nic, pfs, state }) => {
    return pfs.flatMap((pf): Finding[] => {
      const netdev = netdevOf(pf, state);
      if (netdev?.portName == null || netdev.master !== null) return [];
      const declared = nic.ports.find(
        (port) => typeof port === "string" && netdev.name === `${port}n${netdev.portName}`,
      );
      if (typeof declared !== "string" || netdev.altNames.includes(declared)) return [];
      const places = `in the spec, and wherever the network configuration says ${declared}`;
      const other = `name the port ${netdev.name} ${places}`;
      return [
        {
          subject: `${declared} (${pf.address})`,
          pf: pf.address,
          expected: declared,
          actual: `its name is ${netdev.name}`,
          severity: "warning",
          // A netdev is named when it appears: the rule in 70-vflag.rules (`boot-files`) comes too late for
          // one that is there.
          remedy:
            keptName(nic, pf, state) === null
              ? { kind: "person", text: other }
              : { kind: "reboot", text: `70-vflag.rules gives it this name when it appears; or ${other}` },
        },
      ];
    });
  },
};
