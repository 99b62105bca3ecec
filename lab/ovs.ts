import { bonded, data, early, type Fault, late, powerOn, prove, type Step } from "./faults.ts";
import { mustDo, type Report, say, write } from "./operate.ts";
import type { Guest } from "./running.ts";
import type { Task } from "./task.ts";

/**
 * Open vSwitch around VF-LAG on a real kernel, with Debian's programs: what is off is named, put right, and
 * seen to be right; it is restarted only when vflag was told to. First on the host, then with ovs-vswitchd in
 * a container.
 */
export const ovs: readonly Task[] = [{ title: "open vswitch", guest: { nic: "connectx" }, run: openVswitch }];

const container = "openvswitch_vswitchd";
const native = `${data}ovs: {}\n`;
const contained = `${data}ovs: {engine: podman, container: ${container}}\n`;

const set = (key: string, value: string) => `ovs-vsctl set Open_vSwitch . other_config:${key}=${value}`;
const restarted = "systemctl restart openvswitch-switch";
/** A bridge to the outside with the bond, and Nova's with the representors. */
const bridges: Step = {
  command: [
    "ovs-vsctl --if-exists del-br br-ex -- --if-exists del-br br-int",
    "ovs-vsctl add-br br-ex -- add-port br-ex bond0 -- add-br br-int",
    "for port in $(ls -d /sys/class/net/enp1s0f?npf?vf? | xargs -n 1 basename); do ovs-vsctl add-port br-int $port; done",
    "ip link set br-ex up",
  ].join(" && "),
};
const notTold: Step = { command: `ovs-vsctl clear Open_vSwitch . other_config && ${restarted}` };
const finds = (...shows: readonly RegExp[]): Step => ({ command: "vflag verify", exit: 2, shows });
const puts = (...shows: readonly RegExp[]): Step => ({ command: "vflag apply --restart-ovs; true", shows });
const counts: Step = {
  command: "ovs-appctl upcall/show",
  shows: [/system@ovs-system:[\s\S]*offloaded flows : \d+/],
};

const onTheHost: Fault = {
  name: "Open vSwitch on the host",
  spec: native,
  steps: [
    powerOn(),
    early,
    bonded(),
    late,
    notTold,
    bridges,
    { command: "vflag init", shows: [/^ovs: .*\n {2}hwOffload: true$/m] },
    finds(/ovs-hw-offload {2}Open vSwitch: hw-offload off/, /does not work: Open vSwitch: hw-offload off/),
    { command: "vflag plan", exit: 2, shows: [/ovs-vsctl set Open_vSwitch \. other_config:hw-offload=true/] },
    // Without --restart-ovs the daemon stays, whatever is left to be done.
    {
      command:
        "before=$(cat /run/openvswitch/ovs-vswitchd.pid); vflag apply; test $before = $(cat /run/openvswitch/ovs-vswitchd.pid) && echo same",
      shows: [/^same$/m],
    },
    { command: "ovs-vsctl get Open_vSwitch . other_config:hw-offload", shows: [/^"true"$/m] },
    counts,
    // What comes of the restart is Open vSwitch's affair: docs/openvswitch.md tells what was seen here.
    puts(/ovs-ingress-blocks {2}systemctl restart openvswitch-switch\.service/),
    { command: "ovs-appctl version" },
    { command: set("tc-policy", "skip_hw") },
    finds(/ovs-tc-policy {2}Open vSwitch: tc-policy skip_hw/),
    puts(),
    { command: "ovs-vsctl get Open_vSwitch . other_config:tc-policy", shows: [/none/] },
    {
      command: "ovs-vsctl add-port br-int enp1s0f0npf0vf99; vflag verify; true",
      shows: [/! ovs-stale-ports {2}enp1s0f0npf0vf99 in br-int: could not open/],
    },
    { command: "vflag apply; true", shows: [/ovs-vsctl --if-exists del-port br-int enp1s0f0npf0vf99/] },
    { command: "ovs-vsctl list-ports br-int | grep -c vf99", exit: 1, shows: [/^0$/m] },
    { command: "ip link set br-ex down; vflag verify; true", shows: [/! ovs-bridge-up {2}br-ex: down/] },
    {
      command: "ip link set br-ex up; ovs-vsctl del-port br-ex bond0; vflag verify; true",
      shows: [/! ovs-bridge {2}bond0: in no bridge/],
    },
    {
      command: "ip link add br-lan type bridge; ip link set bond0 master br-lan; vflag verify",
      exit: 2,
      shows: [/bond0: in the Linux bridge br-lan/],
    },
    { command: "ip link set bond0 nomaster; ip link del br-lan; ovs-vsctl add-port br-ex bond0" },
    // The database goes with it, in Debian's units: it comes back alone.
    { command: "systemctl stop ovs-vswitchd; sleep 2; systemctl start ovsdb-server" },
    finds(/does not work: Open vSwitch: ovs-vswitchd does not answer/),
    { command: "systemctl start openvswitch-switch ovs-vswitchd && ovs-appctl version" },
  ],
};

const inAContainer: Fault = {
  name: "ovs-vswitchd in a container",
  spec: contained,
  steps: [
    { command: "ovs-vsctl clear Open_vSwitch . other_config; podman restart openvswitch_vswitchd; sleep 2" },
    finds(/Open vSwitch in podman's container openvswitch_vswitchd: hw-offload off/),
    {
      command: "vflag plan",
      exit: 2,
      shows: [/podman exec openvswitch_vswitchd ovs-vsctl set Open_vSwitch/],
    },
    puts(/podman exec openvswitch_vswitchd ovs-vsctl set/),
    {
      command: "podman exec openvswitch_vswitchd ovs-vsctl get Open_vSwitch . other_config:hw-offload",
      shows: [/"?true"?/],
    },
    {
      command: `sed -i s/${container}/nosuch/ /etc/vflag/vflag.yaml; vflag verify`,
      exit: 2,
      shows: [/does not work: Open vSwitch: not found/],
    },
  ],
};

async function openVswitch(guest: Guest, report: Report): Promise<void> {
  await prove(guest, onTheHost, report);
  // The database goes with it, in Debian's units.
  await mustDo(guest, "systemctl stop ovs-vswitchd; sleep 2; systemctl start ovsdb-server");
  report(true, `the container is run by ${await startContainer(guest)}`);
  await prove(guest, inAContainer, report);
}

/**
 * ovs-vswitchd as Kolla runs it: privileged, in the host's network and process namespaces, with
 * /run/openvswitch from the host. Its root is the guest's own, for the guest has no registry to take an image
 * from.
 */
async function startContainer(guest: Guest): Promise<string> {
  const options = `--privileged --network host --pid host -v /run/openvswitch:/run/openvswitch --rootfs /run/ovs-root`;
  const daemon = "ovs-vswitchd unix:/run/openvswitch/db.sock --pidfile";
  const run = `mkdir -p /run/ovs-root && mount --bind / /run/ovs-root && podman run -d --name ${container} ${options} ${daemon}`;
  const { code, output } = await say(
    guest,
    `${run} && sleep 2 && podman exec ${container} ovs-appctl version`,
  );
  if (code === 0) return "podman";
  await write(guest, "/usr/local/bin/podman", standIn);
  await mustDo(guest, "chmod +x /usr/local/bin/podman && podman restart openvswitch_vswitchd && sleep 2");
  return `a stand-in, because podman cannot: ${output.trim().split("\n").at(-1)}`;
}

/** Three of podman's commands for one container that has the guest's own root: inspect, exec, restart. */
const standIn = `#!/bin/sh
case "$1" in
container)
  for name; do :; done
  [ "$name" = ${container} ] && echo true && exit
  echo "Error: inspecting object: no such container $name" >&2
  exit 125
  ;;
exec)
  shift 2
  exec "$@"
  ;;
restart)
  [ -e /run/openvswitch/ovs-vswitchd.pid ] && kill "$(cat /run/openvswitch/ovs-vswitchd.pid)" && sleep 1
  exec ovs-vswitchd unix:/run/openvswitch/db.sock --pidfile --detach --log-file
  ;;
esac
`;
