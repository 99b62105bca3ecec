/** What a text is known by: twenty bytes of its SHA-256. */
export function hashOf(text: string | Uint8Array): Buffer {
  crypto ??= process.getBuiltinModule("node:crypto");
  return crypto.hash("sha256", text, "buffer").subarray(0, 20);
}

let crypto: typeof import("node:crypto") | undefined;
