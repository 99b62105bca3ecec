import { type Artefact, madeByVflag } from "./artefact.ts";

/**
 * The options by which a ConnectX-3's driver makes its VFs when it is loaded: it has no other way.
 *
 * One value of `num_vfs` is the number of VFs that have both ports; three would be port 1, port 2, both. `probe_vf` is how many
 * of them the host itself drives: all, because Nova and Neutron know VFs by their netdevs. Port type 2 is Ethernet.
 * The options count for every card of the host: there is no list by card in the kernel's own driver.
 * Source: linux drivers/net/ethernet/mellanox/mlx4/main.c, num_vfs, probe_vf, port_type_array and __mlx4_init_one().
 */
export const modprobeOptions: Artefact = {
  name: "vflag.conf",
  path: "/etc/modprobe.d/vflag.conf",
  summary: "options of mlx4_core that make the VFs of a ConnectX-3",
  reload: null,
  needsPorts: false,
  text: ({ spec }) => {
    const vfs = Math.max(0, ...spec.nics.filter((nic) => nic.persistence === "modprobe").map((nic) => nic.vfs));
    if (vfs === 0) return null;
    return [
      madeByVflag,
      "# Read when mlx4_core is loaded; it counts for every ConnectX-3 of the host. Where the initramfs loads the driver,",
      "# make it anew: update-initramfs -u (Debian, Ubuntu), dracut --force (RHEL, Rocky, SUSE).",
      `options mlx4_core port_type_array=2,2 num_vfs=${vfs} probe_vf=${vfs}`,
      "",
    ].join("\n");
  },
};
