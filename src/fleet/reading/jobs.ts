import { readBounded, readBoundedFile } from "../../host/linux/system/bounded-file.ts";
import { stateLimits } from "../../host/schema/state-limits.ts";
import type { HostState } from "../../host/state/state.ts";
import { mapOf } from "../../map/map.ts";
import { specLimits } from "../../spec/limits.ts";
import { type HostPlan, planOf } from "../answers/host-plan.ts";
import { type PathChange, pathChanges } from "../answers/paths.ts";
import { FleetError } from "../error.ts";
import { type Judged, judgedOf, type Prepared, prepared, specOf } from "./prepare.ts";
import { withoutCounters, withoutGuests } from "./quiet.ts";
import { readReport, type SpecText, stateOf } from "./report.ts";

/** An observation as it lies in the database. */
export interface Stored {
  readonly host: string;
  readonly text: Uint8Array;
  readonly clock: number;
  /** When it was taken in, by the collector's clock. */
  readonly at: number;
  readonly spec: SpecText | null;
  /**
   * It was checked by this version of vflag; an older one may not have known of everything that there is now.
   */
  readonly checked: boolean;
}

/**
 * What is done with what a host said: one thing with one host, in a thread of its own, because it may never
 * end.
 */
export type Job =
  | {
      readonly kind: "report";
      readonly host: string;
      readonly file: string;
      readonly flags: number;
      readonly spec: SpecText | null;
      /** Where a spec is that counts before the host's own. */
      readonly specFile: string | null;
      /** Where the answer may be read into: memory of one that is kept by now. */
      readonly memory?: ArrayBuffer;
    }
  | { readonly kind: "judge"; readonly stored: Stored }
  | { readonly kind: "plan"; readonly stored: Stored; readonly restartOvs: boolean }
  | { readonly kind: "map"; readonly stored: Stored }
  | { readonly kind: "changes"; readonly before: Stored; readonly after: Stored; readonly guests: boolean };

/** What comes of each. */
export interface Results {
  /** And when the file was last changed, in ms since 1970. */
  readonly report: Prepared & { readonly modified: number };
  readonly judge: Judged;
  /** Null: there is nothing to do. */
  readonly plan: HostPlan | null;
  /** As JSON. */
  readonly map: string;
  readonly changes: { readonly spec: readonly PathChange[]; readonly state: readonly PathChange[] };
}

/** @throws {FleetError} and the system's errors, where it cannot be done for this host */
export async function carryOut(job: Job): Promise<Results[keyof Results]> {
  switch (job.kind) {
    case "report": {
      const { host, file, flags, specFile } = job;
      const beside =
        specFile === null
          ? null
          : { file: specFile, text: readBounded(specFile, specLimits.bytes).toString() };
      const memory = (bytes: number) => memoryFor(bytes, job.memory);
      const { bytes, modified } = readBoundedFile(file, stateLimits.bytes, flags, memory);
      return { ...prepared(readReport(host, bytes, beside ?? job.spec)), modified };
    }
    case "judge":
      return judgedOf(readStored(job.stored), job.stored.spec, job.stored.host);
    case "plan":
      return planOf(
        job.stored,
        specOf(job.stored.spec, job.stored.host),
        readStored(job.stored),
        job.restartOvs,
      );
    case "map": {
      const spec = specOf(job.stored.spec, job.stored.host);
      return JSON.stringify(mapOf("problem" in spec ? null : spec, readStored(job.stored)));
    }
    case "changes": {
      const { before, after, guests } = job;
      const quiet = guests ? withoutCounters : withoutGuests;
      const spec =
        before.spec?.text === after.spec?.text
          ? []
          : pathChanges(specOf(before.spec, before.host), specOf(after.spec, after.host));
      return { spec, state: pathChanges(quiet(readStored(before)), quiet(readStored(after))) };
    }
  }
}

/**
 * The memory that is there, where it is large enough; else new memory, which suffices for other hosts too.
 */
function memoryFor(bytes: number, spare: ArrayBuffer | undefined): Buffer<ArrayBuffer> {
  if (spare !== undefined && spare.byteLength >= bytes) return Buffer.from(spare);
  return Buffer.allocUnsafeSlow(Math.ceil(bytes / memoryStep) * memoryStep);
}

const memoryStep = 64 * 1024;

/** The state as it was told. */
export function readStored({ text, clock, checked }: Stored): HostState {
  const data: unknown = JSON.parse(Buffer.from(text.buffer, text.byteOffset, text.length).toString());
  const state = { ...(data as Omit<HostState, "observedAt">), observedAt: new Date(clock).toISOString() };
  if (state.schema !== "vflag/state/1")
    throw new FleetError("the database is damaged: there is no state where one should be");
  return checked ? state : stateOf(state);
}
