import { setTimeout } from "node:timers/promises";
import type { AttributeValues } from "../bios/dependencies.ts";
import type { ChangeRequest } from "../bios/plan.ts";
import type { BiosSurvey, SettingsResource, SystemIdentity } from "../bios/survey.ts";
import { isObject, type JsonObject, messagesIn } from "./answers.ts";
import { RedfishError } from "./error.ts";
import { findRegistry } from "./find-registry.ts";
import { idIn, linkOf, membersOf } from "./links.ts";
import type { Session } from "./session.ts";

/** The BIOS of a system, as DMTF's Bios.v1_2 and Settings.v1_3 have it. */

/**
 * Reads what a BIOS is set to, what is pending, and its registry.
 * @param name the system's id; null: there is only one
 */
export async function surveyBios(session: Session, name: string | null): Promise<BiosSurvey> {
  const path = await systemPath(session, name);
  const system = (await session.get(path)).data;
  const link = linkOf(system, "Bios");
  if (link === null)
    throw new RedfishError(
      "missing",
      `${path}: the service shows no BIOS of it: its firmware is too old, or lacks a licence for it`,
    );
  const bios = await session.get(link);
  const attributes = valuesOf(bios.data);
  if (attributes === null) throw new RedfishError("answer", `GET ${link}: there are no Attributes in it`);
  return {
    system: identityOf(session, path, system),
    attributes,
    settings: await settingsOf(session, link, bios),
    registry: await findRegistry(session, bios.data["AttributeRegistry"]),
  };
}

/** What came of a request for a change. */
export interface ChangeOutcome {
  /** Asked for, and not seen as pending afterwards. */
  readonly unseen: readonly string[];
  /** Whether the service shows at all what is pending. */
  readonly shown: boolean;
  /** Why it could not be seen whether the change is pending; the service had taken it before. */
  readonly problem: string | null;
  readonly task: string | null;
  readonly remarks: readonly string[];
}

/**
 * How often, and how long apart in ms, it is looked whether the change is pending: a BMC may take its time.
 */
const usualLooks: readonly number[] = [0, 1000, 2000, 4000];

/** Asks for a change, and looks whether it is pending then. Nothing is reset by it. */
export async function changeBios(
  session: Session,
  { path, etag, body }: ChangeRequest,
  looks = usualLooks,
): Promise<ChangeOutcome> {
  const accepted = await session.patch(path, etag, body);
  const remarks = messagesIn(accepted.data).map((text) => session.hide(text));
  const task = accepted.task === null ? null : await taskText(session, accepted.task);
  const wanted = Object.entries(body.Attributes);
  let unseen = wanted.map(([name]) => name);
  let shown = false;
  let problem: string | null = null;
  for (const wait of looks) {
    await setTimeout(wait);
    try {
      const values = valuesOf((await session.get(path)).data);
      problem = null;
      shown = values !== null;
      unseen = wanted.filter(([name, value]) => values?.get(name) !== value).map(([name]) => name);
    } catch (error) {
      if (!(error instanceof RedfishError)) throw error;
      problem = error.message;
      // What answers with an error may be busy with the change; what does not answer is not asked again.
      if (error.status === null) break;
    }
    if (unseen.length === 0) break;
  }
  return { unseen, shown, problem, task, remarks };
}

async function systemPath(session: Session, name: string | null): Promise<string> {
  const collection = linkOf(session.root, "Systems");
  if (collection === null)
    throw new RedfishError("answer", "the service has no systems: is it a chassis manager or a switch?");
  const members = membersOf((await session.get(collection)).data);
  const [only, ...more] = name === null ? members : members.filter((path) => idIn(path) === name);
  const ids = session.hide(members.map(idIn).slice(0, 20).join(", "));
  if (only === undefined)
    throw new RedfishError(
      "missing",
      name === null ? "the service has no system" : `the service has no system ${name}: it has ${ids}`,
    );
  if (more.length > 0)
    throw new RedfishError(
      "missing",
      `the service has ${members.length} systems (${ids}): name this host's in vflag_bmc_system`,
    );
  return only;
}

function identityOf(session: Session, path: string, system: JsonObject): SystemIdentity {
  const text = (value: unknown) =>
    typeof value === "string" && value !== "" ? session.hide(value).slice(0, 200) : null;
  return {
    path,
    manufacturer: text(system["Manufacturer"]),
    serviceVendor: text(session.root["Vendor"]),
    model: text(system["Model"]),
    biosVersion: text(system["BiosVersion"]),
    powerState: text(system["PowerState"]),
  };
}

/** Without a settings resource a BIOS is changed itself. Source: DMTF DSP0266, "Settings resource". */
async function settingsOf(
  session: Session,
  link: string,
  bios: { data: JsonObject; etag: string | null },
): Promise<SettingsResource> {
  const annotation = isObject(bios.data["@Redfish.Settings"]) ? bios.data["@Redfish.Settings"] : {};
  const times = annotation["SupportedApplyTimes"];
  const applyTimes = Array.isArray(times) ? times.filter((time) => typeof time === "string") : null;
  const remarks = messagesIn({ "@Message.ExtendedInfo": annotation["Messages"] }).map((text) =>
    session.hide(text),
  );
  const path = linkOf(annotation, "SettingsObject");
  if (path === null) return { path: link, etag: bios.etag, pending: null, applyTimes, remarks };
  const settings = await session.get(path);
  return { path, etag: settings.etag, pending: valuesOf(settings.data), applyTimes, remarks };
}

/** Null where there are none. */
function valuesOf({ Attributes: attributes }: JsonObject): AttributeValues | null {
  return isObject(attributes)
    ? new Map(Object.entries(attributes).filter(([name]) => !name.includes("@")))
    : null;
}

async function taskText(session: Session, path: string): Promise<string> {
  let data: JsonObject;
  try {
    ({ data } = await session.get(path));
  } catch (error) {
    // A task may be gone as soon as it has ended.
    if (error instanceof RedfishError) return session.hide(path);
    throw error;
  }
  const state = typeof data["TaskState"] === "string" ? data["TaskState"] : "accepted";
  const said = messagesIn({ "@Message.ExtendedInfo": data["Messages"] });
  if (state === "Exception" || state === "Cancelled")
    throw new RedfishError(
      "refused",
      session.hide(`${path}: the service gave the change up (${state}): ${said.join("; ")}`),
    );
  return session.hide(`${path} (${state})`);
}
