import { ulid } from 'ulid';
import { newCall } from '../load/engine/user.js';
import { connect } from '../load/transports/connect.js';
import { startMesh } from '../mesh/local/index.js';
import { endProgress, printBeside, showProgress } from './table.js';

const TIMEOUT_MS = 10_000;

/**
 * Creates threads one at a time over the older REST API through Envoy and asks for each until it is there, as its load
 * clients do, but without their pause. The reference is the same GET of a thread that is there already.
 */
export async function benchVisibility({ count = 300 }: { count: number | undefined }): Promise<void> {
  const mesh = await startMesh();
  const api = connect('rest', mesh.url, 1);
  try {
    const creates: number[] = [];
    const visible: number[] = [];
    const gets: number[] = [];
    let asked = 0;
    for (let index = -50; index < count; index += 1) {
      const account = ulid();
      const startedAt = performance.now();
      const id = (
        await api.createThread(newCall(TIMEOUT_MS), { accountId: account, title: 'visible soon', memberIds: [account] })
      ).threadId;
      const isThere = async (): Promise<boolean> =>
        api.getThread(newCall(TIMEOUT_MS), { accountId: account, threadId: id }).then(
          () => true,
          () => false,
        );
      const answeredAt = performance.now();
      do asked += index < 0 ? 0 : 1;
      while (!(await isThere()));
      const seenAt = performance.now();
      await isThere();
      const endedAt = performance.now();
      // The first ones warm everything up.
      if (index < 0) continue;
      creates.push(answeredAt - startedAt);
      visible.push(seenAt - answeredAt);
      gets.push(endedAt - seenAt);
      showProgress(`${index + 1} of ${count}`);
    }
    endProgress();
    const rows = {
      'create, until answered': creates,
      'from there until GET shows it': visible,
      'GET alone (reference)': gets,
    };
    printBeside(gets, rows);
    console.log(`  ${count} threads, ${(asked / count).toFixed(2)} GETs each until it was there`);
  } finally {
    await api.close();
    await mesh.stop();
  }
}
