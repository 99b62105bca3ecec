import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Action } from "../../../src/host/actions/action.ts";
import { traitsOf } from "../../../src/host/actions/action-table.ts";
import { ActionError } from "../../../src/host/host.ts";
import { driverOf, free, pf, real, type Situation, simulated, stalePort, vf } from "./safety-hosts.ts";

/**
 * DESIGN 6, points 1 to 3: for every kind of action, where it is done and where it is not. One table, and
 * both hosts.
 */

const native = { kind: "native", unit: null } as const;
const actions: { readonly [Kind in Action["kind"]]: Extract<Action, { kind: Kind }> } = {
  "set-vf-autoprobe": { kind: "set-vf-autoprobe", pf, on: true },
  "set-vf-count": { kind: "set-vf-count", pf, count: 0 },
  "unbind-vf": { kind: "unbind-vf", pf, vf, driver: "mlx5_core" },
  "bind-vf": { kind: "bind-vf", pf, vf, driver: "mlx5_core" },
  "set-steering": { kind: "set-steering", pf, steering: "smfs" },
  "set-inline": { kind: "set-inline", pf, inline: "transport" },
  "set-encap": { kind: "set-encap", pf, encap: false },
  "set-eswitch-mode": { kind: "set-eswitch-mode", pf, mode: "legacy" },
  "ask-steering": { kind: "ask-steering", pf, steering: "smfs" },
  "ask-eswitch-mode": { kind: "ask-eswitch-mode", pf, mode: "switchdev" },
  "set-tc-offload": { kind: "set-tc-offload", netdev: "ens3f0", on: true },
  "set-channels": { kind: "set-channels", netdev: "ens3f0", combined: 4 },
  "set-vf-settings": { kind: "set-vf-settings", netdev: "ens3f0", vf: 0, settings: { trust: true } },
  "activate-lag": { kind: "activate-lag", pf, seconds: 0.01 },
  "set-firmware": { kind: "set-firmware", pf, tool: "mstconfig", settings: { NUM_OF_VFS: "16" } },
  "write-file": {
    kind: "write-file",
    path: "/etc/modprobe.d/vflag.conf",
    text: "",
    render: "vflag.conf",
    reload: null,
  },
  "remove-file": { kind: "remove-file", path: "/etc/modprobe.d/vflag.conf", reload: null },
  "enable-unit": { kind: "enable-unit", unit: "vflag-early.service", reload: true },
  "disable-unit": { kind: "disable-unit", unit: "vflag-early.service", reload: true },
  "set-ovs": { kind: "set-ovs", source: native, key: "hw-offload", value: "true" },
  "restart-ovs": { kind: "restart-ovs", source: native },
  "del-ovs-port": { kind: "del-ovs-port", source: native, bridge: "br-int", port: stalePort },
  "update-boot-loader": { kind: "update-boot-loader" },
  "set-kernel-arguments": { kind: "set-kernel-arguments", add: ["iommu=pt"], remove: [] },
};
type Kind = keyof typeof actions;

const all = Object.values(actions).map(({ kind }) => kind);
const ofEswitch: readonly Kind[] = ["set-steering", "set-inline", "set-encap"];
const ofVfs: readonly Kind[] = ["set-vf-count", "set-eswitch-mode", "unbind-vf"];
const except = (...kinds: readonly Kind[]) => all.filter((kind) => !kinds.includes(kind));

const first = (is: Situation["vfs"][0]): Situation => ({ ...free, vfs: [is, "free"] });
const bonded: Situation = { ...free, bonded: ["ens3f0"] };
const halfWayLine = `mlx5_core ${pf} ens3f0: mlx5e_netdev_change_profile: failed to rollback to orig profile, -12`;
const started = `mlx5_core ${pf}: firmware version: 16.35.3006`;

const inBond = `ens3f0 (${pf}) is in bond0`;
const qemu = `VF 0 (${vf}) is in use by process 4711 (qemu-kvm)`;
const other = "VF 1 (0000:37:00.3) is in use by process 4712 (qemu-kvm)";

const rows: readonly [host: string, situation: Situation, kinds: readonly Kind[], because: string | null][] =
  [
    ["a free host", free, all, null],
    [
      "a port in a bond",
      bonded,
      ["set-vf-count", "set-eswitch-mode", "ask-eswitch-mode", ...ofEswitch],
      inBond,
    ],
    ["a port in a bond", bonded, ["set-channels"], "ens3f0 is in a bond by now, and its carrier would drop"],
    [
      "a port in a bond",
      bonded,
      except("set-vf-count", "set-eswitch-mode", "ask-eswitch-mode", "set-channels", ...ofEswitch),
      null,
    ],
    ["only the other port in a bond", { ...free, bonded: ["ens3f1"] }, all, null],
    ["a VF in use by a guest", first("a guest's"), ofVfs, qemu],
    ["a VF in use by a guest", first("a guest's"), except(...ofVfs), null],
    [
      "a VF in a container",
      first("a container's"),
      ofVfs,
      `VF 0 (${vf}) is in use by network namespace of unknown name`,
    ],
    ["a VF in a bridge", first("a bridge's"), ofVfs, `VF 0 (${vf}) is in use by br0`],
    ["a VF under a VLAN", first("a VLAN's"), ofVfs, `VF 0 (${vf}) is in use by vlan vlan0`],
    [
      "a VF with an address of the host",
      first("the host's"),
      ofVfs,
      `VF 0 (${vf}) is in use by this host (192.0.2.0/24)`,
    ],
    [
      "a port that carries the host's own traffic",
      { ...free, carries: true },
      ["set-eswitch-mode"],
      `ens3f0 (${pf}) carries the host's own traffic: vlan storage, this host (198.51.100.7/24)`,
    ],
    [
      "a port that carries the host's own traffic",
      { ...free, carries: true },
      except("set-eswitch-mode"),
      null,
    ],
    [
      "a VF that may be in use",
      first("given away"),
      ofVfs,
      `VF 0 (${vf}) is perhaps in use (pci-stub has given it away, and nobody can see to whom)`,
    ],
    [
      "another VF in use",
      { ...free, vfs: ["free", "a guest's"] },
      ["set-vf-count", "set-eswitch-mode"],
      other,
    ],
    ["another VF in use", { ...free, vfs: ["free", "a guest's"] }, ["unbind-vf"], null],
    [
      "all VFs in use",
      { ...free, vfs: ["a guest's", "a guest's"] },
      ["set-vf-count", "set-eswitch-mode"],
      `${qemu}; ${other}`,
    ],
    [
      "VFs in use on a port in a bond",
      { ...first("a guest's"), bonded: ["ens3f0"] },
      ["set-vf-count", "set-eswitch-mode"],
      inBond,
    ],
    ["VFs without a driver", { ...free, vfs: ["unbound", "unbound"] }, ofVfs, null],
    [
      "the mode that is there, on a port in a bond",
      { ...bonded, mode: "legacy" },
      ["set-eswitch-mode"],
      null,
    ],
    [
      "another mode than is asked about",
      { ...free, mode: "legacy" },
      ["ask-eswitch-mode"],
      `the eSwitch of ens3f0 (${pf}) is in legacy mode by now`,
    ],
    [
      "a driver that is half-way",
      { ...free, log: halfWayLine },
      ["set-eswitch-mode"],
      `the driver could not undo a change of mode that failed (${halfWayLine}): only a reboot makes it safe to ask again`,
    ],
    ["a driver that is half-way", { ...free, log: halfWayLine }, except("set-eswitch-mode"), null],
    ["a driver that has started", { ...free, log: started }, ["set-eswitch-mode"], null],
    ["a port that is gone", { ...free, portIsGone: true }, except("set-ovs", "restart-ovs"), null],
    [
      "a port of Open vSwitch whose netdev is there",
      { ...free, stale: { netdev: true, owner: null } },
      ["del-ovs-port"],
      `the netdev ${stalePort} is there`,
    ],
    [
      "a port of Open vSwitch that is Neutron's",
      { ...free, stale: { netdev: false, owner: "0f2c" } },
      ["del-ovs-port"],
      `${stalePort} belongs to Neutron port 0f2c`,
    ],
  ];

for (const [name, hostOf] of [
  ["simulated", simulated],
  ["real", real],
] as const) {
  describe(`the last look before an action, on the ${name} host`, () => {
    for (const [where, situation, kinds, because] of rows) {
      for (const kind of kinds) {
        const title = `${where}: ${kind} is ${because === null ? "not forbidden" : "not done"}`;
        test(title, async () => assert.equal(await refusal(kind, situation, hostOf), because));
      }
    }

    test("a VF that somebody else has bound by now is left to him", async () => {
      const host = await hostOf(first("a guest's"));
      const message = `not done: VF ${vf} is bound to vfio-pci by now, not to mlx5_core`;
      await assert.rejects(host.perform(actions["unbind-vf"]), { code: "EBUSY", message });
    });

    test("what is there already is left alone, whoever uses it", async () => {
      const host = await hostOf({ ...first("a guest's"), bonded: ["ens3f0"] });
      const before = await host.observe();
      for (const action of [
        { kind: "set-vf-count", pf, count: 2 },
        { kind: "set-steering", pf, steering: "dmfs" },
        { kind: "set-inline", pf, inline: "none" },
        { kind: "set-encap", pf, encap: true },
      ] as const)
        await host.perform(action);
      assert.deepEqual((await host.observe()).pfs, before.pfs);
    });
  });
}

/** Why vflag itself would not do it; null where it would, whatever the host answers. */
async function refusal(
  kind: Kind,
  situation: Situation,
  hostOf: typeof real | typeof simulated,
): Promise<string | null> {
  const host = await hostOf(situation);
  const driver = driverOf[situation.vfs[0]] ?? "mlx5_core";
  const action = kind === "unbind-vf" ? { ...actions[kind], driver } : actions[kind];
  try {
    await host.perform(action);
    return null;
  } catch (error) {
    if (!(error instanceof ActionError)) throw error;
    if (!error.message.startsWith("not done: ")) return null;
    assert.equal(error.code, "EBUSY");
    return error.message.slice("not done: ".length);
  }
}

test("what can cut somebody off is on the disk before it is done", () => {
  const cutting: readonly Kind[] = [
    "set-vf-count",
    "set-eswitch-mode",
    "ask-eswitch-mode",
    "unbind-vf",
    "del-ovs-port",
    ...ofEswitch,
  ];
  for (const kind of all) assert.equal(traitsOf(actions[kind]).cutsOff, cutting.includes(kind), kind);
});
