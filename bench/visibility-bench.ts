import { ulid } from 'ulid';
import { startMesh } from '../mesh/local/index.js';
import { endProgress, printTable, showProgress, summarize } from './table.js';

/**
 * Creates threads one at a time over the older REST API through Envoy and asks for each until it is there, as its load
 * clients do, but without their pause. The reference is the same GET of a thread that is there already.
 */
export async function benchVisibility({ count = 300 }: { count: number | undefined }): Promise<void> {
  const mesh = await startMesh();
  try {
    const creates: number[] = [];
    const visible: number[] = [];
    const gets: number[] = [];
    let asked = 0;
    for (let index = -50; index < count; index += 1) {
      const account = ulid();
      const startedAt = performance.now();
      const id = await createThread(mesh.url, account);
      const answeredAt = performance.now();
      do asked += index < 0 ? 0 : 1;
      while (!(await isThere(mesh.url, id, account)));
      const seenAt = performance.now();
      await isThere(mesh.url, id, account);
      const endedAt = performance.now();
      // The first ones warm everything up.
      if (index < 0) continue;
      creates.push(answeredAt - startedAt);
      visible.push(seenAt - answeredAt);
      gets.push(endedAt - seenAt);
      showProgress(`${index + 1} of ${count}`);
    }
    endProgress();
    const reference = summarize(gets);
    const rows = {
      'create, until answered': creates,
      'from there until GET shows it': visible,
      'GET alone (reference)': gets,
    };
    printTable(
      Object.entries(rows).map(([what, samples]) => {
        const summary = summarize(samples);
        return { 'ms, one at a time': what, ...summary, 'p50 / reference': summary.p50 / reference.p50 };
      }),
    );
    console.log(`  ${count} threads, ${(asked / count).toFixed(2)} GETs each until it was there`);
  } finally {
    await mesh.stop();
  }
}

async function createThread(url: string, account: string): Promise<string> {
  const response = await fetch(`${url}/v1/threads/create`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      accountId: account,
      title: 'visible soon',
      administratorIds: [account],
      memberIds: [account],
      createAt: Date.now(),
    }),
  });
  const { threadId } = (await response.json()) as { threadId: string };
  return threadId;
}

async function isThere(url: string, id: string, account: string): Promise<boolean> {
  const response = await fetch(`${url}/v1/threads/${id}?account_id=${account}`);
  await response.arrayBuffer();
  return response.status === 200;
}
