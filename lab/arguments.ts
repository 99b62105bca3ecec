/**
 * What a program of the lab was asked for. A wrong argument is no fault of the program: its sentence is
 * printed without a stack, with exit code 2, before anything is begun.
 *
 * @param read parses and checks; what it throws is meant for a person
 */
export function readArguments<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(2);
  }
}
