import assert from 'node:assert/strict';
import { checkAssertions, parseAssertions } from './assertions.js';
import { Recorder } from './engine/recorder.js';
import { ResultCollector } from './engine/result-collector.js';

/** Two workers' requests: gets of 1 to 1,000 ms shared out between them, and creates of which one in ten fails. */
function collected(): ResultCollector {
  const collector = new ResultCollector(1_000, 2_000, 2);
  for (const worker of [0, 1]) {
    const recorder = new Recorder();
    for (const second of [0, 1]) {
      for (let ms = worker + 1 + 500 * second; ms <= 500 * (second + 1); ms += 2)
        recorder.recordRequest('get', ms, undefined);
      for (let call = 0; call < 10; call += 1) {
        recorder.recordRequest('create', 5, call === 0 ? 'HTTP 503' : undefined, call === 0 ? 2 : 0);
      }
      recorder.recordDelivery('watch', 7);
      collector.add(worker, { atMs: (second + 1) * 1_000 + 3, users: 5, stats: recorder.take() });
    }
  }
  return collector;
}

describe('What workers measured', () => {
  it('is put together as if one had measured it all', () => {
    const collector = collected();
    const get = collector.requests(2_000).find(({ name }) => name === 'get');
    assert.equal(get?.count, 1_000);
    // Three digits.
    for (const [found, exact] of [
      [get?.latency.min, 1],
      [get?.latency.p50, 500],
      [get?.latency.p90, 900],
      [get?.latency.p99, 990],
      [get?.latency.p999, 999],
      [get?.latency.max, 1_000],
      [get?.latency.mean, 500.5],
    ]) {
      assert.ok(Math.abs((found ?? 0) - (exact ?? 0)) <= (exact ?? 0) * 0.001 + 0.001, `${found} for ${exact}`);
    }
    const total = collector.total(2_000);
    assert.deepEqual([total.count, total.ok, total.failed, total.retries], [1_040, 1_036, 4, 8]);
    assert.deepEqual(total.errors, { 'HTTP 503': 4 });
    assert.equal(total.perSecond, 518);
  });

  it('is told second by second, deliveries apart', () => {
    const intervals = collected().intervals();
    assert.deepEqual(
      intervals.map(({ atMs, users, count, failed }) => [atMs, users, count, failed]),
      [
        [0, 10, 520, 2],
        [1_000, 10, 520, 2],
      ],
    );
    assert.deepEqual(intervals[0]?.byName.watch?.count, 2);
    assert.ok((intervals[0]?.latency.max ?? 0) <= 501);
    assert.ok((intervals[1]?.byName.get?.p50 ?? 0) >= 740);
  });
});

describe('Assertions', () => {
  const check = (text: string): [isMet: boolean | undefined, actual: string | undefined] => {
    const collector = collected();
    const result = { total: collector.total(2_000), requests: collector.requests(2_000) };
    const [found] = checkAssertions(parseAssertions(text), result);
    return [found?.isMet, found?.actual];
  };

  const cases: [text: string, isMet: boolean, actual: RegExp][] = [
    ['get.p99<1s', true, /^99\d ms$/],
    ['get.p99<900ms', false, /^99\d ms$/],
    ['create.max<=10ms', true, /^5\.0\d? ms|^5\.00 ms/],
    ['errors<0.1%', false, /^0\.385 %$/],
    ['errors<=4', true, /^4$/],
    ['create.errors<10%', false, /^10 %$/],
    ['throughput>=518/s', true, /^518\.0\/s$/],
    ['throughput>518', false, /^518\.0\/s$/],
    ['begin.errors<1', true, /^0$/],
    ['destroy.p50<1h', false, /no request destroy was made, only get, create, watch/],
  ];
  for (const [text, isMet, actual] of cases) {
    it(`${text} ${isMet ? 'holds' : 'does not hold'}`, () => {
      const [found, told] = check(text);
      assert.equal(found, isMet);
      assert.match(told ?? '', actual);
    });
  }

  it('hold for nothing when nothing succeeded', () => {
    const collector = new ResultCollector(1_000, 1_000, 1);
    const recorder = new Recorder();
    recorder.recordRequest('create', 0.2, 'connection: ECONNREFUSED');
    collector.add(0, { atMs: 1_000, users: 1, stats: recorder.take() });
    const result = { total: collector.total(1_000), requests: collector.requests(1_000) };
    assert.deepEqual(
      checkAssertions(parseAssertions('p99<200ms,errors<1%'), result).map(({ isMet, actual }) => [isMet, actual]),
      [
        [false, 'no request succeeded'],
        [false, '100 %'],
      ],
    );
  });
});
