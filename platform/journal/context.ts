import type { AccessRules } from '../kernel/access-rules.js';
import type { EventCodec } from './event-codec.js';

/** A bounded context, as all of its processes and tools know it; it lies beside the context's events. */
export interface Context<Event extends { readonly type: string } = { readonly type: string }> {
  /** As in the names of its processes, such as `thread`. */
  readonly name: string;
  /** Stands before the names of its streams, buckets and subjects, such as `THREAD`. Never changes once something is written. */
  readonly prefix: string;
  /** Of all its events, whichever type of aggregate they belong to. */
  readonly codec: EventCodec<Event>;
  /**
   * The types of its aggregates. The first one is that of an aggregate id without a type (aggregate-id.ts), and so never
   * changes once something is written.
   */
  readonly aggregateTypes: readonly [string, ...string[]];
  /** The types of its processes, which its reactions host and nobody else gives commands to. @default none */
  readonly processTypes?: readonly string[];
  /** Who may call what of its services; with AUTH=jwt none is bound without. @default none may be called */
  readonly access?: AccessRules;
}
