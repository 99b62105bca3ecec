import { sharedProgram } from "./program.ts";

/**
 * The program for tests that run it as a user does: as it is shipped, which starts in a sixth of the time
 * that the sources take.
 */
export const vflag = await sharedProgram();

/**
 * What the program runs in: nothing of the test runner's. Where there is a variable of Node's, the shipped
 * program begins again without it, which takes as long as all else.
 */
export const usersEnvironment: NodeJS.ProcessEnv = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !name.startsWith("NODE_")),
);
