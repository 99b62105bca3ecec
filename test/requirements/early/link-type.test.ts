import assert from "node:assert/strict";
import { test } from "node:test";
import type { World } from "../../../src/host/simulated/world.ts";
import { known } from "../../../src/host/state/observed.ts";
import { linkType } from "../../../src/requirements/early/link-type.ts";
import type { Spec } from "../../../src/spec/schema.ts";
import { fresh, spec } from "../../support/hosts.ts";
import { configuration, parameter } from "../firmware/offering.ts";
import { adviceOf, brief, check, pfOf, uplinkOf } from "../view.ts";

const wanted = (keys: string) =>
  spec(`{version: 1, nics: [{name: data, ports: [{address: "0000:37:00.0"}], vfs: 2, ${keys}}]}`);
const undeclared = wanted("mode: sriov");
const ethernet = wanted("mode: sriov, link: ethernet");
const infiniband = wanted("mode: sriov, link: infiniband");
const switchdev = wanted("mode: switchdev");

/** A host whose first port is one of an InfiniBand fabric. */
function fabric(): World {
  const world = fresh();
  uplinkOf(world).infiniband = true;
  return world;
}

const person = (actual: string, severity = "error") => [{ actual, severity, remedy: "person" }];
const isInfiniband = "an InfiniBand port";

test("a port that is what was declared, or needed, needs nothing", () => {
  for (const spec of [undeclared, ethernet, switchdev]) assert.deepEqual(check(linkType, spec, fresh()), []);
  assert.deepEqual(check(linkType, infiniband, fabric()), []);
});

test("declared otherwise, it is an error, and the firmware decides it", () => {
  const [port] = check(linkType, ethernet, fabric());
  assert.deepEqual([port?.subject, port?.expected], ["ens3f0 (0000:37:00.0)", "Ethernet"]);
  assert.deepEqual(brief(check(linkType, ethernet, fabric())), person(isInfiniband));
  assert.match(
    adviceOf(check(linkType, ethernet, fabric())),
    /vflag sets LINK_TYPE.* declare link: infiniband$/,
  );
  assert.deepEqual(brief(check(linkType, infiniband, fresh())), person("an Ethernet port"));
  assert.match(adviceOf(check(linkType, infiniband, fresh())), /declare link: ethernet$/);
});

test("switchdev needs Ethernet; in mode sriov what was not declared is asked for, and left", () => {
  assert.deepEqual(brief(check(linkType, switchdev, fabric())), person(isInfiniband));
  assert.match(
    adviceOf(check(linkType, switchdev, fabric())),
    /^declare link: ethernet, and vflag makes it Ethernet/,
  );
  assert.deepEqual(brief(check(linkType, undeclared, fabric())), person(isInfiniband, "warning"));
  assert.match(
    adviceOf(check(linkType, undeclared, fabric())),
    /^declare link: infiniband if it shall stay so/,
  );
});

test("states of older versions show it by the address, which is no Ethernet one", () => {
  const world = fresh();
  uplinkOf(world).mac = null;
  assert.deepEqual(brief(check(linkType, ethernet, world)), person(isInfiniband));
});

test("without a netdev the firmware tells what it runs as; where neither does, nothing is said", () => {
  const world = fresh();
  pfOf(world).netdev = null;
  const isEthernet = "an Ethernet port";
  for (const [current, ifEthernet, ifInfiniband] of [
    ["IB", [isInfiniband], []],
    ["1", [isInfiniband], []],
    ["ETH", [], [isEthernet]],
    ["2", [], [isEthernet]],
    ["VPI", [], []],
    [null, [], []],
  ] as const) {
    configuration(world).parameters["LINK_TYPE_P1"] = parameter(current, "ETH");
    const actuals = (spec: Spec) => check(linkType, spec, world).map(({ actual }) => actual);
    assert.deepEqual([actuals(ethernet), actuals(infiniband)], [ifEthernet, ifInfiniband], String(current));
  }
  world.state.firmware = { unknown: "neither is installed" };
  for (const spec of [undeclared, ethernet, infiniband, switchdev])
    assert.deepEqual(check(linkType, spec, world), []);
});

test("the second port has a setting of its own, by devlink's number of its physical port, or its function's", () => {
  const world = fresh();
  const second = {
    ...ethernet,
    nics: ethernet.nics.map((nic) => ({ ...nic, ports: [{ address: "0000:37:00.1" }] })),
  };
  pfOf(world, 1).netdev = null;
  configuration(world).parameters["LINK_TYPE_P1"] = parameter("ETH");
  configuration(world).parameters["LINK_TYPE_P2"] = parameter("IB");
  assert.deepEqual(brief(check(linkType, second, world)), person(isInfiniband));
  const ports = known(world.state.devlinkPorts);
  const own = ports?.find(({ handle }) => handle === "pci/0000:37:00.1");
  assert.ok(ports !== undefined && own !== undefined);
  ports.unshift({ ...own, flavour: "virtual", port: 0 });
  assert.equal(check(linkType, second, world).length, 1);
  own.port = 0;
  assert.deepEqual(check(linkType, second, world), []);
  own.port = 2;
  assert.deepEqual(check(linkType, second, world), []);
  world.state.devlinkPorts = [];
  assert.equal(check(linkType, second, world).length, 1);
});
