import type { FaultKind } from '../kernel/fault.js';
import type { CommandEnvelope } from './aggregate-model.js';
import type { RecordedEvent } from '../journal/journal.js';

/** A command in the form in which instances hand it to each other: nothing on the way knows what it means. */
export type RoutedCommand = CommandEnvelope<Uint8Array>;

/** What became of a routed command. */
export type RoutedAnswer =
  | {
      readonly kind: 'committed';
      readonly version: number;
      readonly events: readonly RecordedEvent[];
      readonly repeated: boolean;
    }
  | { readonly kind: 'rejected'; readonly rejection: Uint8Array }
  | { readonly kind: 'failed'; readonly fault: FaultKind; readonly reason: string; readonly message: string };

export interface CommandBusListener {
  /** An answer to what this instance has sent, perhaps a second one. */
  onAnswer(correlation: string, answer: RoutedAnswer): void;
  /** The connection was lost and is back: what was sent before, and the answers to it, may be lost. */
  onReturn(): void;
  /** A command for a partition that this instance serves. `undefined` gives it back, for whoever serves next. */
  onCommand(command: RoutedCommand): Promise<RoutedAnswer | undefined>;
}

/**
 * Brings commands to the instance that serves their partition, at least once, and answers back. A command waits for
 * somebody to serve its partition, at most until its deadline.
 */
export interface CommandBus {
  open(listener: CommandBusListener): Promise<void>;
  /**
   * Hands a command over; the answer comes with the correlation to `onAnswer`.
   * @throws Fault kind `exhausted` no room for it; it was not taken
   * @throws Error it may not have been taken
   */
  send(partition: number, correlation: string, command: RoutedCommand): Promise<void>;
  /**
   * Serves just these partitions from now on, and others that it has served until somebody else does, for a moment at
   * most. Settles when what was taken of those, also of earlier calls, is answered.
   */
  serve(partitions: ReadonlySet<number>): Promise<void>;
  /** Stops listening; answers that come later are lost. */
  close(): Promise<void>;
}
