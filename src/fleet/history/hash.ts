/** What a text is known by: twenty bytes of its SHA-256. */
export function hashOf(text: string | Uint8Array): Buffer {
  hash ??= process.getBuiltinModule("node:crypto").hash;
  return hash("sha256", text, "buffer").subarray(0, 20);
}

/** Loaded when it is needed: a startup snapshot cannot hold it. */
let hash: typeof import("node:crypto").hash | undefined;
