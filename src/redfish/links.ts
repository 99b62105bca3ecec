import { isObject, type JsonObject } from "./answers.ts";

/** The path that a property leads to; null where there is none. */
export function linkOf(data: JsonObject, property: string): string | null {
  const value = data[property];
  const link = isObject(value) ? value["@odata.id"] : undefined;
  return typeof link === "string" && link !== "" ? link : null;
}

/** The paths of a collection's members. */
export function membersOf(collection: JsonObject): string[] {
  const members = collection["Members"];
  return Array.isArray(members)
    ? members.flatMap((member: unknown) => (isObject(member) ? (linkOf({ member }, "member") ?? []) : []))
    : [];
}

/** The last part of a path: a resource's id. */
export function idIn(path: string): string {
  return path.replace(/\/+$/, "").split("/").at(-1) ?? "";
}
