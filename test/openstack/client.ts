import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Debian's own. */
export const openstack = "/usr/bin/openstack";

/** Why the client cannot be asked here, for the skip option of a test; `false` where it can. */
export function withoutClient(): string | false {
  const there = spawnSync(openstack, ["--version"], { timeout: 60_000 }).status === 0;
  return there ? false : `no ${openstack}: apt-get install --no-install-recommends python3-openstackclient`;
}

/**
 * What stands for the client: it gives its arguments, folder, environment and outputs to the process that has
 * the client's code loaded.
 */
const front = `#!/usr/bin/python3 -IS
import json, os, socket, sys
connection = socket.socket(socket.AF_UNIX)
connection.connect(os.path.join(os.path.dirname(sys.argv[0]), "socket"))
asked = {"argv": sys.argv[1:], "cwd": os.getcwd(), "env": dict(os.environ)}
socket.send_fds(connection, [json.dumps(asked).encode() + b"\\n"], [1, 2])
answer = connection.recv(1)
sys.exit(answer[0] if answer else 1)
`;

/** The client, loaded once for many calls (openstack_client.py): the same code in a tenth of the time. */
export class LoadedClient implements Disposable {
  /** To be started in its place. */
  readonly program: string;
  readonly #folder: string;
  readonly #server: ChildProcess;

  private constructor(folder: string, server: ChildProcess) {
    this.#folder = folder;
    this.#server = server;
    this.program = join(folder, "openstack");
  }

  static async start(): Promise<LoadedClient> {
    const folder = mkdtempSync(join(tmpdir(), "vflag-client-"));
    const program = join(folder, "openstack");
    writeFileSync(program, front);
    chmodSync(program, 0o755);
    const script = join(import.meta.dirname, "openstack_client.py");
    const server = spawn("/usr/bin/python3", [script, join(folder, "socket")], {
      stdio: ["pipe", "pipe", "inherit"],
      env: { ...process.env, PYTHONDONTWRITEBYTECODE: "1" },
    });
    await Promise.race([
      once(server.stdout, "data"),
      once(server, "exit").then(([code]) => {
        throw new Error(`${script} ended with ${code}`);
      }),
    ]);
    return new LoadedClient(folder, server);
  }

  [Symbol.dispose](): void {
    this.#server.kill("SIGKILL");
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
