import { closeSync, openSync, readFileSync, readSync } from "node:fs";

/** linux/mman.h */
const MADV_DONTNEED = 4;

/**
 * Gives the memory back in which the startup snapshot was read: 12 MB of the executable's own file, which
 * nobody reads again once the heap is made of them. The pages are the file's and were never written, so the
 * kernel would read them again if anybody did. Where the executable is built in another way than expected,
 * nothing is done.
 */
export function releaseSnapshot(): void {
  try {
    const place = snapshotPlace(readFileSync("/proc/self/maps", "utf8"), process.execPath);
    if (place === null || !holdsSnapshot(process.execPath, place.offset)) return;
    const { dlopen } = process.getBuiltinModule("node:ffi");
    const { functions } = dlopen(null, { madvise: { arguments: ["u64", "u64", "i32"], return: "i32" } });
    functions.madvise(place.start, place.end - place.start, MADV_DONTNEED);
  } catch {
    // It is only about memory.
  }
}

/**
 * The mapping of a program's last part, which is read only: `start-end perms offset device inode path`, see
 * proc_pid_maps(5).
 */
export function snapshotPlace(
  maps: string,
  program: string,
): { start: bigint; end: bigint; offset: number } | null {
  const own = maps.split("\n").flatMap((line) => {
    const found = /^([0-9a-f]+)-([0-9a-f]+) (\S+) ([0-9a-f]+) \S+ \d+ +(.*)$/.exec(line);
    if (found === null || found[5] !== program) return [];
    return [
      {
        start: BigInt(`0x${found[1]}`),
        end: BigInt(`0x${found[2]}`),
        perms: found[3],
        offset: Number(`0x${found[4]}`),
      },
    ];
  });
  const last = own.toSorted((a, b) => a.offset - b.offset).at(-1);
  if (last === undefined || last.perms !== "r--p") return null;
  return { start: last.start, end: last.end, offset: last.offset };
}

/** Node's name of the note that has the snapshot stands in front of it. Source: Node's src/node_sea.h. */
function holdsSnapshot(program: string, offset: number): boolean {
  const file = openSync(program, "r");
  try {
    const beginning = Buffer.alloc(4096);
    readSync(file, beginning, 0, beginning.length, offset);
    return beginning.includes("NODE_SEA_BLOB");
  } finally {
    closeSync(file);
  }
}
