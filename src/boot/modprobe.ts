import { driversByModule } from "../drivers/registry.ts";
import { type Artefact, madeByVflag } from "./artefact.ts";

/**
 * The options by which a driver makes VFs when it is loaded that has no other way. The host drives all of
 * them, because Nova and Neutron know VFs by their netdevs.
 */
export const modprobeOptions: Artefact = {
  name: "vflag.conf",
  path: "/etc/modprobe.d/vflag.conf",
  summary: "options of mlx4_core that make the VFs of a ConnectX-3",
  reload: null,
  needsPorts: false,
  text: ({ spec }) => {
    const vfs = Math.max(
      0,
      ...spec.nics.filter((nic) => nic.persistence === "modprobe").map((nic) => nic.vfs),
    );
    if (vfs === 0) return null;
    return [
      madeByVflag,
      "# Read when mlx4_core is loaded; it counts for every ConnectX-3 of the host. Where the initramfs " +
        "loads the driver,",
      "# make it anew: update-initramfs -u (Debian, Ubuntu), dracut --force (RHEL, Rocky, SUSE).",
      ...driversByModule.map(({ name, words }) => `options ${name} ${words(vfs)}`),
      "",
    ].join("\n");
  },
};
