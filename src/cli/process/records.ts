import { openRecord, reasonInWords, warnKernelLog } from "../../host/linux/system/records.ts";
import type { RecordKeeper } from "../../reconcile/journal.ts";
import { complain } from "./output.ts";

/**
 * How the journal of a host is kept. What goes wrong with that of this machine stands in the kernel's log
 * too.
 */
export function recordKeeper(host: string): RecordKeeper {
  return {
    open: openRecord,
    reason: reasonInWords,
    warn: (text) => {
      complain(text);
      if (host === "local") warnKernelLog(text);
    },
  };
}
