import { execFileSync } from "node:child_process";

/**
 * The time that stands in the packages: SOURCE_DATE_EPOCH, or the last commit's.
 * @throws Error when there is neither, as in an unpacked archive
 */
export function sourceDateEpoch(): number {
  const given = process.env["SOURCE_DATE_EPOCH"];
  const text = given ?? lastCommit();
  if (!/^\d{1,12}$/.test(text))
    throw new Error(`SOURCE_DATE_EPOCH is ${JSON.stringify(text)}, and must be seconds since 1970`);
  return Number(text);
}

function lastCommit(): string {
  try {
    const argv = ["-C", import.meta.dirname, "log", "-1", "--format=%ct"];
    return execFileSync("git", argv, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] }).trim();
  } catch (error) {
    throw new Error(
      "git tells no date of a last commit here: set SOURCE_DATE_EPOCH to the release's date, in seconds since 1970",
      {
        cause: error,
      },
    );
  }
}
