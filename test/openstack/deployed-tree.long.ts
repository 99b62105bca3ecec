import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";
import { parse } from "yaml";
import type { CardOptions } from "../../src/host/simulated/build.ts";
import type { HostState } from "../../src/host/state/state.ts";
import { readIni } from "../../src/openstack/files/ini.ts";
import { novaConf } from "../../src/openstack/nova/nova-conf.ts";
import { novaView } from "../../src/openstack/nova/nova-host.ts";
import { type Release, releases } from "../../src/openstack/releases.ts";
import { loadSpec } from "../../src/spec/load.ts";
import type { Spec } from "../../src/spec/schema.ts";
import { usersEnvironment, vflag } from "../support/vflag.ts";
import { type Deployment, type DeploymentRequest, deploy, withoutDeployment } from "./deployment.ts";
import { aboutHost, connectx5, hostWith, specOf } from "./hosts.ts";
import {
  type NeutronAgent,
  type NeutronServer,
  startNeutronServer,
  withoutServer,
} from "./neutron-server.ts";
import { ask, without } from "./python.ts";

/**
 * The whole way, for each release: a configuration tree, `vflag kayobe write`, Kayobe's pass, Kolla-Ansible's
 * pass for each host, and then the final files are loaded by the code that reads them.
 */
const execute = promisify(execFile);
const validator = "/usr/bin/oslo-config-validator";
const trees = join(import.meta.dirname, "trees");
const compute = ["compute0", "compute1", "compute2"] as const;
type Compute = (typeof compute)[number];

/** What Nova offers of a host: the network of each device that a rule is about. */
type Offered = Readonly<Record<string, string | null>>;
interface NovaAnswer {
  readonly refused?: string;
  readonly tags: (Record<string, unknown> | null)[];
  readonly filters: string[];
  readonly unknown: string[];
}
interface NeutronAnswer {
  readonly refused?: string;
  readonly mappings: Record<string, string[]>;
  readonly excluded: Record<string, string[]>;
}

const folders: string[] = [];
after(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** A copy of a tree, with a host's saved state of each of these, as `vflag kayobe write` leaves it. */
async function written(
  tree: string,
  release: Release,
  states: Readonly<Record<string, HostState>> | null,
  { twice = false, environment = "" } = {},
): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "vflag-tree-"));
  folders.push(folder);
  cpSync(join(trees, tree, "kayobe"), join(folder, "kayobe"), { recursive: true });
  mkdirSync(join(folder, "states"));
  for (const [host, state] of Object.entries(states ?? {}))
    writeFileSync(join(folder, "states", `${host}.json`), JSON.stringify(state));
  const config = join(folder, "kayobe");
  if (environment !== "") {
    // Its inventory has the control host, and the base's has the groups and the mappings.
    mkdirSync(join(config, "environments", environment, "inventory"), { recursive: true });
    renameSync(join(config, "inventory/hosts"), join(config, "environments", environment, "inventory/hosts"));
  }
  const options = [
    "--config",
    config,
    "--release",
    release,
    ...(states === null ? [] : ["--states", join(folder, "states")]),
  ];
  if (environment !== "") options.push("--environment", environment);
  const run = (command: string) =>
    execute(vflag, ["kayobe", command, ...options], { timeout: 120_000, env: usersEnvironment });
  await run("write");
  // Its exit code says that nothing is left to change.
  if (twice) await run("diff");
  return config;
}

/**
 * The sources' example in a plain Kolla-Ansible configuration: /etc/kolla and an inventory, which
 * Kolla-Ansible reads itself.
 */
async function writtenKolla(release: Release): Promise<DeploymentRequest> {
  const folder = mkdtempSync(join(tmpdir(), "vflag-tree-"));
  folders.push(folder);
  const kayobe = join(trees, "three-hosts/kayobe");
  cpSync(join(kayobe, "inventory"), join(folder, "inventory"), { recursive: true });
  const groups = readFileSync(join(kayobe, "inventory/groups"), "utf8").replaceAll("controllers", "control");
  writeFileSync(join(folder, "inventory/groups"), groups);
  const config = join(folder, "kolla");
  cpSync(join(kayobe, "kolla/config"), join(config, "config"), { recursive: true });
  writeFileSync(join(config, "globals.yml"), readFileSync(join(kayobe, "kolla/globals.yml")));
  const inventory = join(folder, "inventory");
  const options = ["--config", config, "--inventory", inventory, "--release", release];
  await execute(vflag, ["kolla", "write", ...options], { timeout: 120_000, env: usersEnvironment });
  await execute(vflag, ["kolla", "diff", ...options], { timeout: 120_000, env: usersEnvironment });
  return { kind: "kolla", config, inventory, release };
}

/** The final files of a tree in each of these releases. */
async function deployed(
  tree: string,
  some: readonly Release[],
  states: Readonly<Record<string, HostState>> | null,
) {
  const requests: { kind: "kayobe"; config: string; release: Release }[] = [];
  // Two at a time: there are two cores.
  for (const [index, release] of some.entries()) {
    const twice = index === 0;
    if (index % 2 === 0) {
      const next = some[index + 1];
      const pair = await Promise.all([
        written(tree, release, states, { twice }),
        ...(next === undefined ? [] : [written(tree, next, states)]),
      ]);
      for (const [at, config] of pair.entries())
        requests.push({ kind: "kayobe", config, release: some[index + at] ?? release });
    }
  }
  const made = await deploy(requests);
  for (const [index, release] of some.entries()) assert.equal(made[index]?.refused, undefined, release);
  return made;
}

const fileOf = (made: Deployment, host: string, file: string) => made.hosts[host]?.[file] ?? "";

/** The final files of all hosts in one text, to be reviewed. */
function shown(made: Deployment): string {
  return Object.entries(made.hosts)
    .flatMap(([host, files]) =>
      Object.entries(files).map(([file, text]) => `==> ${host}: ${file}\n${text.trim()}\n`),
    )
    .join("\n");
}

function assertGolden(tree: string, release: Release, made: Deployment): void {
  const path = join(trees, tree, `final-${release}.txt`);
  if (process.env["UPDATE_GOLDEN"] === "1") writeFileSync(path, shown(made));
  assert.equal(shown(made), readFileSync(path, "utf8"), path);
}

/** What Nova's own code makes of nova-compute's final file on each host. */
async function offered(
  deployments: readonly Deployment[],
  hosts: Readonly<Record<Compute, { spec: Spec; state: HostState }>>,
) {
  const asked = deployments.flatMap((made) =>
    compute.map((host) => ({
      text: fileOf(made, host, "nova-compute/nova.conf"),
      ...aboutHost(hosts[host].spec, hosts[host].state),
    })),
  );
  const answers = (await ask("nova_pci.py", asked)) as NovaAnswer[];
  return deployments.map((_, index) =>
    compute.map((host, at): [NovaAnswer, Offered] => {
      const answer = answers[index * compute.length + at];
      assert.ok(answer !== undefined && answer.refused === undefined, `${host}: ${answer?.refused}`);
      const { devices } = novaView(hosts[host].spec, hosts[host].state);
      const found = devices.flatMap(({ address }, device) => {
        const tags = answer.tags[device];
        return tags == null ? [] : [[address, tags["physical_network"] as string | null] as const];
      });
      return [answer, Object.fromEntries(found)];
    }),
  );
}

/** What the SR-IOV agent's own code makes of its final file on each host. */
async function mapped(deployments: readonly Deployment[]) {
  const files = deployments.flatMap((made) =>
    compute.map((host) => fileOf(made, host, "neutron-sriov-agent/sriov_agent.ini")),
  );
  const answers = (await ask(
    "neutron_agent.py",
    files.map((agent) => ({ agent })),
  )) as NeutronAnswer[];
  return deployments.map((_, index) =>
    compute.map((host, at) => {
      const answer = answers[index * compute.length + at];
      assert.ok(answer !== undefined && answer.refused === undefined, `${host}: ${answer?.refused}`);
      assert.deepEqual(Object.values(answer.excluded).flat(), []);
      return answer.mappings;
    }),
  );
}

/** The functions of a port, and their network. */
function functions(port: string, vfs: readonly string[], physnet: string | null, withPort: boolean): Offered {
  return Object.fromEntries([...(withPort ? [port] : []), ...vfs].map((address) => [address, physnet]));
}

/** A network on a VLAN of a physnet, or on an overlay. */
async function network(server: NeutronServer, physnet: string | null): Promise<string> {
  const provider = {
    "provider:network_type": "vlan",
    "provider:physical_network": physnet,
    "provider:segmentation_id": 100,
  };
  const { status, body } = await server.call("POST", "networks", {
    network: { name: "n", ...(physnet !== null && provider) },
  });
  assert.equal(status, 201, JSON.stringify(body));
  return body.network.id;
}

/** The type of a direct port's binding on a host. */
async function bindingOf(
  server: NeutronServer,
  host: string,
  network_id: string,
  capabilities: readonly string[] = [],
): Promise<string> {
  const profile = capabilities.length > 0 && { "binding:profile": { capabilities } };
  const port = { network_id, "binding:vnic_type": "direct", "binding:host_id": host, ...profile };
  const { status, body } = await server.call("POST", "ports", { port });
  assert.equal(status, 201, JSON.stringify(body));
  return body.port["binding:vif_type"];
}

const skip =
  withoutDeployment ||
  without("nova.pci.whitelist", "python3-nova") ||
  without("neutron.plugins", "python3-neutron");

describe("the sources' mapping at global, group and host level, on three hosts", { skip }, () => {
  const state = hostWith(2, connectx5, connectx5);
  const spec = specOf("mode: sriov, ports: [ens3f0, ens3f1], physnet: any");
  const hosts = { compute0: { spec, state }, compute1: { spec, state }, compute2: { spec, state } };
  /** Address of each port and its VFs, as the simulated host has them. */
  const ports = Object.fromEntries(
    state.pfs.map((pf) => [pf.netdev ?? "", { port: pf.address, vfs: pf.vfs.map((vf) => vf.address) }]),
  );
  const wanted = (withPort: boolean, ...on: [string, string][]): Offered =>
    Object.assign(
      {},
      ...on.map(([name, physnet]) =>
        functions(ports[name]?.port ?? "", ports[name]?.vfs ?? [], physnet, withPort),
      ),
    );

  /** Zed's, which the Neutron of these tests is. */
  let zed: Deployment | undefined;
  for (const withStates of [false, true]) {
    test(`${withStates ? "with the hosts' states" : "without the hosts' states, in every release"}`, async () => {
      const states = withStates
        ? Object.fromEntries(["control0", ...compute].map((host) => [host, state]))
        : null;
      const some: readonly Release[] = withStates ? ["2024.1"] : releases;
      const made = await deployed("three-hosts", some, states);
      zed ??= made[releases.indexOf("zed")];
      for (const [index, answers] of (await offered(made, hosts)).entries()) {
        // Without a state the rule is the sources': by name, which is about the port itself too.
        assert.deepEqual(
          answers.map(([, found]) => found),
          [
            wanted(!withStates, ["ens3f0", "physnet2"]),
            wanted(!withStates, ["ens3f0", "physnet2"], ["ens3f1", "physnet3"]),
            wanted(!withStates, ["ens4f0", "physnet4"]),
          ],
          String(some[index]),
        );
        for (const [{ filters, unknown }] of answers) {
          assert.ok(
            filters.includes("PciPassthroughFilter") && filters.includes("AggregateMultiTenancyIsolation"),
            String(filters),
          );
          assert.deepEqual(unknown, []);
        }
      }
      for (const [index, mappings] of (await mapped(made)).entries()) {
        assert.deepEqual(
          mappings,
          [
            { physnet2: ["ens3f0"] },
            { physnet2: ["ens3f0"], physnet3: ["ens3f1"] },
            { physnet4: ["ens4f0"] },
          ],
          String(some[index]),
        );
      }
      for (const [index, one] of made.entries()) {
        const drivers = readIni(fileOf(one, "control0", "neutron-server/ml2_conf.ini")).entries.find(
          ({ key }) => key === "mechanism_drivers",
        );
        assert.match(drivers?.value ?? "", /(^|,)openvswitch,.*sriovnicswitch/, String(some[index]));
        const scheduler = fileOf(one, "control0", "nova-scheduler/nova.conf");
        assert.match(scheduler, /^enabled_filters = .*PciPassthroughFilter/m, String(some[index]));
        // Nothing here needs hardware offload.
        for (const host of compute) assert.notEqual(one.switches[host]?.openvswitch_hw_offload, true);
        if (["train", "zed", "2026.1"].includes(some[index] ?? "") && !withStates)
          assertGolden("three-hosts", some[index] as Release, one);
      }
    });
  }

  test("in a plain Kolla-Ansible configuration", async () => {
    const some = ["ussuri", "2025.1"] as const;
    const made = await deploy(await Promise.all(some.map(writtenKolla)));
    const byName = [
      wanted(true, ["ens3f0", "physnet2"]),
      wanted(true, ["ens3f0", "physnet2"], ["ens3f1", "physnet3"]),
      wanted(true, ["ens4f0", "physnet4"]),
    ];
    for (const [index, answers] of (await offered(made, hosts)).entries()) {
      assert.deepEqual(
        answers.map(([, found]) => found),
        byName,
        String(some[index]),
      );
    }
    for (const mappings of await mapped(made))
      assert.deepEqual(mappings, [
        { physnet2: ["ens3f0"] },
        { physnet2: ["ens3f0"], physnet3: ["ens3f1"] },
        { physnet4: ["ens4f0"] },
      ]);
    for (const one of made)
      assert.match(
        fileOf(one, "control0", "neutron-server/ml2_conf.ini"),
        /^mechanism_drivers = openvswitch,l2population,sriovnicswitch$/m,
      );
  });

  test("in an environment of Kayobe, before it merges files and since", async () => {
    const some = ["zed", "2024.1"] as const;
    const environment = "site";
    const configs = await Promise.all(
      some.map((release) => written("three-hosts", release, null, { twice: true, environment })),
    );
    const made = await deploy(
      some.map((release, index) => ({ kind: "kayobe", config: configs[index] ?? "", release, environment })),
    );
    for (const [index, answers] of (await offered(made, hosts)).entries()) {
      assert.deepEqual(
        answers.map(([, found]) => found),
        [
          wanted(true, ["ens3f0", "physnet2"]),
          wanted(true, ["ens3f0", "physnet2"], ["ens3f1", "physnet3"]),
          wanted(true, ["ens4f0", "physnet4"]),
        ],
        String(some[index]),
      );
    }
    const mappings = await mapped(made);
    assert.deepEqual(mappings[0], [
      { physnet2: ["ens3f0"] },
      { physnet2: ["ens3f0"], physnet3: ["ens3f1"] },
      { physnet4: ["ens4f0"] },
    ]);
    assert.deepEqual(mappings[0], mappings[1]);
  });

  test("files that are taken later, and would undo what is written, are conflicts", async () => {
    const config = await written("three-hosts", "2024.1", null);
    const rules = '[pci]\npassthrough_whitelist = {"devname": "eth9", "physical_network": "a"}\n';
    const agent = "[sriov_nic]\nphysical_device_mappings = a:eth9\n";
    const later = {
      "kolla/config/nova/compute1/nova.conf": rules,
      "kolla/config/nova/compute1/nova-compute.conf": rules,
      "kolla/config/neutron/compute2/sriov_agent.ini": `# ours\n${agent}`,
      "kolla/config/nova/control0/nova.conf": "[filter_scheduler]\nenabled_filters = ComputeFilter\n",
      // No host of the inventory.
      "kolla/config/nova/elsewhere/nova.conf": rules,
    };
    for (const [path, text] of Object.entries(later)) {
      mkdirSync(dirname(join(config, path)), { recursive: true });
      writeFileSync(join(config, path), text);
    }
    const run = await execute(
      vflag,
      ["kayobe", "diff", "--config", config, "--release", "2024.1", "-o", "json"],
      {
        env: usersEnvironment,
      },
    ).catch((error) => error);
    const { conflicts } = JSON.parse(run.stdout);
    assert.deepEqual(
      conflicts.map(({ file, line }: { file: string; line: number }) => `${file}:${line}`),
      [
        "kolla/config/nova/compute1/nova.conf:2",
        "kolla/config/nova/compute1/nova-compute.conf:2",
        "kolla/config/neutron/compute2/sriov_agent.ini:3",
      ],
    );
    assert.equal(run.code, 1);

    // Without them, what a host's own file lists gets what is missing.
    for (const path of Object.keys(later).slice(0, 3)) rmSync(join(config, path));
    await execute(vflag, ["kayobe", "write", "--config", config, "--release", "2024.1"], {
      timeout: 120_000,
      env: usersEnvironment,
    });
    const [made] = await deploy([{ kind: "kayobe", config, release: "2024.1" }]);
    assert.ok(made);
    assert.match(
      fileOf(made, "control0", "nova-scheduler/nova.conf"),
      /^enabled_filters = ComputeFilter,PciPassthroughFilter$/m,
    );
  });

  describe("a real neutron-server with the final files", { skip: withoutServer }, () => {
    let server: NeutronServer;
    before(async () => {
      const made = zed ?? (await deployed("three-hosts", ["zed"], null))[0];
      assert.ok(made);
      const agents = compute.map((host) => {
        return {
          kind: "nic-switch",
          host,
          conf: fileOf(made, host, "neutron-sriov-agent/sriov_agent.ini"),
        } as const;
      });
      server = await startNeutronServer({
        ml2: fileOf(made, "control0", "neutron-server/ml2_conf.ini"),
        agents,
      });
    });
    after(() => server?.stop());

    test("binds a direct port on each host for the networks of its mapping, and no other", async () => {
      const bound: Record<string, string[]> = {};
      for (const physnet of ["physnet2", "physnet3", "physnet4"]) {
        const id = await network(server, physnet);
        for (const host of compute) {
          const vif = await bindingOf(server, host, id);
          if (vif === "hw_veb") bound[host] = [...(bound[host] ?? []), physnet];
          else assert.equal(vif, "binding_failed");
        }
      }
      assert.deepEqual(bound, {
        compute0: ["physnet2"],
        compute1: ["physnet2", "physnet3"],
        compute2: ["physnet4"],
      });
    });
  });
});

describe("specs at group and host level: MAC, vendor, address and name; sriov, switchdev and vf-lag", {
  skip,
}, () => {
  const connectx4: CardOptions = { model: "ConnectX-4 Lx", ports: 2 };
  const specIn = (path: string): Spec => {
    const { vflag } = parse(readFileSync(join(trees, "specs/kayobe/inventory", path), "utf8"));
    return loadSpec(JSON.stringify(vflag), path);
  };
  const hosts = {
    compute0: { spec: specIn("group_vars/compute_sriov/nics.yml"), state: hostWith(2, connectx5) },
    compute1: { spec: specIn("group_vars/compute_lag/nics.yml"), state: hostWith(0, connectx5, connectx4) },
    compute2: { spec: specIn("host_vars/compute2.yml"), state: hostWith(2, connectx5, connectx5) },
  };
  const states = Object.fromEntries(compute.map((host) => [host, hosts[host].state]));
  /** The VFs that a host will have on a port, and their network. */
  const vfsOf = (host: Compute, netdev: string, physnet: string | null): Offered => {
    const port = hosts[host].state.pfs.find((pf) => pf.netdev === netdev)?.address;
    const { devices } = novaView(hosts[host].spec, hosts[host].state);
    const vfs = devices
      .filter(({ parent }) => parent !== null && parent === port)
      .map(({ address }) => address);
    assert.ok(vfs.length > 0, `${host} ${netdev}`);
    return functions("", vfs, physnet, false);
  };
  const some: readonly Release[] = ["zed", "train", "yoga", "2025.1"];
  let made: readonly Deployment[] = [];
  before(async () => {
    made = await deployed("specs", some, states);
  });

  test("Nova offers the VFs meant, with their networks, and no port", async () => {
    for (const [index, answers] of (await offered(made, hosts)).entries()) {
      assert.deepEqual(
        answers.map(([, found]) => found),
        [
          { ...vfsOf("compute0", "ens3f0", "physnet2"), ...vfsOf("compute0", "ens3f1", "physnet2") },
          {
            ...vfsOf("compute1", "ens3f0", "physnet3"),
            ...vfsOf("compute1", "ens3f1", "physnet3"),
            ...vfsOf("compute1", "ens4f0", "physnet4"),
            ...vfsOf("compute1", "ens4f1", "physnet4"),
          },
          {
            ...vfsOf("compute2", "ens3f0", "physnet2"),
            ...vfsOf("compute2", "ens3f1", "physnet2"),
            ...vfsOf("compute2", "ens4f0", null),
            ...vfsOf("compute2", "ens4f1", null),
          },
        ],
        String(some[index]),
      );
      for (const [{ filters, unknown }] of answers)
        assert.deepEqual([filters.includes("PciPassthroughFilter"), unknown], [true, []]);
    }
    if (made[0] !== undefined) assertGolden("specs", "zed", made[0]);
  });

  test("the agent has the ports of mode sriov only", async () => {
    for (const [index, mappings] of (await mapped(made)).entries()) {
      assert.deepEqual(
        mappings,
        [
          { physnet2: ["ens3f0", "ens3f1"] },
          { physnet4: ["ens4f0", "ens4f1"] },
          { physnet2: ["ens3f0", "ens3f1"] },
        ],
        String(some[index]),
      );
    }
  });

  test("Kolla-Ansible turns hardware offload on, from Yoga on", () => {
    for (const [index, release] of some.entries()) {
      const early = release === "train";
      for (const host of compute)
        assert.equal(made[index]?.switches[host]?.openvswitch_hw_offload, early ? undefined : true, release);
    }
  });

  test("oslo-config-validator knows every option of the final files", {
    skip: !existsSync(validator) && `no ${validator} here`,
  }, async () => {
    const folder = mkdtempSync(join(tmpdir(), "vflag-tree-"));
    folders.push(folder);
    const final = made[0] as Deployment;
    const plain = { ...hosts.compute1, release: "zed", deployment: "plain" } as const;
    const files = [
      ["nova.conf", fileOf(final, "compute1", "nova-compute/nova.conf"), ["nova.conf", "oslo.log"]],
      [
        "sriov_agent.ini",
        fileOf(final, "compute1", "neutron-sriov-agent/sriov_agent.ini"),
        ["neutron.ml2.sriov.agent", "neutron.ml2"],
      ],
      ["ml2_conf.ini", fileOf(final, "control0", "neutron-server/ml2_conf.ini"), ["neutron.ml2"]],
      ["plain-nova.conf", novaConf("", plain).text, ["nova.conf"]],
    ] as const;
    const said: string[] = [];
    for (const [file, text, namespaces] of files) {
      writeFileSync(join(folder, file), text);
      const options = namespaces.flatMap((namespace) => ["--namespace", namespace]);
      const run = await execute(
        "/usr/bin/python3",
        [validator, "--input-file", join(folder, file), ...options],
        { timeout: 60_000 },
      );
      said.push(...run.stderr.split("\n").flatMap((line) => (line === "" ? [] : [`${file}: ${line}`])));
    }
    // Kolla's own name of the option, which Nova reads to this day.
    assert.deepEqual(said, ["nova.conf: WARNING:root:Deprecated opt pci/passthrough_whitelist found"]);
  });

  describe("a real neutron-server with the final files", { skip: withoutServer }, () => {
    let server: NeutronServer;
    before(async () => {
      const final = made[0];
      assert.ok(final);
      const agents: NeutronAgent[] = compute.map((host) => {
        return { kind: "nic-switch", host, conf: fileOf(final, host, "neutron-sriov-agent/sriov_agent.ini") };
      });
      // What a deployment has besides: a bridge over the bond, and tunnels.
      agents.push(
        {
          kind: "openvswitch",
          host: "compute1",
          bridgeMappings: { physnet3: "br-ex" },
          tunnelTypes: ["vxlan"],
        },
        { kind: "openvswitch", host: "compute2", tunnelTypes: ["vxlan"] },
      );
      server = await startNeutronServer({
        ml2: fileOf(final, "control0", "neutron-server/ml2_conf.ini"),
        agents,
      });
    });
    after(() => server?.stop());

    test("its drivers bind by the mode of the NIC", async () => {
      assert.match(
        server.log(),
        /Registered mechanism drivers: \['openvswitch', 'l2population', 'sriovnicswitch'\]/,
      );
      const [lag, plain, overlay] = [
        await network(server, "physnet3"),
        await network(server, "physnet4"),
        await network(server, null),
      ];
      const offloaded = ["switchdev"];
      assert.equal(await bindingOf(server, "compute1", lag, offloaded), "ovs");
      assert.equal(await bindingOf(server, "compute1", lag), "binding_failed");
      assert.equal(await bindingOf(server, "compute1", plain), "hw_veb");
      assert.equal(await bindingOf(server, "compute1", plain, offloaded), "binding_failed");
      assert.equal(await bindingOf(server, "compute2", overlay, offloaded), "ovs");
      assert.equal(await bindingOf(server, "compute2", overlay), "binding_failed");
      assert.equal(await bindingOf(server, "compute0", overlay, offloaded), "binding_failed");
    });
  });
});
