import { startMesh, type MeshProcessName, type RunningMesh } from '../mesh/local/index.js';
import { checkReadModel, CommandLoad, openThread, post } from './testing/command-load.js';
import { eventually } from './testing/eventually.js';
import { RestClient } from './testing/rest-client.js';

const owners: readonly MeshProcessName[] = ['thread-command', 'thread-command-2', 'thread-command-3'];
const projectors: readonly MeshProcessName[] = ['thread-projector', 'thread-projector-2'];

describe('three instances of thread-command and two of each other service', function () {
  this.timeout(120_000);
  let mesh: RunningMesh;
  let rest: RestClient;

  before(async () => {
    mesh = await startMesh({ instances: 3 });
    rest = new RestClient(mesh.url);
  });
  after(() => mesh?.stop());

  it('lose and double nothing when each thread-command in turn is killed under load', async () => {
    const load = await CommandLoad.start(rest, 6);
    await load.progress();
    for (const owner of owners) {
      await mesh.process(owner).kill('SIGKILL');
      // Those left go on meanwhile.
      await load.progress();
      await mesh.process(owner).waitHealthy();
      await load.progress();
    }
    await load.stopAndCheck(mesh);
  });

  it('go on projecting and answering queries with one of each', async () => {
    for (const projector of projectors) {
      const written = await openThread(rest);
      await mesh.process(projector).kill('SIGKILL');
      await mesh.process('thread-query-2').kill('SIGKILL');
      await post(rest, written);
      await eventually(() => checkReadModel(rest, written), 20_000);
      await mesh.process(projector).waitHealthy();
    }
  });
});
