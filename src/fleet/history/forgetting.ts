import { FleetError } from "../error.ts";
import type { Database } from "./database.ts";

/** What goes out of the database, and all that only it needed. */
export class Forgetting {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** @returns how many observations and failures went */
  before(moment: number): number {
    const gone = this.#database.transaction(() => {
      const observations = this.#database.run(
        `DELETE FROM observation WHERE at < ?1 AND id <> (
           SELECT newest.id FROM observation newest WHERE newest.host = observation.host AND newest.at < ?1
           ORDER BY newest.at DESC, newest.id DESC LIMIT 1)`,
        moment,
      ).changes;
      const failures = this.#database.run(
        `DELETE FROM failure WHERE at < ?1 AND id <> (
           SELECT newest.id FROM failure newest WHERE newest.host = failure.host
           ORDER BY newest.at DESC, newest.id DESC LIMIT 1)`,
        moment,
      ).changes;
      this.#sweep();
      return observations + failures;
    });
    this.#database.shrink();
    return gone;
  }

  /** @throws {FleetError} where one of them is not known: then none is forgotten */
  hosts(names: readonly string[]): void {
    this.#database.transaction(() => {
      const unknown = names.filter(
        (host) => this.#database.run("DELETE FROM host WHERE name = ?", host).changes === 0,
      );
      if (unknown.length > 0)
        throw new FleetError(
          `no host is called ${unknown.join(", ")}: \`vflag fleet status --hosts\` lists them`,
        );
      this.#sweep();
    });
    this.#database.shrink();
  }

  /** Removes texts that nothing needs; without them their bases may not be needed either. */
  #sweep(): void {
    this.#database.run(
      "DELETE FROM pattern WHERE NOT EXISTS (SELECT 1 FROM chunk c WHERE c.base = pattern.chunk)",
    );
    const unused = `DELETE FROM chunk WHERE id NOT IN (
      SELECT state FROM observation
      UNION SELECT outcome FROM observation
      UNION SELECT spec FROM observation WHERE spec IS NOT NULL
      UNION SELECT keyframe FROM host WHERE keyframe IS NOT NULL
      UNION SELECT chunk FROM pattern
      UNION SELECT base FROM chunk WHERE base IS NOT NULL)`;
    while (this.#database.run(unused).changes > 0);
  }
}
