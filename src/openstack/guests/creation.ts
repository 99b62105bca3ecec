/** What became of a port or a server that was asked for. */
export interface Creation<Thing> {
  readonly name: string;
  /** The client's command that makes it. */
  readonly command: readonly string[];
  /**
   * `planned`: nothing was started. `kept`: it was there as wanted. `conflict`: one of that name is there and
   * differs, or what it needs does not fit. `ambiguous`: more than one is. `refused`: the cloud, or the
   * client, did not do it.
   */
  readonly outcome: "planned" | "created" | "kept" | "conflict" | "ambiguous" | "refused";
  readonly thing: Thing | null;
  readonly findings: readonly Finding[];
}

/**
 * Something to know. `wrong`: it does not work so. `doubtful`: somebody should look. `note`: what was
 * decided, or was not to be seen.
 */
export interface Finding {
  readonly kind: "wrong" | "doubtful" | "note";
  readonly text: string;
  /** What to do next, a line each. */
  readonly next: readonly string[];
}

export function finding(kind: Finding["kind"], text: string, next: readonly string[] = []): Finding {
  return { kind, text, next };
}

/** Whether it is there, and works as far as can be seen. */
export function succeeded({ outcome, findings }: Creation<unknown>): boolean {
  return (
    (outcome === "planned" || outcome === "created" || outcome === "kept") &&
    !findings.some(({ kind }) => kind === "wrong")
  );
}

/** What stands against a name for something new; `null`: nothing. Both services take 255 characters. */
export function newNameProblem(name: string): string | null {
  if (!/^[A-Za-z0-9][\w.:@+-]{0,254}$/.test(name))
    return (
      `"${name}": a name has letters, digits and _ . : @ + -, begins with a letter or digit, and has ` +
      `255 characters at most`
    );
  if (/^[0-9a-f]{8}(-?[0-9a-f]{4}){3}-?[0-9a-f]{12}$/i.test(name))
    return `"${name}" looks like an id: the client would search for that id first`;
  return null;
}

/** What stands against the name or id of something that is there. */
export function givenNameProblem(what: string, name: string): string | null {
  const plain =
    /^[^\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]{1,255}$/u.test(name) && name.trim() === name && !name.startsWith("-");
  return plain
    ? null
    : `${what} "${name}": a name or an id of printable characters, and not beginning with - or a blank`;
}

/**
 * Options of the client that vflag gives itself, or that would tell a secret to everybody who reads the
 * command.
 */
const ownOptions = {
  port: ["--network", "--vnic-type", "--binding-profile"],
  server: [
    "--image",
    "--image-property",
    "--flavor",
    "--key-name",
    "--nic",
    "--network",
    "--port",
    "--wait",
    "--min",
    "--max",
    "--password",
  ],
  both: [
    "--format",
    "--column",
    "--prefix",
    "--fit-width",
    "--print-empty",
    "--noindent",
    "--variable",
    "--debug",
    "--verbose",
    "--quiet",
    "--help",
    "--log-file",
  ],
} as const;

/**
 * What stands against further arguments of the client. Its parser takes an option's beginning for the whole.
 */
export function furtherProblems(kind: "port" | "server", further: readonly string[]): string[] {
  const own = [...ownOptions[kind], ...ownOptions.both];
  const [first] = further;
  const problems =
    first !== undefined && !first.startsWith("-")
      ? [`"${first}": one name at a time; the client's options stand after --`]
      : [];
  for (const argument of further) {
    if (/[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/u.test(argument))
      problems.push(`"${argument}" has control characters`);
    if (/^-[^-]/.test(argument)) problems.push(`${argument}: options are taken in their long form only`);
    if (argument === "--") problems.push("--: once is enough");
    const option = /^--[^=]+/.exec(argument)?.[0];
    if (option === undefined) continue;
    if (option.startsWith("--os-"))
      problems.push(
        `${option}: how to get into the cloud belongs into clouds.yaml (--os-cloud), where nobody ` +
          `reads it here`,
      );
    else if (own.some((one) => one.startsWith(option)))
      problems.push(`${option}: vflag decides this itself, or has an option for it`);
  }
  return problems;
}
