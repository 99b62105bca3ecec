import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Action } from "../../actions/action.ts";
import type { IngressQdisc, Ovs, OvsBridge, OvsInterface, OvsSource } from "../../ovs/ovs.ts";
import { inOvs, ovsPlace, restartOfOvs, vsctlWords } from "../../ovs/ovs-command.ts";
import { isUnknown, type Observed, unknown } from "../../state/observed.ts";
import type { Kernel } from "../system/kernel.ts";
import { mustRun, ProgramError, type ProgramResult, type RunProgram } from "../system/program.ts";
import { Refusal, reasonOf } from "../system/refusal.ts";
import { inEffect } from "./offload-in-effect.ts";
import { type OvsdbRow, parseTables } from "./ovsdb.ts";

/** Open vSwitch on this machine or in a container: found, observed, changed, restarted. */

/** Where the operator says that Open vSwitch is. */
export interface OvsLookup {
  readonly engine: "auto" | "docker" | "podman" | "native";
  readonly container?: string | undefined;
}

/**
 * What Kolla calls the container of ovs-vswitchd. Source: kolla-ansible, roles/openvswitch/defaults/main.yml.
 */
const kollaContainer = "openvswitch_vswitchd";

/**
 * How long Open vSwitch's programs wait for an answer; a container's engine, which may hang as well, gets
 * some more.
 */
const patience = 5000;
export const ovsLimit = 2 * patience;

/** How long a restart may take, and ovs-vswitchd until it answers after it. */
const restartLimit = 60_000;
const pause = 500;

type Surroundings = Pick<Kernel, "run" | "runRoot" | "filesRoot">;

/**
 * Open vSwitch with its bridges, or null where there is none.
 * @param qdiscs where rules for arriving packets hang: they show whether ovs-vswitchd works with tc
 */
export async function findOvs(
  kernel: Surroundings,
  lookup: OvsLookup,
  qdiscs: Observed<readonly IngressQdisc[]>,
): Promise<Observed<Ovs | null>> {
  try {
    const { engine, container = kollaContainer } = lookup;
    const native = engine === "auto" || engine === "native" ? await lookOnHost(kernel, qdiscs) : null;
    if (native !== null && !isUnknown(native)) return native;
    let doubt = native;
    for (const candidate of ["podman", "docker"] as const) {
      if (engine !== "auto" && engine !== candidate) continue;
      const source = await findContainer(kernel.run, candidate, container);
      if (source !== null && !isUnknown(source)) return await observeOvs(kernel.run, source, qdiscs);
      doubt ??= source;
    }
    return doubt;
  } catch (error) {
    return unknown(reasonOf(error));
  }
}

/** Sets a value, or takes a port out, and waits until ovs-vswitchd has done its part. */
export async function changeOvs(
  { run }: Pick<Kernel, "run">,
  action: Extract<Action, { kind: "set-ovs" | "del-ovs-port" }>,
): Promise<void> {
  await mustRun(run, patiently(action.source, vsctlWords(action)), { limit: ovsLimit });
}

/** The Neutron port that a port belongs to; null where it is nobody's. */
export async function ovsOwnerOf(run: RunProgram, source: OvsSource, name: string): Promise<string | null> {
  const lists = [
    "--columns=name,interfaces",
    "list",
    "Port",
    "--",
    "--columns=_uuid,external_ids",
    "list",
    "Interface",
  ];
  const stdout = await mustRun(run, patiently(source, ["ovs-vsctl", "--format=json", "--", ...lists]), {
    limit: ovsLimit,
  });
  const [ports = [], interfaces = []] = parseTables(stdout, 2);
  const own = new Set(
    ports.filter((port) => port.text("name") === name).flatMap((port) => port.uuids("interfaces")),
  );
  const rows = interfaces.filter((row) => row.uuids("_uuid").some((id) => own.has(id)));
  return rows.flatMap((row) => row.map("external_ids").get("iface-id") ?? [])[0] ?? null;
}

/** Restarts Open vSwitch, and waits until ovs-vswitchd answers. */
export async function restartOvs({ run }: Pick<Kernel, "run">, source: OvsSource): Promise<void> {
  if (source.kind === "native" && source.unit === null)
    throw new Refusal(
      "ENOENT",
      "restart Open vSwitch: none of its units is installed here: restart it by hand",
    );
  await mustRun(run, restartOfOvs(source), { limit: restartLimit });
  const began = performance.now();
  const question = patiently(source, ["ovs-appctl", "upcall/show"]);
  for (;;) {
    const { code, stdout } = await run(question, { limit: ovsLimit });
    const waited = performance.now() - began;
    // It answers before it has its bridges; where there are none, it has no more to say.
    if (code === 0 && (stdout.trim() !== "" || waited > patience)) break;
    if (waited > restartLimit)
      throw new Refusal(
        "ETIMEDOUT",
        `${ovsPlace(source)} was restarted, and ovs-vswitchd does not answer: ${question.join(" ")}`,
      );
    await sleep(pause);
  }
  // A bond's ports join its ingress block when the kernel has told of them.
  await sleep(2 * pause);
}

/** Open vSwitch of the host itself. */
async function lookOnHost(
  kernel: Surroundings,
  qdiscs: Observed<readonly IngressQdisc[]>,
): Promise<Observed<Ovs | null>> {
  const { run, runRoot, filesRoot } = kernel;
  const socket = join(runRoot, "openvswitch/db.sock");
  if (!existsSync(socket)) {
    const installed = (await started(run, ["ovs-appctl", "--version"])) !== null;
    return installed
      ? unknown(`Open vSwitch is installed, and its database does not run: there is no ${socket}`)
      : null;
  }
  const units = ["openvswitch-switch.service", "openvswitch.service"];
  const folders = ["/etc/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"];
  const unit =
    units.find((name) => folders.some((folder) => existsSync(join(filesRoot, folder, name)))) ?? null;
  try {
    return await observeOvs(run, { kind: "native", unit }, qdiscs);
  } catch (error) {
    // Kolla mounts the socket's folder from the host into the containers, and only there are the programs.
    if (error instanceof ProgramError && error.code === "ENOENT") return null;
    throw error;
  }
}

async function findContainer(
  run: RunProgram,
  engine: "docker" | "podman",
  name: string,
): Promise<Observed<OvsSource | null>> {
  const told = await started(run, [engine, "container", "inspect", "--format", "{{.State.Running}}", name]);
  if (told === null) return null;
  const said = told.stderr.trim().split("\n").at(-1) ?? "";
  if (told.code !== 0)
    return /no such (container|object)/i.test(told.stderr) ? null : unknown(`${engine}: ${said}`);
  if (told.stdout.trim() === "true") return { kind: "container", engine, name };
  return unknown(`the container ${name} of ${engine} does not run: ${engine} start ${name}`);
}

/** What came of a program, or null where it is not installed. */
async function started(run: RunProgram, argv: readonly string[]): Promise<ProgramResult | null> {
  try {
    return await run(argv, { limit: ovsLimit });
  } catch (error) {
    if (error instanceof ProgramError && error.code === "ENOENT") return null;
    throw error;
  }
}

/**
 * A program of Open vSwitch that gives up by itself. ovs-vsctl(8): it waits until ovs-vswitchd works with
 * what was changed.
 */
export function patiently(source: OvsSource, [program = "", ...words]: readonly string[]): string[] {
  return inOvs(source, [program, `--timeout=${patience / 1000}`, ...words]);
}

const tables = [
  ["ovs_version,other_config", "Open_vSwitch"],
  ["name,datapath_type,ports", "Bridge"],
  ["_uuid,name,interfaces", "Port"],
  ["_uuid,name,type,ofport,error,external_ids,other_config", "Interface"],
] as const;

async function observeOvs(
  run: RunProgram,
  source: OvsSource,
  qdiscs: Observed<readonly IngressQdisc[]>,
): Promise<Ovs> {
  const lists = tables.flatMap(([columns, table]) => ["--", `--columns=${columns}`, "list", table]);
  const question = ["ovs-vsctl", "--format=json", ...lists];
  const stdout = await mustRun(run, patiently(source, question), { limit: ovsLimit });
  const [[head] = [], bridgeRows = [], portRows = [], interfaceRows = []] = parseTables(
    stdout,
    tables.length,
  );
  if (head === undefined) throw new Refusal(null, "Open vSwitch's database is empty: ovs-vsctl init");
  const config = head.map("other_config");
  const bridges = bridgesOf(bridgeRows, portRows, interfaceRows);
  const upcalls = await run(patiently(source, ["ovs-appctl", "upcall/show"]), { limit: ovsLimit });
  const running = upcalls.code === 0;
  return {
    source,
    version: head.optionalText("ovs_version") ?? (running ? await runningVersion(run, source) : null),
    running,
    hwOffload: isTrue(config.get("hw-offload")),
    offloadInEffect: running
      ? inEffect(upcalls.stdout, bridges, qdiscs)
      : unknown("ovs-vswitchd does not answer"),
    tcPolicy: config.get("tc-policy") ?? null,
    dpdk: ["true", "try"].includes(config.get("dpdk-init") ?? ""),
    doca: isTrue(config.get("doca-init")),
    bridges,
  };
}

/** Whoever starts ovs-vswitchd without ovs-ctl, as containers do, writes no version into the database. */
async function runningVersion(run: RunProgram, source: OvsSource): Promise<string | null> {
  const stdout = await mustRun(run, patiently(source, ["ovs-appctl", "version"]), { limit: ovsLimit });
  return /^ovs-vswitchd \(Open vSwitch\) (\d+(?:\.\d+)+\S*)$/m.exec(stdout)?.[1] ?? null;
}

/** Source: openvswitch lib/smap.c, smap_get_bool(). */
function isTrue(value: string | undefined): boolean {
  return value?.toLowerCase() === "true";
}

function bridgesOf(
  bridgeRows: readonly OvsdbRow[],
  portRows: readonly OvsdbRow[],
  interfaceRows: readonly OvsdbRow[],
): OvsBridge[] {
  const ports = byUuid(portRows);
  const interfaces = byUuid(interfaceRows);
  return bridgeRows.map((bridge) => ({
    name: bridge.text("name"),
    datapathType: bridge.text("datapath_type") || "system",
    interfaces: bridge.uuids("ports").flatMap((portId) => {
      const port = ports.get(portId);
      if (port === undefined) return [];
      const rows = port.uuids("interfaces").flatMap((id) => interfaces.get(id) ?? []);
      return rows.map((row) => interfaceOf(row, port.text("name")));
    }),
  }));
}

function interfaceOf(row: OvsdbRow, port: string): OvsInterface {
  return {
    name: row.text("name"),
    port,
    type: row.text("type"),
    ofport: row.optionalInteger("ofport"),
    error: row.optionalText("error"),
    ifaceId: row.map("external_ids").get("iface-id") ?? null,
    offloadPriority: row.map("other_config").get("hw-offload-priority") ?? null,
  };
}

function byUuid(rows: readonly OvsdbRow[]): ReadonlyMap<string, OvsdbRow> {
  return new Map(rows.flatMap((row) => row.uuids("_uuid").map((id) => [id, row] as const)));
}
