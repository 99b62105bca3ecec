import { type Nic, vfAddress } from "./cards.ts";
import { type StartOptions, startGuest, stopGuest } from "./guest.ts";
import { runInGuest } from "./ssh.ts";

/** One command in the guest, and what its output (stdout and stderr) must contain. */
interface Step {
  readonly command: string;
  readonly expect: RegExp;
}

const pf = (port: number): string => `/sys/bus/pci/devices/0000:01:00.${port}`;
const lag = "/sys/kernel/debug/mlx5/0000:01:00.0/lag";
const vfs = ([0, 1] as const).flatMap((port) => [vfAddress(port, 0), vfAddress(port, 1)]).join(" ");
const both = (command: (port: number) => string): string => [0, 1].map(command).join(" && ");

/** The life of a VF-LAG, in the order in which it works, with what must be refused on the way. */
const connectx: readonly Step[] = [
  { command: `cat ${lag}/state; cat ${lag}/type`, expect: /^disabled\n.*Invalid argument/ },
  { command: `${both((port) => `echo 0 > ${pf(port)}/sriov_drivers_autoprobe`)} && echo ok`, expect: /ok/ },
  { command: `${both((port) => `echo 2 > ${pf(port)}/sriov_numvfs`)} && echo ok`, expect: /ok/ },
  { command: `echo 3 > ${pf(0)}/sriov_numvfs`, expect: /resource busy/ },
  { command: `echo 9 > ${pf(0)}/sriov_numvfs`, expect: /out of range/ },
  { command: "ip link set enp1s0f0np0 vf 0 mac 02:aa:00:00:00:01 && echo ok", expect: /ok/ },
  {
    command: `${both((port) => `devlink dev eswitch set pci/0000:01:00.${port} mode switchdev`)} && echo ok`,
    expect: /ok/,
  },
  {
    command: "devlink dev eswitch show pci/0000:01:00.0",
    expect: /mode switchdev inline-mode none encap-mode basic/,
  },
  {
    command: "devlink dev eswitch set pci/0000:01:00.0 inline-mode transport",
    expect: /Inline mode can't be set/,
  },
  {
    command: "udevadm settle; devlink port show",
    expect: /0\/65535.*physical(.|\n)*1\/65538.*pcivf.*pfnum 1 vfnum 1/,
  },
  { command: "ip link set enp1s0f0np0 vf 0 trust on", expect: /not supported/ },
  { command: "ethtool -l enp1s0f0npf0vf1 | tail -1", expect: /Combined:\s+1$/m },
  {
    command:
      "ip link set peer0 up && ip link set peer1 up && ip link add bond0 type bond mode active-backup miimon 100 && " +
      "ip link set enp1s0f0np0 master bond0 && ip link set enp1s0f1np1 master bond0 && ip link set bond0 up && echo ok",
    expect: /ok/,
  },
  {
    command: `for i in $(seq 50); do grep -q active ${lag}/state && break; sleep 0.1; done; cat ${lag}/state ${lag}/type ${lag}/mapping`,
    expect: /^active\nswitchdev\n1:1\n2:1\n$/,
  },
  { command: `${both((port) => `echo 1 > ${pf(port)}/sriov_drivers_autoprobe`)} && echo ok`, expect: /ok/ },
  {
    command: `for vf in ${vfs}; do echo $vf > /sys/bus/pci/drivers/mlx5_core/bind; done; udevadm settle; ip -br link`,
    expect: /enp1s0f0v0 .*02:aa:00:00:00:01(.|\n)*enp1s0f1v1/,
  },
  { command: `cat ${lag}/state`, expect: /^active/ },
];

const igb: readonly Step[] = [
  { command: `cat ${pf(0)}/sriov_totalvfs`, expect: /^7$/m },
  { command: "devlink dev eswitch show pci/0000:01:00.0", expect: /No such device/ },
  {
    command: `echo 7 > ${pf(0)}/sriov_numvfs; udevadm settle; ip -br link | grep -c enp1s0f0v`,
    expect: /^7$/m,
  },
  { command: "ls -d /sys/kernel/iommu_groups/*/devices/0000:01:10.0", expect: /iommu_groups/ },
];

const everywhere: readonly Step[] = [
  {
    command: "modprobe netdevsim && echo '7 1' > /sys/bus/netdevsim/new_device && devlink dev show",
    expect: /netdevsim\/netdevsim7/,
  },
  { command: "systemctl is-active openvswitch-switch", expect: /^active/ },
  { command: "node --version", expect: /^v26/ },
  { command: "dmesg --level=warn,err | grep -iE 'call trace|refcount|bug:' || echo none", expect: /^none/ },
];

/** Boots a guest, goes through the steps, prints each with its time. Returns the number of failures. */
async function check(options: StartOptions, steps: readonly Step[]): Promise<number> {
  const started = performance.now();
  const guest = await startGuest(options);
  console.log(`${guest.nic}: up after ${((performance.now() - started) / 1000).toFixed(1)} s`);
  let failures = 0;
  try {
    for (const { command, expect } of steps) {
      const since = performance.now();
      const { stdout, stderr } = await runInGuest(guest.access, [command], { timeout: 60_000 });
      const good = expect.test(stdout + stderr);
      const time = (performance.now() - since).toFixed(0).padStart(6);
      console.log(`${good ? "ok    " : "FAILED"} ${time} ms  ${command.slice(0, 110)}`);
      if (good) continue;
      failures++;
      console.log(`expected ${expect}, got:\n${stdout}${stderr}`);
    }
  } finally {
    await stopGuest(guest.name);
  }
  return failures;
}

/** The guests' names begin with the one given; its other options are for both. */
export async function smoke(options: StartOptions & { readonly name: string }): Promise<number> {
  const start = (nic: Nic): StartOptions => ({ ...options, name: `${options.name}-smoke-${nic}`, nic });
  const failures =
    (await check(start("connectx"), [...connectx, ...everywhere])) +
    (await check(start("igb"), [...igb, ...everywhere]));
  console.log(failures === 0 ? "the lab works" : `${failures} failed`);
  return failures;
}
