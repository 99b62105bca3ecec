import { statSync } from "node:fs";
import { join } from "node:path";
import type { Guest } from "../../state/guests.ts";
import { isUnknown, type Observed, unknown } from "../../state/observed.ts";
import type { Holder, PhysicalFunction, VirtualFunction } from "../../state/state.ts";
import type { PciAddress } from "../../state/values.ts";
import type { Kernel } from "../system/kernel.ts";
import { reasonOf } from "../system/refusal.ts";
import { listNames, readText } from "../system/sysfs.ts";
import { type Container, containerOf } from "./containers.ts";
import { type Domain, findDomains } from "./libvirt.ts";

type Places = Pick<Kernel, "procRoot" | "runRoot" | "filesRoot">;

/**
 * Who has the VFs, by name. That somebody has one is known from its holders; here the process or the
 * namespace is looked up: whose virtual machine or container it is. A domain of libvirt has the VFs of its
 * definition too, also when it does not run.
 */
export function findGuests(pfs: readonly PhysicalFunction[], places: Places): Observed<Guest[]> {
  try {
    const vfs = pfs.flatMap((pf) => pf.vfs);
    const own = new Set<PciAddress>(vfs.map(({ address }) => address));
    const domains = findDomains(places).map((domain) => ({
      ...domain,
      devices: domain.devices.filter((device) => own.has(device)),
    }));
    const holders = vfs.flatMap((vf) => holdersOf(vf).map((holder) => ({ holder, vf: vf.address })));
    const seen = new Guests(domains);
    for (const { holder, vf } of holders) {
      if (holder.kind === "process") seen.add(ofProcess(holder, domains, places), vf);
      if (holder.kind === "namespace") seen.add(ofNamespace(holder, places), vf);
    }
    return seen.all();
  } catch (error) {
    return unknown(reasonOf(error));
  }
}

function holdersOf({ holders }: VirtualFunction): readonly Holder[] {
  return isUnknown(holders) ? [] : holders;
}

/** Guests by who they are, each with all its VFs. */
class Guests {
  readonly #found = new Map<string, Guest>();

  constructor(domains: readonly Domain[]) {
    for (const domain of domains) for (const device of domain.devices) this.add(guestOf(domain), device);
  }

  add(guest: Guest, vf: PciAddress): void {
    const key = JSON.stringify([
      guest.kind,
      "name" in guest ? guest.name : null,
      "id" in guest ? guest.id : null,
      "pid" in guest ? guest.pid : null,
    ]);
    const known = this.#found.get(key) ?? guest;
    this.#found.set(key, known.vfs.includes(vf) ? known : { ...known, vfs: [...known.vfs, vf] });
  }

  /** libvirt's own daemons hold what they give to a machine: beside a machine's name they tell nothing. */
  all(): Guest[] {
    const guests = [...this.#found.values()];
    const machines = new Set(
      guests.filter(({ kind }) => kind === "domain" || kind === "machine").flatMap(({ vfs }) => vfs),
    );
    return guests.filter((guest) => {
      const daemon = guest.kind === "process" && isDaemon(guest.command);
      return !(daemon && guest.vfs.every((vf) => machines.has(vf)));
    });
  }
}

/** libvirt's own, in a container or not: Kolla's is nova_libvirt, and to stop it is to stop no guest. */
function isDaemon(command: string): boolean {
  return /^(?:libvirtd|virtqemud|virtnodedevd)$/.test(command);
}

function guestOf({ name, uuid, title, pid }: Domain): Guest {
  return { kind: "domain", name, uuid, title, running: pid !== null, pid, vfs: [] };
}

function ofProcess(
  { pid, command }: { readonly pid: number; readonly command: string },
  domains: readonly Domain[],
  places: Places,
): Guest {
  const domain = domains.find((candidate) => candidate.pid === pid);
  if (domain !== undefined) return guestOf(domain);
  const machine = machineOf(pid, places.procRoot);
  if (machine !== null) {
    const same = domains.find(({ uuid }) => uuid !== null && uuid === machine.uuid);
    return same === undefined ? { kind: "machine", ...machine, pid, vfs: [] } : guestOf({ ...same, pid });
  }
  const container = isDaemon(command) ? null : containerOf(pid, places);
  return container === null ? { kind: "process", pid, command, vfs: [] } : inContainer(container, pid);
}

function ofNamespace(
  { name, pid }: { readonly name: string; readonly pid?: number | undefined },
  places: Places,
): Guest {
  const processes =
    pid === undefined ? processesIn(join(places.runRoot, "netns"), name, places.procRoot) : [pid];
  for (const each of processes) {
    const container = containerOf(each, places);
    if (container !== null) return inContainer(container, each);
  }
  return { kind: "namespace", name, vfs: [] };
}

function inContainer(container: Container, pid: number): Guest {
  return { kind: "container", ...container, pid, vfs: [] };
}

/** The processes whose network namespace has this name. */
function processesIn(folder: string, name: string, procRoot: string): number[] {
  const wanted = listNames(folder).includes(name) ? inodeOf(join(folder, name)) : null;
  if (wanted === null) return [];
  return listNames(procRoot)
    .filter((pid) => /^\d+$/.test(pid) && inodeOf(`${procRoot}/${pid}/ns/net`) === wanted)
    .map(Number);
}

function inodeOf(path: string): number | null {
  try {
    return statSync(path).ino;
  } catch {
    return null;
  }
}

/**
 * A virtual machine of QEMU, by its command line: `-name guest=NAME,debug-threads=on -uuid UUID`. Source:
 * qemu(1).
 */
function machineOf(
  pid: number,
  procRoot: string,
): { readonly name: string | null; readonly uuid: string | null } | null {
  const words = (readText(`${procRoot}/${pid}/cmdline`) ?? "").split("\0");
  const program = words[0]?.slice(words[0].lastIndexOf("/") + 1) ?? "";
  if (!/^(?:qemu-system-.+|qemu-kvm|kvm|qemu)$/.test(program)) return null;
  const after = (...flags: readonly string[]) => words[words.findIndex((word) => flags.includes(word)) + 1];
  const has = (...flags: readonly string[]) => words.some((word) => flags.includes(word));
  // A comma that belongs to the name is doubled.
  const parts = has("-name", "--name") ? (after("-name", "--name") ?? "").split(/(?<!,),(?!,)/) : [];
  const named = parts.find((part) => part.startsWith("guest="))?.slice("guest=".length) ?? parts[0];
  const uuid = has("-uuid", "--uuid") ? after("-uuid", "--uuid") : undefined;
  return {
    name: named === undefined || named === "" ? null : named.replaceAll(",,", ","),
    uuid: uuid ?? null,
  };
}
