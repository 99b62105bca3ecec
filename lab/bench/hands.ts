import type { HostState } from "../../src/host/state/state.ts";
import { mustRun } from "../exec.ts";
import { mustDo } from "../operate.ts";
import type { Guest } from "../running.ts";

/** The NIC that is brought up and taken down. */
export interface Card {
  readonly names: readonly [string, string];
  readonly addresses: readonly [string, string];
  /** VFs of each port. */
  readonly vfs: number;
  readonly channels: { readonly pf: number; readonly representor: number };
}

/** Runs a command in the guest and tells how long it took, in milliseconds; ssh is not counted. */
export async function timed(guest: Guest, command: string): Promise<number> {
  const output = await mustDo(
    guest,
    `begun=$(date +%s%N); { ${command}; } > /tmp/timed 2>&1; code=$?; ended=$(date +%s%N); [ $code = 0 ] || cat /tmp/timed; echo "took $((ended - begun))"; exit $code`,
  );
  return Number(/^took (\d+)$/m.exec(output)?.[1]) / 1e6;
}

/** How many times as long as this machine the guest takes for the same work of a processor. */
export async function slowness(guest: Guest): Promise<number> {
  const loop = "for ((i = 0; i < 100000; i++)); do :; done";
  const begun = performance.now();
  await mustRun(["bash", "-c", loop], { timeout: 60_000 });
  const here = performance.now() - begun;
  return (await timed(guest, loop)) / here;
}

/** What vflag sees in the guest. */
export async function inspect(guest: Guest): Promise<HostState> {
  return JSON.parse(await mustDo(guest, "vflag inspect --output json")) as HostState;
}

/**
 * The NIC as after power-on. First the VFs, then the bond: a LAG cannot be taken down while a VF is bound.
 */
export async function reset(guest: Guest, { addresses, names }: Card): Promise<void> {
  const device = (address: string) => `/sys/bus/pci/devices/${address}`;
  await mustDo(
    guest,
    [
      ...addresses.map((address) => `echo 0 > ${device(address)}/sriov_numvfs`),
      "{ ip link del bond0 2> /dev/null || true; }",
      ...addresses.map((address) => `devlink dev eswitch set pci/${address} mode legacy`),
      ...addresses.map((address) => `echo 1 > ${device(address)}/sriov_drivers_autoprobe`),
      ...names.map((name) => `ip link set ${name} down`),
      "modprobe bonding max_bonds=0; ip link set peer0 up; ip link set peer1 up",
    ].join(" && "),
  );
  await settle(guest);
}

/**
 * Waits until udev has nothing left to do: at 128 representors this takes longer than making them. How long,
 * in milliseconds.
 */
export async function settle(guest: Guest): Promise<number> {
  return timed(guest, "udevadm settle -t 300");
}

/** What networking does between the stages; returns when both links are up in the bond. */
export async function makeBond(guest: Guest, { names }: Card): Promise<void> {
  const enslave = names.map((name) => `ip link set ${name} down && ip link set ${name} master bond0`);
  await mustDo(
    guest,
    ["ip link add bond0 type bond mode active-backup miimon 100", ...enslave, "ip link set bond0 up"].join(
      " && ",
    ),
  );
  await mustDo(
    guest,
    "for try in $(seq 100); do [ $(grep -c '^MII Status: up' /proc/net/bonding/bond0) = 3 ] && exit 0; sleep 0.1; done; exit 1",
  );
}
