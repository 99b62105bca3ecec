import { brotliDecompressSync, gunzipSync, inflateSync } from "node:zlib";
import * as z from "zod";
import { plainText } from "../host/plain-text.ts";
import { excessOfJson } from "../host/schema/state-limits.ts";
import type { HttpAnswer } from "./connection.ts";
import { RedfishError, type RedfishFailure } from "./error.ts";

/** What services answer, as text and values. */

/** A member of what a service sends: it is looked into only by schemas. */
export type JsonObject = Readonly<Record<string, unknown>>;

const unpackers: Readonly<Record<string, (bytes: Buffer, options: { maxOutputLength: number }) => Buffer>> = {
  gzip: gunzipSync,
  "x-gzip": gunzipSync,
  deflate: inflateSync,
  br: brotliDecompressSync,
};

/**
 * The object in an answer. HPE's registries come packed, whether that was asked for or not.
 * @param most bytes, unpacked
 */
export function jsonOf(
  { headers, body }: Pick<HttpAnswer, "headers" | "body">,
  what: string,
  most: number,
): JsonObject {
  const bytes = unpacked(body, headers["content-encoding"], what, most);
  const excess = excessOfJson(bytes);
  if (excess !== null) throw new RedfishError("answer", `${what}: its answer is too large: ${excess}`);
  let data: unknown;
  try {
    data = JSON.parse(bytes.toString("utf8").replace(/^\ufeff/, ""));
  } catch (error) {
    throw new RedfishError("answer", `${what}: its answer is no JSON: is this a Redfish service?`, null, {
      cause: error,
    });
  }
  if (typeof data === "object" && data !== null && !Array.isArray(data)) return { ...data };
  throw new RedfishError("answer", `${what}: its answer is no object`);
}

function unpacked(body: Buffer, encoding: string | undefined, what: string, most: number): Buffer {
  const named = encoding?.trim().toLowerCase() ?? "identity";
  // A registry that is a file (.gz) says nothing in its headers.
  const isPacked = named === "identity" && body[0] === 0x1f && body[1] === 0x8b;
  const unpack = isPacked ? gunzipSync : unpackers[named];
  if (unpack === undefined) {
    if (named === "identity" || named === "") return body;
    throw new RedfishError(
      "answer",
      `${what}: its answer is packed as ${plainText(named).slice(0, 40)}, which vflag does not know`,
    );
  }
  try {
    return unpack(body, { maxOutputLength: most });
  } catch (error) {
    const large = error instanceof Error && "code" in error && error.code === "ERR_BUFFER_TOO_LARGE";
    const words = large ? `has more than ${most / 1024 / 1024} MiB unpacked` : "cannot be unpacked";
    throw new RedfishError("answer", `${what}: its answer ${words}`, null, { cause: error });
  }
}

const Message = z.object({
  MessageId: z.string().nullish().catch(null),
  Message: z.string().nullish().catch(null),
  Severity: z.string().nullish().catch(null),
  MessageSeverity: z.string().nullish().catch(null),
  Resolution: z.string().nullish().catch(null),
});

const extended = "@Message.ExtendedInfo";
const mostMessages = 8;

/**
 * What an answer says beside its values: in `error`, at the object itself, or at a property. What says that
 * all went well is left out. Source: DMTF DSP0266, "Error responses" and "Extended object and property
 * information".
 */
export function messagesIn(data: JsonObject): string[] {
  const error = isObject(data["error"]) ? data["error"] : {};
  const annotated = [error, data, isObject(data["Attributes"]) ? data["Attributes"] : {}].flatMap((holder) =>
    Object.entries(holder).flatMap(([key, value]) =>
      key.endsWith(extended) && Array.isArray(value) ? value : [],
    ),
  );
  const told = annotated.flatMap((entry: unknown): string[] => {
    const { data: message } = Message.safeParse(entry);
    if (message === undefined || isGood(message)) return [];
    const { Message: text, MessageId: id, Resolution: resolution } = message;
    const words = [text ?? id ?? "", resolution == null || /^none\.?$/i.test(resolution) ? "" : resolution];
    const line = plainText(words.filter((word) => word !== "").join(" ")).slice(0, 400);
    return line === "" ? [] : [line];
  });
  const own =
    typeof error["message"] === "string" && told.length === 0
      ? [plainText(error["message"]).slice(0, 400)]
      : [];
  return [...new Set([...told, ...own])].slice(0, mostMessages);
}

function isGood({
  MessageId: id,
  Severity: severity,
  MessageSeverity: newer,
}: z.infer<typeof Message>): boolean {
  const weight = newer ?? severity;
  return weight === "OK" || (weight == null && /\.(?:Success|NoOperation)$/i.test(id ?? ""));
}

/** Throws what an answer that is no success means. @param hide takes secrets out of a text */
export function refuseFailure(
  answer: HttpAnswer,
  what: string,
  most: number,
  hide: (text: string) => string,
): void {
  const { status } = answer;
  if (status >= 200 && status < 300) return;
  const said = saidIn(answer, what, most).map(hide).join("; ");
  const words = statusWords[status] ?? "refused";
  throw new RedfishError(
    failureFor(status),
    `${what}: ${words} (HTTP ${status})${said === "" ? "" : `: ${said}`}`,
    status,
  );
}

function saidIn(answer: HttpAnswer, what: string, most: number): string[] {
  try {
    return messagesIn(jsonOf(answer, what, most));
  } catch {
    return [];
  }
}

function failureFor(status: number): RedfishFailure {
  if (status === 401 || status === 403) return "denied";
  if (status === 404 || status === 410) return "missing";
  return status === 409 || status === 412 || status === 428 ? "changed" : "refused";
}

const statusWords: Readonly<Record<number, string>> = {
  400: "the service did not take it",
  401: "user name or password is wrong, or the session is over",
  403: "this user may not do it",
  404: "there is no such resource",
  405: "the service does not offer it",
  409: "something else is under way",
  412: "it was changed by somebody else meanwhile: run vflag again, which looks at it again",
  428: "the service wants to know which state it is about, and gave no ETag for it",
  500: "the service failed",
  503: "the service is busy: try again later",
};

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
