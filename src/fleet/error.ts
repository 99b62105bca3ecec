/**
 * What is wrong with the fleet's database, an inventory or a report of a host: the message says what to do.
 */
export class FleetError extends Error {
  override readonly name = "FleetError";
}
