import { word } from "../host/actions/command.ts";
import { describeHolder } from "../host/in-use.ts";
import type { Guest } from "../host/state/guests.ts";
import { known } from "../host/state/observed.ts";
import type { HostState, PhysicalFunction, VirtualFunction } from "../host/state/state.ts";
import { heldBy } from "./virtual-functions.ts";

/** VFs that somebody uses: whose they are, as an operator knows it, and how they become free. */

type Guests = Pick<HostState, "guests">;

/**
 * The VFs of a PF that are in use, or may be, one line each: `VF 3 (0000:37:00.5) in use by instance web1
 * (ea0f..., domain instance-0000001a)`.
 */
export function heldVfs(pf: PhysicalFunction, state: Guests): string[] {
  return pf.vfs.flatMap((vf) => heldVf(vf, state) ?? []);
}

/** One VF; `null` when it is known to be free. */
export function heldVf(vf: VirtualFunction, state: Guests): string | null {
  const held = heldBy(vf);
  if (held === null) return null;
  const names = guestsOf(vf, state).flatMap((guest) => nameOf(guest) ?? []);
  const all = [...names, ...othersOf(vf, state)].join(", ");
  return `VF ${vf.index} (${vf.address}) ${names.length === 0 ? held : `in use by ${all}`}`;
}

/** What to do for a VF to become free. */
export function freeingText(vf: VirtualFunction, state: Guests): string {
  const guests = guestsOf(vf, state).filter((guest) => nameOf(guest) !== null);
  const ways = guests.flatMap((guest) => wayOf(guest) ?? []);
  if (ways.length === 0) return "stop what uses it, or move the guest away";
  const all = ways.length === guests.length && othersOf(vf, state).length === 0;
  return [...ways, ...(all ? [] : ["stop what else uses it"])].join("; ");
}

function guestsOf(vf: VirtualFunction, { guests }: Guests): Guest[] {
  return (known(guests) ?? []).filter(
    (guest) => guest.vfs.includes(vf.address) && (guest.kind !== "domain" || guest.running),
  );
}

/** What holds a VF and is no guest with a name. */
function othersOf(vf: VirtualFunction, state: Guests): string[] {
  const ofHost = (known(vf.holders) ?? []).filter(({ kind }) => kind !== "process" && kind !== "namespace");
  return [
    ...guestsOf(vf, state).filter((guest) => guest.kind === "process" || guest.kind === "namespace"),
    ...ofHost,
  ].map(describeHolder);
}

function nameOf(guest: Guest): string | null {
  switch (guest.kind) {
    case "domain":
      return isInstance(guest)
        ? `instance ${guest.title ?? guest.uuid} (${guest.uuid}, domain ${guest.name})`
        : `domain ${guest.name}`;
    case "machine":
      return `QEMU ${guest.name ?? guest.uuid ?? "without a name"} (process ${guest.pid})`;
    case "container": {
      const name = guest.name ?? guest.id.slice(0, 12);
      return guest.engine === null ? `container ${name}` : `${guest.engine}'s container ${name}`;
    }
    case "namespace":
    case "process":
      return null;
  }
}

function wayOf(guest: Guest): string | null {
  switch (guest.kind) {
    case "domain":
      return isInstance(guest)
        ? `openstack server stop ${guest.uuid}, or migrate it`
        : `virsh shutdown ${word(guest.name)}`;
    case "container":
      return containerWay(guest);
    case "machine":
    case "namespace":
    case "process":
      return null;
  }
}

/** A container of Kubernetes comes again while its pod is there. */
function containerWay({ engine, id, name }: Extract<Guest, { kind: "container" }>): string | null {
  switch (engine) {
    case "docker":
    case "podman":
      return `${engine} stop ${word(name ?? id)}`;
    case "containerd":
    case "cri-o":
      return `delete its pod, or move it away (crictl ps --id ${word(id.slice(0, 12))})`;
    case "lxc":
      return `lxc-stop -n ${word(name ?? id)} (LXD: lxc stop, Incus: incus stop)`;
    default:
      return null;
  }
}

/** Nova's own name of a domain. Source: nova/conf/compute.py, instance_name_template. */
function isInstance({ name, uuid }: Extract<Guest, { kind: "domain" }>): boolean {
  // It stands in a command: what is no UUID is a domain like any other.
  return (
    /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(uuid ?? "") && /^instance-[0-9a-f]{8}$/.test(name)
  );
}
