import { startMesh, type MeshProcessName, type RunningMesh } from '../mesh/local/index.js';
import { checkReadModel, CommandLoad, openThread, post } from './testing/command-load.js';
import { eventually } from './testing/eventually.js';
import { RestClient } from './testing/rest-client.js';

const victims: readonly MeshProcessName[] = [
  'thread-command',
  'nats',
  'thread-projector',
  'mysql',
  'thread-query',
  'envoy',
];

describe('kill -9 of each process in turn, under a loop of commands', function () {
  this.timeout(180_000);
  let mesh: RunningMesh;
  let rest: RestClient;

  before(async () => {
    mesh = await startMesh();
    rest = new RestClient(mesh.url);
  });
  after(() => mesh?.stop());

  it('loses nothing that was acknowledged and applies nothing twice', async () => {
    const load = await CommandLoad.start(rest);
    await load.progress();
    for (const victim of victims) {
      await mesh.process(victim).kill('SIGKILL');
      await mesh.process(victim).waitHealthy();
      await load.progress();
    }
    await load.stopAndCheck(mesh);
  });

  it('shows the same threads after a restart of everything', async () => {
    const written = await openThread(rest);
    await post(rest, written);
    await eventually(() => checkReadModel(rest, written));
    for (const name of [...victims].reverse()) await mesh.process(name).kill('SIGTERM');
    await Promise.all(victims.map((name) => mesh.process(name).waitHealthy()));
    await eventually(() => checkReadModel(rest, written), 20_000);
    await post(rest, written);
    await eventually(() => checkReadModel(rest, written), 20_000);
  });
});
