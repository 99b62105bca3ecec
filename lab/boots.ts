import type { Guest } from "./guest.ts";
import { mustDo, type Report, reboot, say, write } from "./operate.ts";
import type { Task } from "./task.ts";

/**
 * From power-on to VF-LAG without a hand, with vflag's units in a guest that has a disk of its own and reboots for real;
 * and the same with the early unit in the wrong place, which must fail: the proof that the order is what makes it work.
 */

const spec = `version: 1
nics:
  - name: data
    mode: vf-lag
    ports: [enp1s0f0np0, enp1s0f1np1]
    vfs: 4
    bond: bond0
    channels: {pf: 8, representor: 2}
    vfSettings: {mac: "02:5d:00:00:{port}:{vf}"}
`;

const interfaces = `auto wire0
iface wire0 inet manual
  up ip link set wire0 up
auto wire1
iface wire1 inet manual
  up ip link set wire1 up
auto bond0
iface bond0 inet static
  address 10.9.0.1/24
  bond-mode active-backup
  bond-miimon 100
  bond-slaves enp1s0f0np0 enp1s0f1np1
`;

/** Stands in for docker: something that must come after the late stage. */
const dockerLike = `[Unit]
After=network-online.target
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/true
[Install]
WantedBy=multi-user.target
`;

export const boots: readonly Task[] = [{ title: "boots", guest: { nic: "mlx5", persist: true }, run: bootsWithoutAHand }];

async function bootsWithoutAHand(guest: Guest, report: Report): Promise<void> {
  await write(guest, "/etc/vflag/vflag.yaml", spec);
  await write(guest, "/etc/network/interfaces.d/bond0", interfaces);
  await write(guest, "/etc/systemd/system/docker.service", dockerLike);
  // In the lab the program is on a folder of the host, mounted at boot; on a real host it is on the disk.
  await write(guest, "/etc/systemd/system/vflag-early.service.d/lab.conf", "[Unit]\nRequiresMountsFor=/vflag /vflag/node_modules\n");
  await mustDo(
    guest,
    "for unit in vflag-early vflag-late; do vflag render $unit.service --program /usr/local/bin/vflag > /etc/systemd/system/$unit.service; done; " +
      "systemctl daemon-reload && systemd-analyze verify vflag-early.service vflag-late.service && systemctl enable -q vflag-early vflag-late docker",
  );

  for (const time of ["first", "second"]) {
    await reboot(guest);
    const { code, output } = await say(guest, "vflag verify");
    report(code === 0 && /data {2}vf-lag {2}works/.test(output), `after the ${time} boot VF-LAG works, without a hand`, output);
    await ordered(guest, report);
  }

  await say(guest, "systemctl disable -q vflag-early");
  await mustDo(
    guest,
    "sed -i 's/^Before=network-pre.target shutdown.target/Before=shutdown.target/; s/^After=local-fs.target/After=network-online.target local-fs.target/; s/^Wants=network-pre.target/Wants=network-online.target/' /etc/systemd/system/vflag-early.service && systemctl daemon-reload && systemctl enable -q vflag-early",
  );
  await reboot(guest);
  const wrong = await say(guest, "vflag verify");
  report(
    wrong.code === 2 && /not-in-bond/.test(wrong.output),
    "negative control: with the early unit after networking, verify says that the ports were bonded too early",
    wrong.output,
  );
  const reachable = await say(guest, "ip -br addr show mgmt0; ip -br link show bond0");
  report(reachable.code === 0 && /10\.0\.2\.15/.test(reachable.output), "and the host is reachable all the same", reachable.output);
}

/** The order, from systemd's own clock: when each unit began and when it was done. */
async function ordered(guest: Guest, report: Report): Promise<void> {
  const units = [
    "vflag-early.service",
    "network-pre.target",
    "networking.service",
    "network-online.target",
    "vflag-late.service",
    "docker.service",
  ];
  const { output } = await say(
    guest,
    `systemctl show -p Id,InactiveExitTimestampMonotonic,ActiveEnterTimestampMonotonic ${units.join(" ")}`,
  );
  const times = new Map(
    output.split(/\n\s*\n/).map((block) => {
      const value = (key: string) => new RegExp(`^${key}=(.*)$`, "m").exec(block)?.[1] ?? "";
      return [
        value("Id"),
        { begun: Number(value("InactiveExitTimestampMonotonic")), done: Number(value("ActiveEnterTimestampMonotonic")) },
      ];
    }),
  );
  const shown = units.map((unit) => `${unit} ${seconds(times.get(unit)?.begun)} to ${seconds(times.get(unit)?.done)}`).join(", ");
  for (const [before, after] of units.slice(1).map((unit, index) => [units[index] ?? "", unit] as const)) {
    const done = times.get(before)?.done ?? 0;
    const begun = times.get(after)?.begun ?? 0;
    report(done > 0 && begun >= done, `${before} is done before ${after} begins`, shown);
  }
  process.stdout.write(`       ${shown}\n`);
}

function seconds(microseconds: number | undefined): string {
  return microseconds === undefined || microseconds === 0 ? "never" : `${(microseconds / 1e6).toFixed(2)} s`;
}
