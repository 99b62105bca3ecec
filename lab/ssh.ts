import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { type ExecOptions, type ExecResult, run } from "./exec.ts";

/** How to reach a guest. */
export interface Access {
  readonly folder: string;
  readonly sshPort: number;
  readonly privateKey: string;
  /** The environment in which ssh is found. */
  readonly env: Readonly<Record<string, string>>;
}

/** Quotes an argument for the guest's shell: ssh knows lines only, not argument vectors. */
function quote(argument: string): string {
  return /^[\w@%+=:,./-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", `'\\''`)}'`;
}

function sshArguments(access: Access, ...extra: readonly string[]): string[] {
  const options = {
    StrictHostKeyChecking: "no",
    UserKnownHostsFile: "/dev/null",
    IdentitiesOnly: "yes",
    LogLevel: "ERROR",
    ControlMaster: "auto",
    // Relative: the folder's path may be too long for a socket.
    ControlPath: "ssh",
    ControlPersist: "yes",
    ConnectTimeout: "20",
  };
  return [
    "ssh",
    "-F",
    "none",
    "-i",
    access.privateKey,
    "-p",
    String(access.sshPort),
    ...Object.entries(options).flatMap(([name, value]) => ["-o", `${name}=${value}`]),
    ...extra,
    "root@127.0.0.1",
  ];
}

/** Runs a command in the guest: one string is a line for its shell, more are an argument vector. */
export function runInGuest(
  access: Access,
  command: readonly string[],
  options: ExecOptions = {},
): Promise<ExecResult> {
  const line = command.length === 1 ? command.join("") : command.map(quote).join(" ");
  return run([...sshArguments(access), "--", line], { ...options, cwd: access.folder, env: access.env });
}

/** A shell in the guest, on this terminal. */
export function shellInGuest(access: Access): Promise<ExecResult> {
  return run(sshArguments(access, "-t"), { cwd: access.folder, env: access.env, output: "inherit" });
}

/** Ends the kept connection. */
export async function closeConnection(access: Access): Promise<void> {
  await run(sshArguments(access, "-O", "exit"), { cwd: access.folder, env: access.env, timeout: 5000 });
}

/** Waits for the ssh server's greeting; QEMU itself accepts connections from the start. */
export async function waitForSsh(port: number, alive: () => boolean, timeout: number): Promise<void> {
  const end = performance.now() + timeout;
  while (performance.now() < end) {
    if (!alive()) throw new Error("QEMU has ended");
    if (await greeted(port)) return;
    await sleep(200);
  }
  throw new Error(`no ssh server after ${timeout / 1000} s`);
}

function greeted(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: "127.0.0.1", port, timeout: 5000 });
    const answer = (yes: boolean): void => {
      socket.destroy();
      resolve(yes);
    };
    socket.on("data", () => answer(true));
    socket.on("error", () => answer(false));
    socket.on("close", () => answer(false));
    socket.on("timeout", () => answer(false));
  });
}
