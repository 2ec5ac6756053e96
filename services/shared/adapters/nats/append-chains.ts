import { toError } from '../../kernel/fault.js';

/** Appends of one aggregate that wait for each other. */
interface Chain {
  /** Resolves when the last one so far is over. */
  last: Promise<void>;
  /** Why one of them failed; those behind it then fail as well. */
  failure: Error | undefined;
}

/** Lets the appends of each aggregate go one after another, in the order of the calls. */
export class AppendChains {
  readonly #chains = new Map<string, Chain>();

  /**
   * Calls `append` once those before it are over.
   * @param refusal what to fail with, without calling it, when one of those before has failed
   */
  enqueue(aggregateId: string, append: () => Promise<void>, refusal: (failure: Error) => Error): Promise<void> {
    const chain = this.#chains.get(aggregateId) ?? { last: Promise.resolve(), failure: undefined };
    this.#chains.set(aggregateId, chain);
    const turn = chain.last.then(async () => {
      if (chain.failure !== undefined) throw refusal(chain.failure);
      await append();
    });
    const forget = (): void => {
      if (this.#chains.get(aggregateId) === chain) this.#chains.delete(aggregateId);
    };
    const last = turn.then(
      () => {
        if (chain.last === last) forget();
      },
      (error: unknown) => {
        chain.failure ??= toError(error);
        // Those that wait will fail; whoever comes from now on may know of the failure, and begins anew.
        forget();
      },
    );
    chain.last = last;
    return turn;
  }
}
