import { type RunningMesh, startMesh } from '../../mesh/local/index.js';
import { CommandLoad } from './testing/command-load.js';
import { RestClient } from './testing/rest-client.js';

describe('a NATS cluster of three, each node in turn killed under a loop of commands', function () {
  this.timeout(180_000);
  let mesh: RunningMesh;

  before(async () => {
    mesh = await startMesh({ natsNodes: 3 });
  });
  after(() => mesh?.stop());

  it('loses nothing that was acknowledged, and goes on after each election', async () => {
    const load = await CommandLoad.start(new RestClient(mesh.url));
    await load.progress();
    for (const node of ['nats-1', 'nats-2', 'nats-3'] as const) {
      load.takeLongestMs();
      await mesh.process(node).kill('SIGKILL');
      await load.progress(40_000);
      // Healthy means that it has caught up with the others.
      await mesh.process(node).waitHealthy();
      await load.progress();
      console.log(`      longest wait for an acknowledgement around ${node}'s death: ${load.takeLongestMs()} ms`);
    }
    await load.stopAndCheck(mesh);
  });
});
