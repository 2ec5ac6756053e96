import { specifyProcess } from '../process-spec.js';
import { fulfilment, type FulfilmentEvent, type Line } from './shop.js';

const given = specifyProcess(fulfilment);
const [chair, desk]: [Line, Line] = [
  { article: 'chair', amount: 4 },
  { article: 'desk', amount: 1 },
];
const order = 'A';
const reserving = (line: Line, ...later: Line[]): FulfilmentEvent => ({
  type: 'ReservationDecided',
  order,
  line,
  later,
});
const reserve = ({ article, amount }: Line) =>
  ({
    to: 'stock',
    aggregateId: article,
    commandType: 'ReserveStock',
    command: { type: 'ReserveStock', order, amount },
  }) as const;

describe('fulfilment', () => {
  it('reserves the lines one after the other', () => {
    const placed = given().when({
      kind: 'event',
      aggregateId: order,
      event: { type: 'OrderPlaced', lines: [chair, desk] },
    });
    placed.thenEvents(reserving(chair, desk));
    placed.thenCommands(reserve(chair));
    given(reserving(chair, desk))
      .when({ kind: 'committed', command: reserve(chair) })
      .thenEvents(reserving(desk));
  });

  it('confirms the order when all is reserved', () => {
    given(reserving(chair, desk), reserving(desk))
      .when({ kind: 'committed', command: reserve(desk) })
      .thenEvents({ type: 'ConfirmationDecided', order });
  });

  it('releases what it has reserved when there is too little of something', () => {
    const refused = given(reserving(chair, desk), reserving(desk)).when({
      kind: 'rejected',
      command: reserve(desk),
      rejection: { code: 'OUT_OF_STOCK' },
    });
    refused.thenEvents(
      { type: 'ReleaseDecided', order, line: chair },
      { type: 'RefusalDecided', order, reason: 'OUT_OF_STOCK' },
    );
  });
});
