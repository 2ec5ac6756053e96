interface Link {
  readonly version: number;
  readonly commandId: string;
  readonly outcome: Promise<void>;
}

/**
 * Makes appends wait for the one that they were decided on, for brokers that cannot fence that themselves. Those of
 * different aggregates do not wait for each other.
 */
export class AppendChain {
  /** Each aggregate's last append, while it is on its way. */
  readonly #last = new Map<string, Link>();

  /**
   * Runs `append` at once, or behind the append of `afterCommandId` if that is the aggregate's last one on its way.
   *
   * @param makesVersion the version that the append makes
   * @param verify called when nothing is known of `afterCommandId`: throws unless the version before is of that command
   * @throws what `append` or `verify` throws, or what the append before it has thrown; then `append` was not called
   */
  async run(
    aggregateId: string,
    { makesVersion, commandId }: { readonly makesVersion: number; readonly commandId: string },
    afterCommandId: string | undefined,
    { append, verify }: { append(): Promise<void>; verify(): Promise<void> },
  ): Promise<void> {
    const before = this.#last.get(aggregateId);
    const isBehind =
      afterCommandId !== undefined && before?.commandId === afterCommandId && before.version === makesVersion - 1;
    const appendInTurn = async (): Promise<void> => {
      if (isBehind) await before.outcome;
      else if (afterCommandId !== undefined) await verify();
      await append();
    };
    const link = { version: makesVersion, commandId, outcome: appendInTurn() };
    this.#last.set(aggregateId, link);
    try {
      await link.outcome;
    } finally {
      if (this.#last.get(aggregateId) === link) this.#last.delete(aggregateId);
    }
  }
}
