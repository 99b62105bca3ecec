import { isUnknown } from "../../host/state/observed.ts";
import { atNextBoot, type HostFinding, type HostRequirement, type Remedy } from "../requirement.ts";

/** Nothing reloads the driver after the early stage. */
export const conflictingServices: HostRequirement = {
  id: "conflicting-services",
  stage: "platform",
  title: "no service reloads the NIC's driver or brings its ports up by itself",
  why:
    "Mellanox OFED's services load the driver anew, late in the boot, and set up ports one by one: " +
    "VFs, eSwitch modes and the order around the bond are lost.",
  observe: ["systemctl status openibd.service", "systemctl cat mlnx_interface_mgr@.service"],
  byHand: ["systemctl disable openibd.service", "systemctl mask mlnx_interface_mgr@.service"],
  references: ["MLNX_OFED: /etc/init.d/openibd, 82-net-setup-link.rules", "systemctl(1): disable, mask"],
  follows: [],
  gate: false,
  check: ({ state }) => {
    const { units } = state;
    if (isUnknown(units)) {
      const text = "look by hand: systemctl status openibd.service mlnx_interface_mgr@lo.service";
      return [finding("openibd.service", units.unknown, "unknown", { kind: "person", text })];
    }
    return units.flatMap(({ name, enabled, active }) => {
      if (name === "openibd.service") return openibd(enabled, active);
      // It has nothing to be enabled by: udev starts it for each netdev of the driver, unless it is masked.
      if (name.startsWith("mlnx_interface_mgr@") && !(enabled ?? "").startsWith("masked"))
        return interfaceManager();
      return [];
    });
  },
};

function openibd(enabled: string | null, active: string): HostFinding[] {
  const said = [...(enabled === null ? [] : [enabled]), active].join(", ");
  if (enabled?.startsWith("enabled") === true) {
    const actions = [{ kind: "disable-unit", unit: "openibd.service", reload: true } as const];
    return [
      finding("openibd.service", said, "warning", {
        kind: "actions",
        actions,
        otherwise: "systemctl mask openibd.service",
      }),
    ];
  }
  // Made of /etc/init.d/openibd: whether it is started at boot is a matter of links in /etc/rc*.d.
  const byLinks = enabled === "generated" && active === "active";
  const text = "systemctl disable openibd.service; if it comes back, systemctl mask openibd.service";
  return byLinks ? [finding("openibd.service", said, "warning", { kind: "person", text })] : [];
}

function interfaceManager(): HostFinding[] {
  const text = "systemctl mask mlnx_interface_mgr@.service";
  return [
    finding("mlnx_interface_mgr@.service", "udev starts it for each port", "warning", {
      kind: "person",
      text,
    }),
  ];
}

function finding(
  subject: string,
  actual: string,
  severity: HostFinding["severity"],
  remedy: Remedy,
): HostFinding {
  const bites = severity === "warning" ? { bites: atNextBoot } : {};
  return { subject, expected: "not started at boot", actual, severity, remedy, ...bites };
}
