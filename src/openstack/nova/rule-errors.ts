/** A rule or a value that Nova refuses: nova-compute does not start, or not report its devices. */
export class NovaRefusal extends Error {
  override readonly name = "NovaRefusal";
}

/** A rule of which vflag cannot say what it means. */
export class UnreadRule extends Error {
  override readonly name = "UnreadRule";
}
