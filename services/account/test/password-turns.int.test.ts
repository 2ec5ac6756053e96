import assert from 'node:assert/strict';
import { newPerson, openAccounts, PASSWORD, type RunningAccounts } from './account-fixture.js';
import { reasonOf } from './reason-of.js';

describe('Passwords that are to be checked', () => {
  let running: RunningAccounts;

  before(async () => {
    running = await openAccounts({
      passwordHashesAtOnce: 1,
      passwordHashesWaitingPerClient: 20,
      passwordHashesWaiting: 24,
    });
  });

  after(() => running.close());

  const signInFrom = (client: string, email: string): Promise<string> =>
    reasonOf(running.v1.call('SignIn', { email, password: PASSWORD }, { metadata: { 'x-forwarded-for': client } }));

  it('wait in a bounded number, of one client and in all, and nobody takes the turns of others', async () => {
    await newPerson(running, 'busy@example.com');
    const { metadata } = await newPerson(running, 'calm@example.com');
    const flood = Array.from({ length: 60 }, () => signInFrom('198.51.100.1', 'busy@example.com'));
    const others = Array.from({ length: 20 }, (_, index) => signInFrom(`203.0.113.${index}`, 'calm@example.com'));
    for (let count = 0; count < 5; count += 1) await running.v1.call('GetAccount', {}, { metadata });
    assert.deepEqual(new Set(await Promise.all(others)), new Set(['OK']));
    const outcomes = await Promise.all(flood);
    assert.deepEqual([...new Set(outcomes)].sort(), ['OK', 'RESOURCE_EXHAUSTED OVERLOADED']);
  });
});
