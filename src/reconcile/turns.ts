/** Lets one at a time do something to a card. */
export class Turns {
  readonly #last = new Map<string, Promise<unknown>>();

  /** Runs `act` when all that came before it for this card has ended; at once where no card is named. */
  async take<T>(card: string | null, act: () => Promise<T>): Promise<T> {
    if (card === null) return act();
    const before = this.#last.get(card) ?? Promise.resolve();
    const mine = before.then(act, act);
    this.#last.set(card, mine);
    return mine;
  }
}
