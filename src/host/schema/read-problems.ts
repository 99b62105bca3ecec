/** One thing that is wrong in a piece of data. */
export interface Problem {
  /** From the inside to the outside. */
  readonly path: PropertyKey[];
  readonly message: string;
}

/** What is wrong in a piece of data, the first so many of it. */
export class Problems {
  readonly found: Problem[] = [];
  readonly most: number;
  /** Something that was missing has its default now: the data is more than the text that it was read from. */
  filled = false;

  constructor(most: number) {
    this.most = most;
  }

  get enough(): boolean {
    return this.found.length >= this.most;
  }

  /** What was found since then is in this place. */
  within(key: PropertyKey, since: number): void {
    for (let at = since; at < this.found.length; at++) this.found[at]?.path.push(key);
  }

  /** @returns `wrong` */
  add(message: string): typeof wrong {
    if (!this.enough) this.found.push({ path: [], message });
    return wrong;
  }
}

/** What a reader returns for data that is wrong. */
export const wrong: unique symbol = Symbol("wrong");
/** Reads a value; what is wrong with it is added to the problems. */
export type Read = (value: unknown, problems: Problems) => unknown;
