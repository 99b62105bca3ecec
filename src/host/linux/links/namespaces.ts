import { closeSync, openSync, statSync } from "node:fs";
import { join } from "node:path";
import { getDriverInfo, openNetlink } from "../../../netlink/index.ts";
import { listNames, readText } from "../system/sysfs.ts";

/** A network namespace other than ours. */
export interface Namespace {
  /** In words: `blue`, or `of process 4711 (nginx)` for one that `ip netns` does not know. */
  readonly name: string;
  /** A file that stands for it. */
  readonly path: string;
  /** A process in it, for one without a name. */
  readonly pid?: number;
}

/**
 * The network namespaces of this host, each once: those with a name (`ip netns`), then those of processes.
 */
export function listNamespaces(runRoot: string, procRoot: string): Namespace[] {
  const seen = new Set([inodeOf(join(procRoot, "thread-self/ns/net"))]);
  const fresh = (path: string) => {
    const inode = inodeOf(path);
    if (inode === null || seen.has(inode)) return false;
    seen.add(inode);
    return true;
  };
  const named = listNames(join(runRoot, "netns")).map((name) => ({
    name,
    path: join(runRoot, "netns", name),
  }));
  const ofProcesses = listNames(procRoot)
    .filter((pid) => /^\d+$/.test(pid))
    .map((pid) => ({ name: pid, path: join(procRoot, pid, "ns/net") }));
  return [
    ...named.filter(({ path }) => fresh(path)),
    ...ofProcesses
      .filter(({ path }) => fresh(path))
      .map(({ name, path }) => ({
        name: `of process ${name} (${readText(join(procRoot, name, "comm")) ?? "?"})`,
        path,
        pid: Number(name),
      })),
  ];
}

/**
 * The PCI devices of the netdevs in a network namespace. Needs CAP_SYS_ADMIN. Throws NetlinkError, or Error.
 */
export function devicesIn({ path }: Namespace): string[] {
  return inNamespace(path, () => {
    using netlink = openNetlink();
    return netlink.route.listLinks().flatMap((link) => {
      if (link.parent !== null) return [link.parent.device];
      return link.kind === null ? (busOf(link.name) ?? []) : [];
    });
  });
}

/** Kernels before 5.14 do not tell the device in the dump, and sysfs shows only our own namespace. */
function busOf(name: string): string | null {
  try {
    return getDriverInfo(name).bus;
  } catch {
    return null;
  }
}

const CLONE_NEWNET = 0x4000_0000;

/**
 * Does something in another network namespace. It must be synchronous: only this thread is there, and only
 * until it returns, so that nothing else runs there. A thread that cannot come back would act on the wrong
 * host: it ends the process.
 */
function inNamespace<T>(path: string, action: () => T): T {
  const { dlopen } = process.getBuiltinModule("node:ffi");
  const { setns } = dlopen(null, { setns: { arguments: ["i32", "i32"], return: "i32" } }).functions;
  const home = openSync("/proc/thread-self/ns/net", "r");
  try {
    const there = openSync(path, "r");
    try {
      if (setns(there, CLONE_NEWNET) !== 0)
        throw new Error(`the network namespace ${path} cannot be entered`);
    } finally {
      closeSync(there);
    }
    try {
      return action();
    } finally {
      if (setns(home, CLONE_NEWNET) !== 0) process.abort();
    }
  } finally {
    closeSync(home);
  }
}

/** Null for a process that has ended, or that may not be looked at. */
function inodeOf(path: string): number | null {
  try {
    return statSync(path).ino;
  } catch {
    return null;
  }
}
