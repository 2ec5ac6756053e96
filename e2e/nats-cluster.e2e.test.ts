import { type RunningMesh, startMesh } from '../mesh/local/index.js';
import { journalLayouts } from '../platform/nats/open-journal.js';
import { CommandLoad } from './testing/command-load.js';
import { RestClient } from './testing/rest-client.js';

const nodes = ['nats-1', 'nats-2', 'nats-3'] as const;

for (const layout of journalLayouts) {
  describe(`a NATS cluster of three, layout ${layout}, its nodes killed in turn under a loop of commands`, function () {
    this.timeout(180_000);
    let mesh: RunningMesh;

    before(async () => {
      mesh = await startMesh({ natsNodes: 3, serviceEnv: { JOURNAL_LAYOUT: layout } });
    });
    after(() => mesh?.stop());

    it('loses nothing that was acknowledged, and goes on after each election', async () => {
      const load = await CommandLoad.start(new RestClient(mesh.url));
      await load.progress();
      for (const node of nodes) {
        load.takeLongestMs();
        await mesh.process(node).kill('SIGKILL');
        await load.progress(40_000);
        // Healthy means that it has caught up with the others.
        await mesh.process(node).waitHealthy();
        await load.progress();
        console.log(`      longest wait for an acknowledgement around ${node}'s death: ${load.takeLongestMs()} ms`);
      }
      await load.stopAndCheck(mesh, layout);
    });
  });
}
