import type { StartOptions } from "./guest.ts";
import type { Report } from "./operate.ts";
import type { Guest } from "./running.ts";

/** What is done with one guest, and looked at. */
export interface Task {
  readonly title: string;
  readonly guest: StartOptions & { readonly nic: Guest["nic"] };
  readonly run: (guest: Guest, report: Report) => Promise<void>;
}
