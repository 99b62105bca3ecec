import type { AttributeValues } from "./dependencies.ts";
import type { AttributeRegistry } from "./registry.ts";

/** What a service says of one system's BIOS. */
export interface BiosSurvey {
  readonly system: SystemIdentity;
  /** In force. */
  readonly attributes: AttributeValues;
  readonly registry: AttributeRegistry | { readonly problem: string };
  readonly settings: SettingsResource;
}

export interface SystemIdentity {
  readonly path: string;
  readonly manufacturer: string | null;
  /** What the service says of itself. */
  readonly serviceVendor: string | null;
  readonly model: string | null;
  readonly biosVersion: string | null;
  readonly powerState: string | null;
}

/** Where changes are asked for. */
export interface SettingsResource {
  readonly path: string;
  readonly etag: string | null;
  /** What is pending; null where the BIOS has no settings resource, or what it holds was not understood. */
  readonly pending: AttributeValues | null;
  /** Null: the service does not say. */
  readonly applyTimes: readonly string[] | null;
  /** What it says of the last change that was applied, where something was wrong with it. */
  readonly remarks: readonly string[];
}
