import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { readText } from "../system/sysfs.ts";

/** A container, by the control group of its processes. */
export interface Container {
  /** Null where only its id is seen. */
  readonly engine: string | null;
  readonly id: string;
  readonly name: string | null;
}

const engines: Readonly<Record<string, string>> = {
  docker: "docker",
  libpod: "podman",
  "cri-containerd": "containerd",
  crio: "cri-o",
  lxc: "lxc",
};

/** Files larger than this are not read for a name. */
const mostBytes = 16 * 1024 * 1024;

/**
 * The container of a process: `/docker/ID`, `docker-ID.scope`, `libpod-ID.scope`,
 * `kubepods/.../cri-containerd-ID.scope`, `lxc.payload.NAME`. Null for a process of the host. Docker's and
 * podman's names stand in their own files, so that neither has to be asked.
 */
export function containerOf(
  pid: number,
  { procRoot, filesRoot }: { readonly procRoot: string; readonly filesRoot: string },
): Container | null {
  const groups = (readText(`${procRoot}/${pid}/cgroup`) ?? "")
    .split("\n")
    .map((line) => line.replace(/^\d+:[^:]*:/, ""));
  for (const part of groups.flatMap((path) => path.split("/").toReversed())) {
    const lxc = /^lxc\.payload\.(.+)$/.exec(part)?.[1];
    if (lxc !== undefined) return { engine: "lxc", id: lxc, name: lxc };
    // conmon watches over a container of podman and CRI-O, and is not in it.
    const [, prefix, id] = /^(?:([a-z][a-z-]*?)-)?([0-9a-f]{64})(?:\.scope)?$/.exec(part) ?? [];
    if (id === undefined || prefix?.endsWith("conmon")) continue;
    const word =
      prefix ?? groups.map((path) => /\/(docker|lxc)\//.exec(path)?.[1]).find((found) => found !== undefined);
    const engine = word === undefined ? null : (engines[word] ?? word);
    return { engine, id, name: nameOf(engine, id, filesRoot) };
  }
  return null;
}

function nameOf(engine: string | null, id: string, filesRoot: string): string | null {
  if (engine === "docker") {
    const name = textAt(readJson(join(filesRoot, "var/lib/docker/containers", id, "config.v2.json")), "Name");
    return name === null ? null : name.replace(/^\//, "");
  }
  if (engine !== "podman") return null;
  const list = readJson(join(filesRoot, "var/lib/containers/storage/overlay-containers/containers.json"));
  const own = Array.isArray(list) ? list.find((each: unknown) => textAt(each, "id") === id) : undefined;
  const names: unknown = typeof own === "object" && own !== null && "names" in own ? own.names : null;
  const [first]: readonly unknown[] = Array.isArray(names) ? names : [];
  return typeof first === "string" ? first : null;
}

function textAt(value: unknown, key: string): string | null {
  if (typeof value !== "object" || value === null) return null;
  const found = Object.entries(value).find(([name]) => name === key)?.[1];
  return typeof found === "string" ? found : null;
}

function readJson(path: string): unknown {
  try {
    return statSync(path).size > mostBytes ? null : JSON.parse(readFileSync(path, "utf8"));
  } catch {
    return null;
  }
}
