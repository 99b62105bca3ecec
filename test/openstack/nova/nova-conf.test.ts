import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import type { HostState } from "../../../src/host/state/state.ts";
import { pciAddress } from "../../../src/host/state/values.ts";
import { type ConfRequest, novaConf } from "../../../src/openstack/nova/nova-conf.ts";
import { novaView } from "../../../src/openstack/nova/nova-host.ts";
import { guarded } from "../../../src/openstack/nova/pci-rules.ts";
import { releases } from "../../../src/openstack/releases.ts";
import type { Spec } from "../../../src/spec/schema.ts";
import { resolvePorts } from "../../../src/spec/selectors.ts";
import { roundsFrom } from "../../support/count.ts";
import { aboutHost, connectx5, hostWith, specOf } from "../hosts.ts";
import { ask, without } from "../python.ts";

interface Answer {
  readonly refused?: string;
  readonly matches: boolean[][];
  readonly tags: (Record<string, unknown> | null)[];
  readonly filters: string[];
  readonly unknown: string[];
}

const noNova = without("nova.pci.whitelist", "python3-nova");
const byName = "mode: sriov, ports: [ens3f0, ens3f1], physnet: physnet2";
const request = (nic: string, more: Partial<ConfRequest> = {}): ConfRequest => {
  return { spec: specOf(nic), state: hostWith(2, connectx5), release: "zed", deployment: "plain", ...more };
};
const rulesIn = (text: string) =>
  [...text.matchAll(/^(?:device_spec|passthrough_whitelist) = (.*)$/gm)].map(([, value = ""]) => value);
const ids = '"vendor_id": "15b3", "product_id": "1018"';

describe("the four designations", () => {
  test("by device name, with the VFs' ids, so that the port itself is not offered", () => {
    assert.deepEqual(rulesIn(novaConf("", request(byName)).text), [
      `{"devname": "ens3f0", ${ids}, "physical_network": "physnet2"}`,
      `{"devname": "ens3f1", ${ids}, "physical_network": "physnet2"}`,
    ]);
  });

  test("by PCI address with wildcards: the bus, since VFs stand in other slots", () => {
    const { text } = novaConf(
      "",
      request('mode: sriov, ports: [{address: "0000:37:00.*"}], physnet: physnet2'),
    );
    assert.deepEqual(rulesIn(text), [`{"address": "0000:37:*.*", ${ids}, "physical_network": "physnet2"}`]);
  });

  test("by vendor and product: those of the VFs; by address where another NIC has the same", () => {
    const nic = "mode: sriov, ports: [{vendor: '15b3', product: '1017'}], physnet: physnet2";
    assert.deepEqual(rulesIn(novaConf("", request(nic)).text), [`{${ids}, "physical_network": "physnet2"}`]);
    const two = specOf(
      "mode: sriov, ports: [ens3f0], physnet: a",
      "mode: sriov, ports: [ens3f1], physnet: b",
    );
    assert.deepEqual(rulesIn(novaConf("", { ...request(byName), spec: two }).text), [
      `{"devname": "ens3f0", ${ids}, "physical_network": "a"}`,
      `{"devname": "ens3f1", ${ids}, "physical_network": "b"}`,
    ]);
    const one = specOf('mode: sriov, ports: [{address: "0000:37:*.0"}], physnet: a');
    assert.deepEqual(rulesIn(novaConf("", { ...request(byName), spec: one }).text), [
      `{"address": "0000:37:00.0", ${ids}, "physical_network": "a"}`,
    ]);
  });

  test("by MAC address or OUI, which Nova does not know: vflag finds the ports, and writes their addresses", () => {
    const { text } = novaConf("", request('mode: sriov, ports: [{mac: "24:8a:07:*"}], physnet: physnet2'));
    assert.deepEqual(rulesIn(text), [
      `{"address": "0000:37:00.0", ${ids}, "physical_network": "physnet2"}`,
      `{"address": "0000:37:00.1", ${ids}, "physical_network": "physnet2"}`,
    ]);
  });

  test("overlay networks have null, and trusted VFs say so", () => {
    const { text } = novaConf("", request("mode: switchdev, ports: [ens3f0], physnet: null"));
    assert.deepEqual(rulesIn(text), [`{"devname": "ens3f0", ${ids}, "physical_network": null}`]);
    const trusted = novaConf(
      "",
      request("mode: sriov, ports: [ens3f0], physnet: a, vfSettings: {trust: true}"),
    );
    assert.deepEqual(rulesIn(trusted.text), [
      `{"devname": "ens3f0", ${ids}, "physical_network": "a", "trusted": "true"}`,
    ]);
    assert.throws(
      () => specOf("mode: sriov, ports: [ens3f0], physnet: null"),
      /overlay networks need mode switchdev or vf-lag/,
    );
  });

  test("a port that has another name now is written by its address", () => {
    const state = hostWith(2, connectx5);
    state.netdevs = state.netdevs.map((netdev) =>
      netdev.name === "ens3f0" ? { ...netdev, name: "ens3f0np0" } : netdev,
    );
    state.pfs = state.pfs.map((pf) => (pf.netdev === "ens3f0" ? { ...pf, netdev: "ens3f0np0" } : pf));
    assert.deepEqual(
      rulesIn(novaConf("", request("mode: sriov, ports: [ens3f0], physnet: a", { state })).text),
      [`{"address": "0000:37:00.0", ${ids}, "physical_network": "a"}`],
    );
  });

  test("where the VFs' ids are not known, the rule is without, and it is said that the port itself is offered", () => {
    const state = hostWith(0, connectx5);
    for (const pf of state.pfs)
      Object.assign(pf, { product: "fffe", sriov: { ...pf.sriov, vfProduct: null } });
    const { text, notes } = novaConf("", request("mode: sriov, ports: [ens3f0], physnet: a", { state }));
    assert.deepEqual(rulesIn(text), ['{"address": "0000:37:00.0", "physical_network": "a"}']);
    assert.match(notes.join(), /0000:37:00\.0 itself is offered to guests too/);
  });

  test("a PCI domain that Nova does not know is a conflict", () => {
    const state = hostWith(0, connectx5);
    state.pfs = state.pfs.map((pf) => ({ ...pf, address: pciAddress(`1${pf.address}`) }));
    state.netdevs = state.netdevs.map((one) => ({
      ...one,
      device: one.device?.startsWith("0000:37") ? `1${one.device}` : one.device,
    }));
    assert.match(
      novaConf("", request(byName, { state })).conflicts[0]?.why ?? "",
      /Nova knows no PCI domain beyond ffff, and 10000:37:00\.0 is in one/,
    );
  });

  test("a rule that chooses nothing is never written", () => {
    for (const json of [
      { physical_network: "a" },
      { address: "*:*:*.*", physical_network: "a" },
      { address: "0000:*:*.*" },
      { mac_address: "24:8a:07:*" },
    ]) {
      assert.throws(() => guarded(json), /a rule about every PCI device was to be written/);
    }
    assert.deepEqual(guarded({ devname: "ens3f0" }), { devname: "ens3f0" });
  });

  test("a NIC without a physnet gets no rule, one whose ports are missing is a conflict", () => {
    const none = novaConf("", request("mode: sriov, ports: [ens3f0]"));
    assert.equal(none.text, "");
    assert.match(none.notes.join(), /nic0: no rule, since the spec gives it no physnet/);
    const missing = novaConf("", request("mode: sriov, ports: [ens9f0], physnet: a"));
    assert.equal(missing.text, "");
    assert.match(missing.conflicts.map(({ why }) => why).join(), /nic0: ens9f0 matches no port/);
  });
});

describe("merged into what is there", () => {
  const there =
    '# nova\r\n[DEFAULT]\r\nmy_ip=10.0.0.1 ; x\r\n[pci]\r\nalias = {"name":"gpu"}\r\n' +
    'device_spec = [{"vendor_id": "10de"},\r\n   {"vendor_id": "8086", "product_id": "37c8"}]\r\n\r\n[filter_scheduler]\r\nenabled_filters\t= ComputeFilter,\r\n  NUMATopologyFilter,\r\n';

  test("what others wrote stays, byte for byte, and a second run changes nothing", () => {
    const { text, conflicts } = novaConf(there, request(byName));
    assert.deepEqual(conflicts, []);
    assert.equal(
      text,
      there
        .replace(
          '"37c8"}]\r\n',
          `"37c8"}]\r\n# vflag: NIC nic0, mode sriov: the VFs of ens3f0, by its name\r\ndevice_spec = {"devname": "ens3f0", ${ids}, "physical_network": "physnet2"}\r\n` +
            `# vflag: NIC nic0, mode sriov: the VFs of ens3f1, by its name\r\ndevice_spec = {"devname": "ens3f1", ${ids}, "physical_network": "physnet2"}\r\n`,
        )
        .replace(
          "enabled_filters\t= ComputeFilter,\r\n  NUMATopologyFilter,",
          "# vflag: PciPassthroughFilter in addition to those that were there\r\nenabled_filters\t= ComputeFilter,NUMATopologyFilter,PciPassthroughFilter",
        ),
    );
    assert.equal(novaConf(text, request(byName)).text, text);
  });

  test("vflag's own rules follow the spec and the release", () => {
    const first = novaConf(there, request(byName, { release: "yoga" })).text;
    assert.equal(first.match(/^passthrough_whitelist = /gm)?.length, 2);
    const other = request("mode: sriov, ports: [ens3f0], physnet: physnet3");
    const second = novaConf(first, other).text;
    assert.match(second, /^device_spec = \{"devname": "ens3f0", .*"physnet3"\}\r$/m);
    assert.doesNotMatch(second, /physnet2|passthrough_whitelist/);
    assert.equal(novaConf(second, other).text, second);
  });

  test("a rule of somebody else that says the same is enough; one that says something else is a conflict", () => {
    const same = '[pci]\ndevice_spec = {"address": "0000:37:00.0", "physical_network": "physnet2"}\n';
    assert.deepEqual(rulesIn(novaConf(same, request(byName)).text).slice(1), [
      `{"devname": "ens3f1", ${ids}, "physical_network": "physnet2"}`,
    ]);
    const otherwise = same.replace("physnet2", "physnet9");
    const { text, conflicts } = novaConf(otherwise, request(byName));
    assert.equal(text, otherwise);
    assert.deepEqual(
      conflicts.map(({ line, there: found }) => [line, found]),
      [[2, '{"address":"0000:37:00.0","physical_network":"physnet9"}']],
    );
    assert.match(
      novaConf('[pci]\npassthrough_whitelist = {"mac_address": "24:8a:07:*"}\n', request(byName)).conflicts[0]
        ?.why ?? "",
      /first rule that matches/,
    );
  });

  test("the network's name is compared as the scheduler does, and trust only where the spec speaks of it", () => {
    const there =
      '[pci]\ndevice_spec = {"address": "0000:37:*.*", "physical_network": "PhysNet2", "trusted": "True"}\n';
    const silent = novaConf(there, request(byName));
    assert.deepEqual([silent.conflicts, rulesIn(silent.text).length], [[], 1]);
    assert.deepEqual(novaConf(there, request(`${byName}, vfSettings: {trust: true}`)).conflicts, []);
    assert.equal(novaConf(there, request(`${byName}, vfSettings: {trust: false}`)).conflicts.length, 1);
  });

  test("rules that cannot be judged are conflicts, with what is wrong", () => {
    for (const [value, why] of [
      ["{'devname': 'x'}", /nova-compute refuses it: not JSON/],
      ["", /not JSON/],
      ['{"address": "98:03:9b:*:*:*"}', /nova-compute refuses it/],
      ['{"devname": "$my_if"}', /takes another option's value/],
      ['{"address": {"bus": "(?i)3B"}}', /does not read/],
    ] as const) {
      const text = `[pci]\npassthrough_whitelist = ${value}\n`;
      const { conflicts, text: after } = novaConf(text, request(byName));
      assert.match(conflicts[0]?.why ?? "", why);
      assert.equal(after, text);
    }
    assert.match(novaConf("oops\n", request(byName)).conflicts[0]?.there ?? "", /neither/);
  });

  test("no devname where report_in_placement is on", () => {
    const { text } = novaConf("[pci]\nreport_in_placement = True\n", request(byName));
    assert.deepEqual(
      rulesIn(text).map((rule) => /devname/.test(rule)),
      [false, false],
    );
  });

  test("the filter goes where the release looks for it", () => {
    const old = "[DEFAULT]\nscheduler_default_filters = ComputeFilter\n";
    assert.match(
      novaConf(old, request(byName, { release: "wallaby" })).text,
      /scheduler_default_filters = ComputeFilter,PciPassthroughFilter/,
    );
    const xena = novaConf(old, request(byName, { release: "xena" }));
    assert.match(
      xena.text,
      /enabled_filters = ComputeFilter,ComputeCapabilitiesFilter,.*,PciPassthroughFilter/,
    );
    assert.match(xena.notes.join(), /scheduler_default_filters is ignored from Xena on/);
    const gone = novaConf(
      "[filter_scheduler]\nenabled_filters = AvailabilityZoneFilter\n",
      request(byName, { release: "2024.1" }),
    );
    assert.match(gone.notes.join(), /AvailabilityZoneFilter is not there any more from 2023\.2 on/);
    const blazar =
      "[filter_scheduler]\navailable_filters = blazarnova.scheduler.filters.blazar_filter.BlazarFilter\n";
    assert.match(
      novaConf(blazar, request(byName)).text,
      /available_filters = nova\.scheduler\.filters\.pci_passthrough_filter\.PciPassthroughFilter/,
    );
  });
});

describe("for Kolla", () => {
  const kolla: Partial<ConfRequest> = { deployment: "kolla", release: "2024.1" };

  test("the old name takes the place of Kolla's own value, in every release", () => {
    for (const release of releases) {
      assert.match(novaConf("", request(byName, { ...kolla, release })).text, /^passthrough_whitelist = /m);
      assert.doesNotMatch(novaConf("", request(byName, { ...kolla, release })).text, /device_spec/);
    }
    assert.match(
      novaConf('[pci]\ndevice_spec = {"vendor_id": "10de"}\n', request(byName, kolla)).notes.join(),
      /beside Kolla's own/,
    );
  });

  test("an expression that makes the rules is a conflict, other Jinja stays", () => {
    const blog =
      "{% raw %}\n[pci]\npassthrough_whitelist = [{% for d in maps %}{{ d }}{% endfor %}]\n{% endraw %}\n";
    const { conflicts, text } = novaConf(blog, request(byName, kolla));
    assert.equal(text, blog);
    assert.match(conflicts[0]?.why ?? "", /a Jinja expression makes it/);
    const other = "{% if debug %}\n[DEFAULT]\ndebug = true\n{% endif %}\n";
    assert.ok(novaConf(other, request(byName, kolla)).text.startsWith(other));
  });
});

describe("Nova itself", { skip: noNova }, () => {
  const asked = async (texts: { spec: Spec; state: HostState; text: string }[]) =>
    (await ask(
      "nova_pci.py",
      texts.map(({ spec, state, text }) => ({ ...aboutHost(spec, state), text })),
    )) as Answer[];
  /** By device of Nova's view: the network that the spec means; `undefined` for what is not to be offered. */
  const meant = (spec: Spec, state: HostState) =>
    novaView(spec, state).devices.map(({ parent }) => {
      const nic = spec.nics.find((one) => {
        const found = resolvePorts(one, state);
        return one.physnet !== undefined && "pfs" in found && found.pfs.some((pf) => pf.address === parent);
      });
      return parent === null ? undefined : nic?.physnet;
    });

  test("loads the file of every release and deployment, with filters that it has", async () => {
    // Zed, which is asked, takes the names of all releases; AvailabilityZoneFilter is there until 2023.1.
    const made = releases.flatMap((release) =>
      (["plain", "kolla"] as const).map((deployment) => {
        const { spec, state } = request(byName);
        return { spec, state, release, text: novaConf("", { spec, state, release, deployment }).text };
      }),
    );
    for (const [index, answer] of (await asked(made)).entries()) {
      const { spec, state, release } = made[index] ?? assert.fail();
      assert.equal(answer.refused, undefined, release);
      assert.deepEqual(
        answer.tags.map((tags) => tags?.["physical_network"]),
        meant(spec, state),
        release,
      );
      assert.ok(answer.filters.includes("PciPassthroughFilter") && answer.filters.includes("ComputeFilter"));
      assert.deepEqual(answer.unknown, []);
    }
  });

  test("offers exactly the VFs that the spec means, for random hosts and specs, also before the VFs are there", async () => {
    const card = fc.record({
      model: fc.constantFrom("ConnectX-5", "ConnectX-6 Dx", "ConnectX-7", "82576", "E810"),
      ports: fc.constantFrom(1, 2),
    });
    const nic = fc.tuple(
      fc.constantFrom("switchdev", "sriov"),
      fc.nat(5),
      fc.constantFrom("a", "b", "null", ""),
      fc.integer({ min: 1, max: 6 }),
    );
    const setting = fc.record({
      cards: fc.array(card, { minLength: 1, maxLength: 3 }),
      vfs: fc.constantFrom(0, 1, 3),
      nics: fc.array(nic, { minLength: 1, maxLength: 3 }),
      there: fc.constantFrom(
        "",
        '[pci]\ndevice_spec = {"vendor_id": "10de"}\n',
        "[PCI]\nreport_in_placement = false\n[filter_scheduler]\navailable_filters = nova.scheduler.filters.all_filters\n",
      ),
      picks: fc.array(fc.nat(), { minLength: 3, maxLength: 3 }),
      release: fc.constantFrom(...releases.slice(6)),
    });
    const numRuns = roundsFrom("PROPERTY_RUNS", 150, 600);
    const made = fc
      .sample(setting, { numRuns, seed: 6 })
      .flatMap(({ cards, vfs, nics, there, picks, release }) => {
        const state = hostWith(vfs, ...cards);
        const texts = nics.map(([mode, form, physnet, count], index) => {
          const pf = state.pfs[(picks[index] ?? 0) % state.pfs.length] ?? assert.fail();
          const mac = state.netdevs.find(({ name }) => name === pf.netdev)?.mac ?? "";
          const ports = [
            pf.netdev,
            `{address: '${pf.address}'}`,
            `{address: '${pf.address.slice(0, -1)}*'}`,
            `{address: '*:*:*.*'}`,
            `{vendor: '${pf.vendor}', product: '${pf.product}'}`,
            `{mac: '${mac.slice(0, 14)}:*'}`,
          ][form];
          return `mode: ${physnet === "null" ? "switchdev" : mode}, ports: [${ports}], vfs: ${count}${physnet === "" ? "" : `, physnet: ${physnet}`}`;
        });
        const spec = tried(() => specOf(...texts.map((text) => text)));
        if (spec === null || overlapping(spec, state)) return [];
        const outcome = novaConf(there, { spec, state, release, deployment: "plain" });
        assert.deepEqual(outcome.conflicts, []);
        assert.equal(
          novaConf(outcome.text, { spec, state, release, deployment: "plain" }).text,
          outcome.text,
        );
        return [{ spec, state, text: outcome.text }];
      });
    assert.ok(made.length > numRuns / 3, `only ${made.length}`);
    for (const [index, answer] of (await asked(made)).entries()) {
      const { spec, state, text } = made[index] ?? assert.fail();
      assert.equal(answer.refused, undefined, text);
      assert.deepEqual(
        answer.tags.map((tags) => tags?.["physical_network"]),
        meant(spec, state),
        text,
      );
    }
  });
});

function tried<T>(make: () => T): T | null {
  try {
    return make();
  } catch {
    return null;
  }
}

/** Whether two NICs of a spec mean one port, which `verify` refuses. */
function overlapping(spec: Spec, state: HostState): boolean {
  const found = spec.nics
    .map((nic) => resolvePorts(nic, state))
    .flatMap((ports) => ("pfs" in ports ? ports.pfs : []));
  return new Set(found).size < found.length;
}
