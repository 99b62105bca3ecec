import type { Guest, StartOptions } from "./guest.ts";
import type { Report } from "./operate.ts";

/** What `npm run lab:test` does with one guest. */
export interface Task {
  readonly title: string;
  readonly guest: StartOptions & { readonly nic: Guest["nic"] };
  readonly run: (guest: Guest, report: Report) => Promise<void>;
}
