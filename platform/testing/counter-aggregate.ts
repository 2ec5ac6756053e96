import { accept, reject } from '../kernel/decider.js';
import type { AggregateHost } from '../commands/aggregate-host.js';
import type { AggregateModel, CommandEnvelope } from '../commands/aggregate-model.js';
import { EventCodec } from '../journal/event-codec.js';

/** A counter that goes up by what is asked, to at most 1,000; by 0 changes nothing. */
export type Added = { readonly type: 'Added'; readonly amount: number };
export type CounterRejection = { readonly code: 'TOO_MUCH'; readonly total: number };
export const counter: AggregateModel<number, Added, number, CounterRejection> = {
  decider: {
    initialState: 0,
    decide: (amount, total) => {
      if (amount < 0) throw new RangeError('a bug');
      if (total + amount > 1_000) return reject({ code: 'TOO_MUCH', total });
      return amount === 0 ? accept() : accept({ type: 'Added', amount });
    },
    evolve: (total, { amount }) => total + amount,
  },
  codec: new EventCodec<Added>({
    Added: {
      schemaVersion: 1,
      encode: ({ amount }) => Buffer.from(String(amount)),
      decode: (data) => ({ type: 'Added', amount: Number(Buffer.from(data).toString()) }),
    },
  }),
  estimateBytes: () => 100,
  stateFormat: {
    version: 2,
    encode: (total) => Promise.resolve(Buffer.from(String(total))),
    decode: (data) => {
      const total = Number(Buffer.from(data).toString());
      if (Number.isNaN(total)) throw new Error('no number');
      return total;
    },
  },
};
export type CounterHost = AggregateHost<number, Added, number, CounterRejection>;

const trace = { requestId: 'x', traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` };
let requests = 0;

/** A command of request ids of its own. */
export function add(amount: number, overrides: Partial<CommandEnvelope<number>> = {}): CommandEnvelope<number> {
  requests += 1;
  const base = { aggregateId: 'A', command: amount, commandType: 'Add', commandId: `request-${requests}` };
  return { ...base, fingerprint: `add ${amount}`, trace, deadline: Date.now() + 5_000, ...overrides };
}
