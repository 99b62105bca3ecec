import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Seen } from "./in-namespace.ts";

/*
 * Against the running kernel, in a network namespace made and removed here; the machine's own links are not
 * touched.
 */

const run = promisify(execFile);
const namespace = `vflag-netlink-${process.pid}`;
const ip = (...words: string[]) => run("ip", ["-n", namespace, ...words]);

const skip = process.getuid?.() === 0 ? false : "needs root, to make a network namespace";

describe("against the running kernel", { skip }, () => {
  let seen: Seen;
  let hasBonding = true;
  let hasIngress = true;

  before(async () => {
    await run("ip", ["netns", "add", namespace]);
    await ip("link", "add", "v0", "type", "veth", "peer", "name", "v1");
    await ip("link", "add", "br0", "type", "bridge");
    await ip("link", "set", "v1", "master", "br0");
    await ip("link", "set", "v0", "address", "02:00:00:00:00:2a");
    await ip("link", "property", "add", "dev", "v0", "altname", "a-long-alternative-name");
    const tc = (device: string, ...words: string[]) =>
      run("tc", ["-n", namespace, "qdisc", "add", "dev", device, ...words]);
    await Promise.all([
      tc("v0", "ingress_block", "37", "ingress"),
      tc("br0", "ingress_block", "37", "ingress"),
      tc("v1", "clsact"),
    ]).catch(() => {
      hasIngress = false;
    });
    await ip(
      "link",
      "add",
      "bond7",
      "type",
      "bond",
      "mode",
      "802.3ad",
      "xmit_hash_policy",
      "layer3+4",
      "miimon",
      "100",
    ).then(
      () => ip("link", "add", "v2", "master", "bond7", "type", "veth", "peer", "name", "v3"),
      () => {
        hasBonding = false;
      },
    );
    const script = fileURLToPath(new URL("./in-namespace.ts", import.meta.url));
    const node = [process.execPath, "--disable-warning=ExperimentalWarning", script];
    const { stdout } = await run("ip", ["netns", "exec", namespace, ...node]);
    seen = JSON.parse(stdout);
  });

  after(() => run("ip", ["netns", "delete", namespace]));

  const link = (name: string) => seen.links.find((link) => link.name === name);

  test("links are listed with kind, peer, master and addresses", () => {
    assert.equal(link("v0")?.kind, "veth");
    assert.equal(link("v0")?.mac, "02:00:00:00:00:2a");
    assert.equal(link("v0")?.link, link("v1")?.index);
    assert.equal(link("v1")?.master, link("br0")?.index);
    assert.equal(link("v1")?.slaveKind, "bridge");
    assert.deepEqual(link("v0")?.altNames, ["a-long-alternative-name"]);
  });

  test("links that share an ingress block are told by its number", (t) => {
    if (!hasIngress) return t.skip("this kernel has no ingress qdisc, or there is no tc");
    const seenOn = (name: string) =>
      seen.qdiscs.filter(({ link: index, kind }) => index === link(name)?.index && kind !== "noqueue");
    assert.deepEqual(
      ["v0", "br0", "v1"].map((name) => seenOn(name).map(({ kind, ingressBlock }) => [kind, ingressBlock])),
      [[["ingress", 37]], [["ingress", 37]], [["clsact", null]]],
    );
  });

  test("a link is found by its alternative name, and a missing one is null", () => {
    assert.equal(seen.byAltName, "v0");
    assert.deepEqual(seen.missing, [null, null, null]);
  });

  test("a link goes up and down; a missing one does not", () => {
    assert.deepEqual(seen.upAndDown, [false, true, false]);
    assert.deepEqual(seen.upMissing, {
      code: "ENODEV",
      message: "set link nosuch up: ENODEV: no such device",
    });
  });

  test("VF settings of a device without VFs are refused", () => {
    assert.deepEqual(seen.vfOfVeth, {
      code: "EOPNOTSUPP",
      message: "set trust on of VF 0 on v0: EOPNOTSUPP: operation not supported",
    });
  });

  test("features of all devices are listed by name, unknown names left out", () => {
    const features = seen.features.find(({ name }) => name === "v0")?.features;
    assert.deepEqual(Object.keys(features ?? {}), ["hw-tc-offload", "tx-tcp-segmentation"]);
    assert.equal(features?.["hw-tc-offload"]?.fixed, true);
    assert.equal(features?.["tx-tcp-segmentation"]?.fixed, false);
    assert.equal(seen.features.length, seen.links.length);
  });

  test("features are read from the bits that the kernel means", () => {
    assert.ok(seen.activeFeatures.kernel.length > 10);
    assert.deepEqual(seen.activeFeatures.ours, seen.activeFeatures.kernel);
  });

  test("a feature is switched off", () => {
    assert.deepEqual(seen.featureOff, [true, false]);
  });

  test("a feature that stays as it was is an error, although the kernel gives none", () => {
    assert.deepEqual(seen.fixedFeature, {
      code: "EOPNOTSUPP",
      message: "set hw-tc-offload on on v0: EOPNOTSUPP: the device did not change hw-tc-offload",
    });
  });

  test("the kernel's sentence is the error's text", () => {
    assert.deepEqual(seen.unknownFeature, {
      code: "EOPNOTSUPP",
      message: "set nosuch on on v0: EOPNOTSUPP: bit name not found (attribute 2)",
    });
    assert.deepEqual(seen.tooManyChannels, {
      code: "EINVAL",
      message:
        "set 100 combined channels on v0: EINVAL: requested channel count exceeds maximum (attribute 9)",
    });
  });

  test("channels are listed for the devices that have them", () => {
    assert.ok(seen.channels.some(({ name, rx }) => name === "v0" && rx?.count === 1));
    assert.equal(seen.channelsOfBridge, null);
  });

  test("the driver is told by ioctl", () => {
    assert.equal(seen.driver, "veth");
    assert.deepEqual(seen.driverMissing, {
      code: "ENODEV",
      message: "get driver of nosuch: ENODEV: no such device",
    });
  });

  test("a request in another thread is answered, in the same namespace", () => {
    assert.equal(seen.inThread, 1);
  });

  test("a refusal in another thread is the same error as on this one", () => {
    assert.deepEqual(seen.inThreadRefused, seen.tooManyChannels);
  });

  test("a kernel without devlink says so", (context) => {
    if (seen.noDevlink === null) return context.skip("this kernel has devlink");
    assert.deepEqual(seen.noDevlink, {
      code: "ENOENT",
      message: "list devlink ports: ENOENT: this kernel has no devlink netlink family",
    });
  });

  test("a bond and its slave are described", (context) => {
    if (!hasBonding) return context.skip("this kernel has no bonding");
    const bond = link("bond7");
    assert.equal(bond?.bond?.mode, "802.3ad");
    assert.equal(bond?.bond?.xmitHashPolicy, "layer3+4");
    assert.equal(bond?.bond?.miimon, 100);
    assert.equal(bond?.bond?.lacp?.partnerMac, "00:00:00:00:00:00");
    assert.equal(link("v2")?.master, bond?.index);
    assert.equal(link("v2")?.bondSlave?.permanentMac?.length, 17);
  });
});
