import { errnoName } from "./refusal.ts";

/** Whether there is a process of this id. */
export function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return errnoName(error) !== "ESRCH";
  }
}
