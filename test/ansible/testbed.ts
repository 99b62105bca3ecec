import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { vflag } from "../support/vflag.ts";
import { demoSpec, Workplace } from "./collection.ts";

/**
 * Test hosts: network namespaces, each with an sshd of its own and a simulated host's file, and one namespace
 * for Ansible, from which they are reached. All of it is inside a network, a mount and a process namespace of
 * this test's: the machine's own network is not touched, and with the first process in there everything is
 * gone.
 */

/** Why there can be none here, or false. */
export function noTestbed(): string | false {
  if (process.getuid?.() !== 0) return "network namespaces need root";
  const overlay =
    "mount -t tmpfs tmpfs /run && mkdir /run/u /run/w /run/r && mount -t overlay overlay -o lowerdir=/,upperdir=/run/u,workdir=/run/w /run/r";
  const words = [
    "--net",
    "--mount",
    "--pid",
    "--fork",
    "--mount-proc",
    "sh",
    "-c",
    `ip link set lo up && ${overlay}`,
  ];
  const tried = spawnSync("unshare", words, { encoding: "utf8" });
  return tried.status === 0
    ? false
    : `no namespaces of our own here: ${tried.stderr ?? tried.error?.message}`;
}

/**
 * $1: the folder, $2: this checkout, then the hosts' names. What a host writes outside of the folder is in
 * its own layer above the machine's files, so that packages are installed into it and not into the machine.
 */
const script = `
set -e
folder=$1; checkout=$2; shift 2
mount -t tmpfs tmpfs /run
ip link set lo up
number=0
for host in "$@"; do
  number=$((number + 1))
  ip netns add "$host"
  ip link add "to-$host" type veth peer name eth0 netns "$host"
  ip address add "192.0.2.$((4 * number + 1))/30" dev "to-$host"
  ip link set "to-$host" up
  ip -n "$host" link set lo up
  ip -n "$host" address add "192.0.2.$((4 * number + 2))/30" dev eth0
  ip -n "$host" link set eth0 up
  layers=/run/hosts/$host
  mkdir -p "$layers/upper" "$layers/work" "$layers/root"
  mount -t overlay overlay -o "lowerdir=/,upperdir=$layers/upper,workdir=$layers/work" "$layers/root"
  for shared in /proc /dev "$folder" "$checkout"; do
    mkdir -p "$layers/root$shared"
    mount --rbind "$shared" "$layers/root$shared"
  done
  mount -t tmpfs tmpfs "$layers/root/run"
  mkdir -p "$layers/root/run/sshd"
  ip netns exec "$host" chroot "$layers/root" /usr/sbin/sshd -f "$folder/sshd_config" -E "$folder/sshd-$host.log"
done
echo ready
# Until whoever holds the other end of this pipe is gone.
exec cat >/dev/null
`;

export class Testbed {
  readonly hosts: readonly string[];
  readonly workplace: Workplace;
  readonly #process: ChildProcess;
  readonly #inside: number;

  private constructor(workplace: Workplace, hosts: readonly string[], started: ChildProcess, inside: number) {
    this.workplace = workplace;
    this.hosts = hosts;
    this.#process = started;
    this.#inside = inside;
  }

  static async start(hosts: readonly string[]): Promise<Testbed> {
    const workplace = new Workplace();
    const { folder } = workplace;
    for (const name of ["host_key", "user_key"])
      await workplace.run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", workplace.path(name)]);
    workplace.write("authorized_keys", readFileSync(workplace.path("user_key.pub"), "utf8"));
    workplace.write(
      "sshd_config",
      `HostKey ${folder}/host_key\nAuthorizedKeysFile ${folder}/authorized_keys\nStrictModes no\nUsePAM no\nPidFile none\nUseDNS no\n` +
        "PasswordAuthentication no\nPermitRootLogin prohibit-password\nSubsystem sftp internal-sftp\n",
    );
    const namespaces = ["--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"];
    const started = spawn("unshare", [...namespaces, "sh", "-c", script, "sh", folder, checkout, ...hosts], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    const [said] = await Promise.race([once(started.stdout, "data"), once(started, "exit")]);
    if (!String(said).startsWith("ready")) throw new Error(`the test hosts did not start: ${said}`);
    const inside = Number(readFileSync(`/proc/${started.pid}/task/${started.pid}/children`, "utf8").trim());
    const testbed = new Testbed(workplace, hosts, started, inside);
    testbed.#writeInventory();
    return testbed;
  }

  #writeInventory(): void {
    const { workplace } = this;
    const vars = {
      ansible_user: "root",
      ansible_ssh_private_key_file: workplace.path("user_key"),
      ansible_ssh_common_args: "-o ConnectTimeout=20 -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR",
      ansible_python_interpreter: "/usr/bin/python3",
      ansible_remote_tmp: workplace.path("tmp-{{ inventory_hostname }}"),
      vflag_become: false,
      vflag_install: "none",
      vflag_package_file: workplace.path("vflag_0.1.0_all.deb"),
      vflag_target: workplace.path("{{ inventory_hostname }}.json"),
      vflag_networking_command: ["vflag", "simulate", "network", "{{ vflag_target }}"],
      vflag_drain: "none",
      vflag_drain_interval: 0.1,
      vflag_openstack_client: "/usr/bin/openstack",
      vflag: demoSpec,
    };
    const hosts = Object.fromEntries(
      this.hosts.map((host, index) => [host, { ansible_host: `192.0.2.${4 * (index + 1) + 2}` }]),
    );
    workplace.write("inventory.yml", { all: { vars, children: { compute: { hosts } } } });
  }

  /** The words that run a program where Ansible runs. */
  get enter(): readonly string[] {
    return ["nsenter", "--target", String(this.#inside), "--net", "--mount", "--pid", "--"];
  }

  async playbook(
    name: string,
    words: readonly string[] = [],
    extra: NodeJS.ProcessEnv = {},
  ): Promise<Played> {
    const [program = "", ...rest] = this.enter;
    const inventory = ["-i", this.workplace.path("inventory.yml")];
    const { status, output } = await this.workplace.run(
      program,
      [...rest, "/usr/bin/ansible-playbook", ...inventory, name, ...words],
      extra,
    );
    const recap = [
      ...output.matchAll(/^(\S+) +: ok=(\d+) +changed=(\d+) +unreachable=(\d+) +failed=(\d+)/gm),
    ];
    const counts = recap.map(([, host = "", , changed, unreachable, failed]) => [
      host,
      { changed: Number(changed), unreachable: Number(unreachable), failed: Number(failed) },
    ]);
    return { status, output, recap: Object.fromEntries(counts) };
  }

  /** A file as a host has written it; null where it has written none. */
  async read(host: string, path: string): Promise<string | null> {
    const [program = "", ...rest] = this.enter;
    const { status, output } = await this.workplace.run(program, [
      ...rest,
      "cat",
      `/run/hosts/${host}/upper${path}`,
    ]);
    return status === 0 ? output : null;
  }

  /**
   * A package as small as can be: the program is the one of this checkout. test/build/ installs the real
   * ones.
   */
  async buildPackage(): Promise<void> {
    const tree = this.workplace.path("package");
    mkdirSync(join(tree, "DEBIAN"), { recursive: true });
    mkdirSync(join(tree, "usr/bin"), { recursive: true });
    symlinkSync(vflag, join(tree, "usr/bin/vflag"));
    const fields = [
      "Package: vflag",
      "Version: 0.1.0",
      "Architecture: all",
      "Maintainer: nobody <nobody@localhost>",
      "Description: for tests",
    ];
    writeFileSync(join(tree, "DEBIAN/control"), `${fields.join("\n")}\n`);
    const { status, output } = await this.workplace.run("dpkg-deb", [
      "--root-owner-group",
      "--build",
      tree,
      this.workplace.path("vflag_0.1.0_all.deb"),
    ]);
    if (status !== 0) throw new Error(output);
  }

  /** A command on the file of a simulated host. */
  async vflag(...words: readonly string[]): Promise<{ status: number; output: string }> {
    return this.workplace.run(vflag, words);
  }

  async stop(): Promise<void> {
    const ended = once(this.#process, "exit");
    // --kill-child kills the first process in there, and the kernel the rest.
    this.#process.kill("SIGKILL");
    await ended;
    this.workplace.remove();
  }
}

export interface Played {
  readonly status: number;
  readonly output: string;
  readonly recap: {
    readonly [host: string]: { changed: number; unreachable: number; failed: number } | undefined;
  };
}

const checkout = join(import.meta.dirname, "../..");
