/** Fields whose texts are vflag's own words, and are read on. */
const own = new Set(["host", "feature", "features", "answer", "standing", "shows", "vendor"]);

/**
 * A copy of plain data in which no text that a service may have sent has the secret in it, wherever it was
 * put.
 */
export function withoutSecret<T>(data: T, secret: string): T {
  const copy = { data: structuredClone(data) };
  hideIn(copy, secret);
  return copy.data;
}

function hideIn(holder: object, secret: string): void {
  for (const [key, value] of Object.entries(holder)) {
    if (
      own.has(key) &&
      (typeof value === "string" || (Array.isArray(value) && value.every((each) => typeof each === "string")))
    )
      continue;
    const name = Array.isArray(holder) ? key : hidden(key, secret);
    if (name !== key) Reflect.deleteProperty(holder, key);
    if (name !== key || typeof value === "string")
      Reflect.set(holder, name, typeof value === "string" ? hidden(value, secret) : value);
    if (typeof value === "object" && value !== null) hideIn(value, secret);
  }
}

/** A text without the secret. */
export function hidden(text: string, secret: string): string {
  return secret === "" ? text : text.replaceAll(secret, "(hidden)");
}
