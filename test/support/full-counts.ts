import { fullCounts } from "./count.ts";

/**
 * To be imported before a test file whose counts are to be the full ones: `NAME.long.ts` does so for
 * `NAME.test.ts`.
 */
process.env[fullCounts] = "1";
