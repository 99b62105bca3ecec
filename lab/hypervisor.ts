import { mustDo } from "./operate.ts";
import type { Guest } from "./running.ts";

/**
 * What the guests of the boot, kill and power tests have in common: a spec of VF-LAG on the first card, and
 * vflag's units.
 */

/**
 * A guest with one processor has one channel a port, so there are none to set. @param more further lines of
 * the NIC, each indented by four
 */
export function vfLagSpec(vfs: number, more: readonly string[] = []): string {
  return `version: 1
nics:
  - name: data
    mode: vf-lag
    ports: [enp1s0f0np0, enp1s0f1np1]
    vfs: ${vfs}
    bond: bond0
    vfSettings: {mac: "02:5d:00:00:{port}:{vf}"}
${more.map((line) => `    ${line}\n`).join("")}`;
}

/**
 * Stands in for docker: something that comes after the late stage, also where that fails. It does what the
 * shell line says.
 */
export function dockerLike(line: string): string {
  return `[Unit]
After=network-online.target
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh -c '${line}'
[Install]
WantedBy=multi-user.target
`;
}

/**
 * Installs vflag's two units as `vflag render` gives them, and enables them with the stand-in for docker and
 * what else is named. systemd reads them at the next boot, or when it is told to.
 */
export async function installUnits(guest: Guest, others: readonly string[] = []): Promise<void> {
  await mustDo(
    guest,
    [
      "for unit in vflag-early vflag-late; do vflag render $unit.service --program $(readlink -f /usr/local/bin/vflag) > /etc/systemd/system/$unit.service; done",
      `systemctl enable --no-reload -q ${["vflag-early", "vflag-late", "docker", ...others].join(" ")}`,
    ].join(" && "),
  );
}
