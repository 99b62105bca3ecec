import * as z from "zod";
import { type AttributeRegistry, readRegistry } from "../bios/registry.ts";
import { RedfishError } from "./error.ts";
import { linkOf, membersOf } from "./links.ts";
import type { Session } from "./session.ts";

/** So many files of registries are looked through. */
const mostFiles = 64;

const Place = z.object({
  Language: z.string().nullish().catch(null),
  // The first version of the schema had a link there.
  Uri: z.union([z.string(), z.object({ extref: z.string() }).transform(({ extref }) => extref)]).nullish(),
});
const File = z.object({
  Id: z.string().catch(""),
  Registry: z.string().nullish().catch(null),
  Location: z.array(z.unknown()).catch([]),
});
type File = z.infer<typeof File>;

/**
 * The attribute registry that a BIOS names. What keeps it from being read is a reason, not an error: what the
 * BIOS is set to is known all the same. Source: DMTF DSP0266, "Registries"; MessageRegistryFile.v1_1, which
 * attribute registries use too.
 */
export async function findRegistry(
  session: Session,
  name: unknown,
): Promise<AttributeRegistry | { readonly problem: string }> {
  if (typeof name !== "string" || name === "") return { problem: "the BIOS names none" };
  const shown = session.hide(name).slice(0, 200);
  try {
    const collection = linkOf(session.root, "Registries");
    if (collection === null) return { problem: "the service has no registries" };
    const file = await fileOf(session, collection, name);
    if (file === null) return { problem: `the service has none that is called ${shown}` };
    const uri = uriOf(file);
    if (uri === null) return { problem: `the service does not hold ${shown} itself` };
    return readRegistry((await session.get(uri)).data);
  } catch (error) {
    if (!(error instanceof RedfishError) || !["answer", "missing", "refused"].includes(error.failure))
      throw error;
    return { problem: error.message };
  }
}

/** Those first whose path looks right: a BMC takes a second for each. */
async function fileOf(session: Session, collection: string, name: string): Promise<File | null> {
  const members = membersOf((await session.get(collection)).data).slice(0, mostFiles);
  const nearness = (path: string) =>
    path.includes(name) ? 0 : path.includes(baseOf(name)) ? 1 : /bios|attribute/i.test(path) ? 2 : 3;
  const near: File[] = [];
  for (const path of members.toSorted((one, other) => nearness(one) - nearness(other))) {
    const file = File.safeParse((await session.get(path)).data).data;
    if (file === undefined) continue;
    const names = [file.Registry ?? "", file.Id];
    if (names.some((each) => versioned(each) === versioned(name))) return file;
    if (names.some((each) => baseOf(each) === baseOf(name))) near.push(file);
  }
  // A service may name another version than it has: with one only there is no doubt which is meant.
  return near.length === 1 ? (near[0] ?? null) : null;
}

/** `Name.v1_0_3` and `Name.1.0.3` are the same. */
function versioned(name: string): string {
  return name.replace(/\.v?(\d+)[._](\d+)[._](\d+)$/, ".$1.$2.$3");
}

function baseOf(name: string): string {
  return versioned(name).replace(/(?:\.\d+){1,3}$/, "");
}

/** Its English text, which has the names that the table and people know; else the service's own choice. */
function uriOf({ Location: places }: File): string | null {
  const found = places.flatMap((place) => Place.safeParse(place).data ?? []);
  const usable = found.filter(({ Uri: uri }) => typeof uri === "string");
  const best =
    usable.find(({ Language: language }) => /^en\b/i.test(language ?? "")) ??
    usable.find(({ Language: language }) => language == null || language === "default") ??
    usable[0];
  return best?.Uri ?? null;
}
