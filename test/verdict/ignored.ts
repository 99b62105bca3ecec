/**
 * Changes of a working host's state that `verify` rightly does not notice, by place, with the reason. A place
 * that is noticed by now must not stand here, and neither may one without a reason.
 */

const groups: readonly (readonly [why: string, places: readonly string[]])[] = [
  ["it says where and when, and nothing about the NIC", ["hostname", "kernel", "program"]],
  [
    "a name or a number of the card, which decides nothing: what it can do is seen by what it does",
    [
      ...["pfs.*.model", "pfs.*.firmware", "pfs.*.serial", "pfs.*.numaNode"],
      ...["pfs.*.vfs.*.vendor", "pfs.*.vfs.*.product", "pfs.*.sriov.vfProduct"],
    ],
  ],
  [
    "which group it is does not matter, as long as there is one: null is noticed",
    ["pfs.*.iommuGroup", "pfs.*.vfs.*.iommuGroup"],
  ],
  [
    "it counts only while VFs are made, and there are as many as declared",
    ["pfs.*.sriov.total", "pfs.*.sriov.offset", "pfs.*.sriov.stride"],
  ],
  ["null: the driver has no such switch; false is noticed", ["pfs.*.sriov.autoprobe"]],
  ["vfio-pci: a guest has it, or will; any other driver, and none, is noticed", ["pfs.*.vfs.*.driver"]],
  ["it is about the next binding; the driver that the VF has now is noticed", ["pfs.*.vfs.*.driverOverride"]],
  [
    "nothing is to be done with a port or a VF that is as it should be, whoever has it",
    ["pfs.*.users", "pfs.*.vfs.*.holders"],
  ],
  [
    "not declared in this spec: it is Nova's and libvirt's, and mlx5 refuses it in switchdev mode",
    ["pfs.*.vfs.*.settings.trust", "pfs.*.vfs.*.settings.spoofCheck", "pfs.*.vfs.*.settings.linkState"],
  ],
  ["null: the driver has no such setting", ["pfs.*.eswitch.inline"]],
  [
    "either port shows the card's one LAG, so one that cannot be read is spoken for by the other; state, type and members are noticed",
    ["pfs.*.lag"],
  ],
  [
    "how the LAG spreads flows: it follows the links, of which bond-links speaks, and the driver's and firmware's abilities",
    ["pfs.*.lag.mapping", "pfs.*.lag.mapping.*", "pfs.*.lag.portSelection", "pfs.*.lag.sharedFdb"],
  ],
  [
    "whether the kernel offloads is seen by its representors too; that it was built without is noticed",
    ["kernelOptions"],
  ],
  ["what vflag could not put right explains what is wrong, and here nothing is", ["attempts"]],
  ["either is believed; what the log leaves open is unknown already", ["pfs.*.lag.source"]],
  [
    "what was logged explains what is wrong, and a working host says by its state that it works; lines that matter all the same are told as sightings",
    [
      ...["kernelLog", "kernelLog.complete", "kernelLog.omitted", "kernelLog.lines"],
      ...["device", "level", "seconds", "text"].map((field) => `kernelLog.lines.*.${field}`),
      ...["openStack", "openStack.nova", "openStack.sriovAgent"],
      ...["ovsLog", "ovsLog.from", "ovsLog.sinceStart"],
    ],
  ],
  [
    "netdevs of others; one of the NIC that is missing is noticed",
    ["netdevs", ...fieldsOf("netdevs.other", true)],
  ],
  [
    "a VF's own netdev is its guest's",
    fieldsOf("netdevs.vf", true).filter((place) => !["netdevs.vf.mac", "netdevs.vf.device"].includes(place)),
  ],
  [
    "the bond's own netdev: mode, ports and links are read from `bonds`",
    fieldsOf("netdevs.bond", true).filter((place) => !place.startsWith("netdevs.bond.channels.")),
  ],
  [
    "what stands here of a port is read elsewhere: its links and master from the bond, its card from `pfs`",
    fieldsOf("netdevs.port", false),
  ],
  [
    "what stands here of a representor says how it was found: `representors` is what came of it. Up and master are Nova's and Open vSwitch's",
    fieldsOf("netdevs.representor", false),
  ],
  [
    "a hint for a person: the driver takes each of these policies, and bond-links counts ports and asks for a partner",
    ["bonds.*.xmitHashPolicy", "bonds.*.lacp.partner", "bonds.*.lacp.ports"],
  ],
  [
    "any interval but none is one, and `slow` is noticed",
    ["bonds.*.monitoring.miimon", "bonds.*.monitoring.arpInterval", "bonds.*.lacp.rate"],
  ],
  [
    "short delays: the late stage waits longer",
    ["bonds.*.monitoring.updelay", "bonds.*.monitoring.downdelay"],
  ],
  [
    "devlink's own list: `representors` is what came of it",
    [
      "devlinkPorts",
      ...["controller", "flavour", "handle", "index", "netdev", "pf", "port", "vf"].map(
        (field) => `devlinkPorts.*.${field}`,
      ),
    ],
  ],
  ["readable by whoever reads it as root", ["files.*.mode"]],
  [
    "a package's units count wherever they are, and one that was installed since the boot has not run yet: `failed` is noticed",
    ["units.*.path", "units.*.active"],
  ],
  [
    "the kernel shows enough VFs: what the card was told, and by whom it is asked, decides nothing until there are too few",
    [
      ...[".*.asked", ".*.pfs", ".*.pfs.*", ".*.tool", ".*.version"],
      ...["type", "name", "description"].map((field) => `.*.configuration.${field}`),
      ...["SRIOV_EN", "NUM_OF_VFS"].flatMap((name) =>
        ["default", "current", "next", "readOnly"].map(
          (field) => `.*.configuration.parameters.${name}.${field}`,
        ),
      ),
      // That the next boot would have no SR-IOV is noticed.
    ].flatMap((place) => (place.endsWith("SRIOV_EN.next") ? [] : [`firmware${place}`])),
  ],
  [
    "bridges and ports that have nothing to do with the bond, and how a port is called: the bond's own place is noticed",
    [
      ...[
        "ovs.bridges",
        "ovs.bridges.*.name",
        "ovs.bridges.*.datapathType",
        "ovs.bridges.*.interfaces",
        "ovs.source.unit",
      ],
      ...["error", "ifaceId", "name", "ofport", "port", "type"].map(
        (field) => `ovs.bridges.*.interfaces.*.${field}`,
      ),
    ],
  ],
  ["active-backup and balance-xor can be offloaded too; other modes are noticed", ["bonds.*.mode"]],
  ["a version after 2.12; an older one has a test of its own", ["ovs.version"]],
  ["a switch of the userspace datapath, which these bridges do not use", ["ovs.dpdk", "ovs.doca"]],
  [
    "those of bridges; the bond's and its ports' block is noticed, whichever number it has",
    ["ingressQdiscs", "ingressQdiscs.*.block", "ingressQdiscs.*.kind", "ingressQdiscs.*.netdev"],
  ],
  ["who has a VF, by name: whether it is in use is read from its holders", ["guests"]],
  [
    "evidence, on a host without traffic: no flow proves nothing, and is shown as none; flows in software have tests of their own",
    ["flows", "flows.listed", "flows.notUnderstood", "flows.cut", "flows.tunnels"],
  ],
  [
    "arguments of others; those that the spec asks for are noticed",
    [
      ...[
        "platform.arguments",
        "platform.arguments.*",
        "platform.bootLoader.entries",
        "platform.bootLoader.entries.*.arguments",
      ],
      ...["platform.bootLoader.entries.*.arguments.*", "platform.bootLoader.entries.*.title"],
    ],
  ],
  [
    "ports in IOMMU groups are the proof that virtualization and IOMMU are on, and nothing has to be written for the next boot",
    [
      ...["platform.cpu.vendor", "platform.cpu.virtualization", "platform.iommuGroups", "platform.lockdown"],
      ...["platform.bootLoader.kind", "platform.bootLoader.outdated", "platform.biosSigns"],
    ],
  ],
];

/** The fields of a netdev. @param all also those that decide where the netdev is the NIC's */
function fieldsOf(place: string, all: boolean): string[] {
  const fields = [
    "carrier",
    "channels.max",
    "device",
    "index",
    "kind",
    "mac",
    "master",
    "mtu",
    "permanentMac",
    "portName",
    "switchId",
  ];
  const deciding = ["channels", "channels.combined", "name", "tcOffload", "tcOffload.on"];
  return [...fields, "tcOffload.fixed", "up", ...(all ? deciding : [])].map((field) => `${place}.${field}`);
}

export const ignored: Readonly<Record<string, string>> = Object.fromEntries(
  groups.flatMap(([why, places]) => places.map((place) => [place, why])),
);
