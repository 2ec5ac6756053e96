import type { AggregateType } from '../../commands/aggregate-types.js';
import { EventCodec, type EventFormat, type EventFormats } from '../../journal/event-codec.js';
import { accept, reject, unreachable } from '../../kernel/decider.js';
import { stepFormats, type StepTaken, type ProcessManager } from '../../reactions/process-manager.js';

// A context to prove the platform by: orders reserve what they need of several articles, or of none.

/** So much of an article. */
export interface Line {
  readonly article: string;
  readonly amount: number;
}

export type OrderEvent =
  | { readonly type: 'OrderPlaced'; readonly lines: readonly Line[] }
  | { readonly type: 'OrderConfirmed' }
  | { readonly type: 'OrderRefused'; readonly reason: string };
export type StockEvent =
  | { readonly type: 'StockAdded'; readonly amount: number }
  | { readonly type: 'StockReserved'; readonly order: string; readonly amount: number }
  | { readonly type: 'ReservationReleased'; readonly order: string; readonly amount: number };
export type FulfilmentEvent =
  | {
      readonly type: 'ReservationDecided';
      readonly order: string;
      readonly line: Line;
      readonly later: readonly Line[];
    }
  | { readonly type: 'ReleaseDecided'; readonly order: string; readonly line: Line }
  | { readonly type: 'ConfirmationDecided'; readonly order: string }
  | { readonly type: 'RefusalDecided'; readonly order: string; readonly reason: string };
export type ShopEvent = OrderEvent | StockEvent | FulfilmentEvent | StepTaken;

export type OrderCommand =
  | { readonly type: 'PlaceOrder'; readonly lines: readonly Line[] }
  | { readonly type: 'ConfirmOrder' }
  | { readonly type: 'RefuseOrder'; readonly reason: string };
export type StockCommand =
  | { readonly type: 'AddStock'; readonly amount: number }
  | { readonly type: 'ReserveStock'; readonly order: string; readonly amount: number }
  | { readonly type: 'ReleaseStock'; readonly order: string; readonly amount: number };
export type ShopRejection = { readonly code: 'OUT_OF_STOCK' | 'ALREADY_PLACED' | 'ALREADY_DECIDED' };

type OrderState = 'none' | 'placed' | 'confirmed' | 'refused';

/** As JSON: no format to keep for years. */
function json<Event extends { readonly type: string }>(): EventFormat<Event> {
  return {
    schemaVersion: 1,
    encode: (event) => Buffer.from(JSON.stringify(event)),
    decode: (data) => JSON.parse(Buffer.from(data).toString()) as Event,
  };
}

const orderFormats: EventFormats<OrderEvent> = { OrderPlaced: json(), OrderConfirmed: json(), OrderRefused: json() };
const stockFormats: EventFormats<StockEvent> = {
  StockAdded: json(),
  StockReserved: json(),
  ReservationReleased: json(),
};
const fulfilmentFormats: EventFormats<FulfilmentEvent> = {
  ReservationDecided: json(),
  ReleaseDecided: json(),
  ConfirmationDecided: json(),
  RefusalDecided: json(),
};

/** The name of what tells customers of their orders' events. */
export const RECEIPTS = 'receipts';
export const orderCodec = new EventCodec<OrderEvent>(orderFormats);
export const shopCodec = new EventCodec<ShopEvent>({
  ...orderFormats,
  ...stockFormats,
  ...fulfilmentFormats,
  ...stepFormats,
});

/** Bytes of commands and rejections, for the bus. */
function jsonCommands<Command>() {
  return {
    encodeCommand: (command: Command): Uint8Array => Buffer.from(JSON.stringify(command)),
    decodeCommand: (data: Uint8Array): Command => JSON.parse(Buffer.from(data).toString()) as Command,
    encodeRejection: (rejection: ShopRejection): Uint8Array => Buffer.from(JSON.stringify(rejection)),
    decodeRejection: (data: Uint8Array): ShopRejection => JSON.parse(Buffer.from(data).toString()) as ShopRejection,
  };
}

export const order: AggregateType<OrderCommand, OrderEvent, OrderState, ShopRejection> = {
  type: 'order',
  commands: jsonCommands(),
  decider: {
    initialState: 'none',
    decide(command, state) {
      switch (command.type) {
        case 'PlaceOrder':
          return state === 'none'
            ? accept({ type: 'OrderPlaced', lines: command.lines })
            : reject({ code: 'ALREADY_PLACED' });
        case 'ConfirmOrder':
          return state === 'placed' ? accept({ type: 'OrderConfirmed' }) : reject({ code: 'ALREADY_DECIDED' });
        case 'RefuseOrder':
          return state === 'placed'
            ? accept({ type: 'OrderRefused', reason: command.reason })
            : reject({ code: 'ALREADY_DECIDED' });
        default:
          return unreachable(command);
      }
    },
    evolve(_state, event) {
      switch (event.type) {
        case 'OrderPlaced':
          return 'placed';
        case 'OrderConfirmed':
          return 'confirmed';
        case 'OrderRefused':
          return 'refused';
        default:
          return unreachable(event);
      }
    },
  },
  codec: new EventCodec(orderFormats),
  estimateBytes: () => 100,
};

/** How much is free. Nothing here would notice a command that is carried out twice: the platform must not do that. */
export const stock: AggregateType<StockCommand, StockEvent, number, ShopRejection> = {
  type: 'stock',
  commands: jsonCommands(),
  decider: {
    initialState: 0,
    decide(command, free) {
      switch (command.type) {
        case 'AddStock':
          return accept({ type: 'StockAdded', amount: command.amount });
        case 'ReserveStock':
          if (command.amount > free) return reject({ code: 'OUT_OF_STOCK' });
          return accept({ type: 'StockReserved', order: command.order, amount: command.amount });
        case 'ReleaseStock':
          return accept({ type: 'ReservationReleased', order: command.order, amount: command.amount });
        default:
          return unreachable(command);
      }
    },
    evolve: (free, event) => (event.type === 'StockReserved' ? free - event.amount : free + event.amount),
  },
  codec: new EventCodec(stockFormats),
  estimateBytes: () => 100,
};

interface FulfilmentState {
  readonly order: string;
  readonly reserved: readonly Line[];
  readonly asked: Line | undefined;
  readonly later: readonly Line[];
}

/** Reserves an order's lines one after the other; when one is refused, releases those before it, and refuses the order. */
export const fulfilment: ProcessManager<
  ShopEvent,
  FulfilmentEvent,
  FulfilmentState,
  OrderCommand | StockCommand,
  ShopRejection
> = {
  name: 'fulfilment',
  inputs: shopCodec,
  processOf: (event, aggregateId) => (event.type === 'OrderPlaced' ? aggregateId : undefined),
  decider: {
    initialState: { order: '', reserved: [], asked: undefined, later: [] },
    decide(input, { order: id, asked, reserved, later }) {
      switch (input.kind) {
        case 'event':
          if (input.event.type !== 'OrderPlaced') return accept();
          return accept(...reserveNext(input.aggregateId, input.event.lines));
        case 'committed':
          return input.command.commandType === 'ReserveStock' ? accept(...reserveNext(id, later)) : accept();
        case 'rejected':
          if (asked === undefined || input.command.commandType !== 'ReserveStock') return accept();
          return accept<FulfilmentEvent>(
            ...reserved.map((line) => ({ type: 'ReleaseDecided', order: id, line }) as const),
            {
              type: 'RefusalDecided',
              order: id,
              reason: input.rejection.code,
            },
          );
        default:
          return unreachable(input);
      }
    },
    evolve(state, event) {
      switch (event.type) {
        case 'ReservationDecided': {
          const { order: id, line, later } = event;
          const reserved = state.asked === undefined ? state.reserved : [...state.reserved, state.asked];
          return { order: id, reserved, asked: line, later };
        }
        case 'ReleaseDecided':
        case 'ConfirmationDecided':
        case 'RefusalDecided':
          return { ...state, asked: undefined };
        default:
          return unreachable(event);
      }
    },
  },
  formats: fulfilmentFormats,
  commandsOf(event) {
    const { order: id } = event;
    switch (event.type) {
      case 'ReservationDecided':
        return [stockCommand(event.line, { type: 'ReserveStock', order: id, amount: event.line.amount })];
      case 'ReleaseDecided':
        return [stockCommand(event.line, { type: 'ReleaseStock', order: id, amount: event.line.amount })];
      case 'ConfirmationDecided':
        return [{ to: 'order', aggregateId: id, commandType: 'ConfirmOrder', command: { type: 'ConfirmOrder' } }];
      case 'RefusalDecided': {
        const command = { type: 'RefuseOrder', reason: event.reason } as const;
        return [{ to: 'order', aggregateId: id, commandType: 'RefuseOrder', command }];
      }
      default:
        return unreachable(event);
    }
  },
};

function reserveNext(orderId: string, [line, ...later]: readonly Line[]): FulfilmentEvent[] {
  if (line === undefined) return [{ type: 'ConfirmationDecided', order: orderId }];
  return [{ type: 'ReservationDecided', order: orderId, line, later }];
}

function stockCommand({ article }: Line, command: StockCommand) {
  return { to: 'stock', aggregateId: article, commandType: command.type, command };
}
