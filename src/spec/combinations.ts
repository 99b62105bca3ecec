import { driversByModule } from "../drivers/registry.ts";
import { argumentName } from "../host/actions/kernel-arguments.ts";
import type { KernelSpec, NicSpec, PortSelector, Spec } from "./schema.ts";

/** A wrong combination of values that are each right: where in the spec, and what to do about it. */
export interface Combination {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/**
 * The combinations that cannot work, for the NICs that are well-formed one by one; `undefined` stands for one
 * that is not.
 */
export function impossibleCombinations(nics: readonly (NicSpec | undefined)[]): Combination[] {
  const found: Combination[] = [];
  const taken = new Taken();
  const modprobe = nics.find((nic) => nic?.persistence === "modprobe");
  nics.forEach((nic, index) => {
    if (nic === undefined) return;
    for (const { path, message } of [...withinNic(nic), ...betweenNics(nic, taken, modprobe)]) {
      found.push({ path: ["nics", index, ...path], message });
    }
  });
  return found;
}

/** The same for what a spec says of Open vSwitch. */
export function impossibleOvs(ovs: NonNullable<Spec["ovs"]>): Combination[] {
  const found: Combination[] = [];
  if (ovs.engine === "native" && ovs.container !== undefined) {
    found.push({
      path: ["ovs", "container"],
      message: "engine native means that Open vSwitch is in no container: remove one of the two",
    });
  }
  if (!ovs.hwOffload && ovs.tcPolicy !== undefined) {
    found.push({
      path: ["ovs", "tcPolicy"],
      message: "tcPolicy has no effect where hwOffload is false: remove it",
    });
  }
  return found;
}

/**
 * Of arguments written out, those that a key of their own is for, that undo another key, or that are not an
 * operator's to add.
 */
export function impossibleKernel(kernel: KernelSpec): Combination[] {
  const iommuOff = ["iommu=off", "intel_iommu=off", "amd_iommu=off", "iommu=nopt"];
  return kernel.arguments.flatMap((argument, index) => {
    const wrong = (message: string): Combination[] => [{ path: ["kernel", "arguments", index], message }];
    const name = argumentName(argument);
    if (kernel.arguments.indexOf(argument) < index) return wrong(`${argument} is named twice`);
    if (/^(default_)?hugepages(z)?$/.test(name))
      return wrong("the number and the size belong together: use kernel.hugepages: {size: 1G, count: 16}");
    if (/^(intel_idle|processor)\.max_cstate$/.test(name)) return wrong("use kernel.maxCstate: 1");
    if (/^(root|BOOT_IMAGE|initrd|init|rdinit)$/.test(name))
      return wrong(`${name} decides whether the host boots: that is the boot loader's own business`);
    if (kernel.iommu !== "off" && iommuOff.includes(argument))
      return wrong(`it undoes kernel.iommu: ${kernel.iommu}: remove it, or set kernel.iommu: off`);
    return [];
  });
}

function withinNic(nic: NicSpec): Combination[] {
  const found: Combination[] = [];
  const wrong = (path: (string | number)[], message: string) => found.push({ path, message });

  if (nic.mode === "vf-lag") {
    if (nic.bond !== undefined && nic.ports.includes(nic.bond))
      wrong(["bond"], `${nic.bond} is one of the ports: name the bond`);
    if (nic.bond === undefined) wrong(["mode"], "vf-lag needs the name of the bond: add bond: bond0");
    if (nic.ports.length === 1 && nic.ports.every(matchesOneAtMost)) {
      wrong(["ports"], "vf-lag joins the two ports of one NIC, and this names one: add the other port");
    }
    if (nic.ports.length > 2)
      wrong(["ports"], `vf-lag joins the two ports of one NIC, and this names ${nic.ports.length}`);
  } else if (nic.bond !== undefined) {
    wrong(
      ["bond"],
      `bond belongs to mode vf-lag; in mode ${nic.mode} the PFs are in no bond: remove it, or set ` +
        `mode: vf-lag`,
    );
  }

  if (nic.link === "infiniband") {
    if (nic.mode !== "sriov")
      wrong(
        ["link"],
        `an InfiniBand port has no switchdev mode for Open vSwitch: use mode: sriov, or link: ethernet`,
      );
    if (nic.vfSettings.mac !== undefined)
      wrong(["vfSettings", "mac"], "VFs of an InfiniBand port have GUIDs, and no MAC address: remove it");
  }

  if (nic.mode === "sriov") {
    // Source: neutron plugins/ml2/drivers/mech_sriov/mech_driver/mech_driver.py, get_allowed_network_types().
    if (nic.physnet === null)
      wrong(
        ["physnet"],
        "overlay networks need mode switchdev or vf-lag: in mode sriov, Neutron binds flat and vlan " +
          "networks only",
      );
    for (const key of Object.keys(nic.eswitch)) {
      wrong(
        ["eswitch", key],
        `${key} has no effect in mode sriov, where the eSwitch stays legacy: remove it`,
      );
    }
    if (nic.channels.representor !== undefined) {
      wrong(["channels", "representor"], "there are no representors in mode sriov: remove it");
    }
  } else {
    // mlx5 refuses them with EOPNOTSUPP outside legacy mode: linux
    // drivers/net/ethernet/mellanox/mlx5/core/esw/legacy.c
    for (const key of ["trust", "spoofCheck", "linkState"] as const) {
      if (nic.vfSettings[key] !== undefined) {
        wrong(
          ["vfSettings", key],
          `${key} is refused by the driver in switchdev mode, where flows decide: remove it`,
        );
      }
    }
    if (nic.persistence !== "systemd") {
      wrong(
        ["persistence"],
        `${nic.persistence} cannot keep the order that mode ${nic.mode} needs at boot: use systemd`,
      );
    }
  }

  if (nic.mode === "sriov" && nic.persistence !== "systemd") {
    const kept = nic.persistence === "udev" ? "a udev rule keeps" : "options of the driver keep";
    for (const section of ["vfSettings", "channels"] as const) {
      for (const key of Object.keys(nic[section])) {
        if (key === "representor") continue;
        wrong(
          [section, key],
          `${kept} the number of VFs only, and ${key} would be lost at a reboot: use persistence: systemd`,
        );
      }
    }
    const [driver] = driversByModule;
    if (nic.persistence === "modprobe" && driver !== undefined && nic.vfs > driver.mostVfs) {
      wrong(["vfs"], `${driver.name} makes ${driver.mostVfs} VFs at most: ${driver.source}`);
    }
  }

  const mac = nic.vfSettings.mac;
  if (mac !== undefined) {
    if (!mac.includes("{vf}"))
      wrong(["vfSettings", "mac"], "every VF would have the same address: put {vf} in place of a byte");
    if (!mac.includes("{port}") && !(nic.ports.length === 1 && nic.ports.every(matchesOneAtMost))) {
      wrong(["vfSettings", "mac"], "VFs of two ports would share addresses: put {port} in place of a byte");
    }
    if (!/^[0-9a-f][02468ace]/i.test(mac)) {
      wrong(
        ["vfSettings", "mac"],
        "the first byte must be written out, and be even: else these are multicast addresses, which no " +
          "driver takes",
      );
    } else if (/^(00|\{port\}|\{vf\})(:(00|\{port\}|\{vf\})){5}$/.test(mac)) {
      wrong(
        ["vfSettings", "mac"],
        "the first VF would have the address 00:00:00:00:00:00: write out a byte that is not 00",
      );
    }
    if (nic.vfs > 256)
      wrong(["vfSettings", "mac"], "{vf} is one byte: it cannot tell more than 256 VFs apart");
  }
  return found;
}

/** What NICs before this one have taken, each by whom; looked up, for a spec may name thousands. */
class Taken {
  readonly #by = new Map<string, string>();

  /** Takes a thing for a NIC. @returns the NIC that has it already */
  take(kind: string, thing: string, nic: string): string | undefined {
    const key = `${kind} ${thing}`;
    const owner = this.#by.get(key);
    if (owner === undefined) this.#by.set(key, nic);
    return owner;
  }
}

function betweenNics(nic: NicSpec, taken: Taken, modprobe: NicSpec | undefined): Combination[] {
  const found: Combination[] = [];
  const { name, bond, vfSettings, ports } = nic;
  if (taken.take("name", name, name) !== undefined)
    found.push({ path: ["name"], message: `two NICs are called "${name}"` });
  const bonded = bond === undefined ? undefined : taken.take("bond", bond, name);
  if (bonded !== undefined)
    found.push({
      path: ["bond"],
      message: `${bond} belongs to NIC "${bonded}" already: VF-LAG is one bond, one NIC`,
    });
  if (nic.persistence === "modprobe" && modprobe !== undefined && nic.vfs !== modprobe.vfs) {
    const message =
      `NIC "${modprobe.name}" has ${modprobe.vfs}, and options of mlx4_core count for every ` +
      `card: declare the same number`;
    found.push({ path: ["vfs"], message });
  }
  const mac = vfSettings.mac?.toLowerCase();
  const addressed = mac === undefined ? undefined : taken.take("mac", mac, name);
  if (addressed !== undefined)
    found.push({
      path: ["vfSettings", "mac"],
      message: `NIC "${addressed}" gives its VFs the same addresses: change a byte`,
    });
  const own = new Set<string>();
  ports.forEach((port, index) => {
    const key = selectorKey(port);
    const owner = own.has(key) ? undefined : taken.take("port", key, name);
    if (owner !== undefined)
      found.push({
        path: ["ports", index],
        message: `${describeSelector(port)} belongs to NIC "${owner}" already`,
      });
    if (own.has(key))
      found.push({ path: ["ports", index], message: `${describeSelector(port)} is named twice` });
    own.add(key);
  });
  return found;
}

function matchesOneAtMost(port: PortSelector): boolean {
  if (typeof port === "string") return true;
  if ("address" in port) return !port.address.includes("*");
  if ("mac" in port) return !port.mac.includes("*");
  return false;
}

/**
 * Two selectors with the same one mean the same. Names of devices are as they are; addresses and ids in
 * either case of letters.
 */
function selectorKey(port: PortSelector): string {
  return typeof port === "string" ? `name ${port}` : describeSelector(port).toLowerCase();
}

/** A selector as an operator would say it: `ens3f0`, `address 0000:37:00.*`, `vendor 15b3 product 1017`. */
export function describeSelector(port: PortSelector): string {
  if (typeof port === "string") return port;
  return Object.entries(port)
    .map(([key, value]) => `${key} ${value}`)
    .join(" ");
}
