import assert from 'node:assert/strict';
import { join } from 'node:path';
import { portSettings } from '../mesh/local/mesh-settings.js';
import { type MeshPorts, type RunningMesh } from '../mesh/local/index.js';
import { projectRoot } from '../platform/process/project-root.js';
import { BashSession } from './testing/bash-session.js';
import { sharedMesh } from './testing/shared-mesh.js';
import { documents, shellBlocksOf, type ShellBlock } from './testing/shell-blocks.js';

const names = Object.keys(portSettings) as (keyof MeshPorts)[];

/** The block for a mesh on other ports than the default ones, and with its data elsewhere. */
function moved(text: string, mesh: RunningMesh): string {
  const withPorts = text.replace(/\b(localhost|127\.0\.0\.1):(\d+)\b/g, (address, host: string, port: string) => {
    const name = names.find((each) => portSettings[each].port === Number(port));
    return name === undefined ? address : `${host}:${mesh.ports[name]}`;
  });
  const files = /(^|\s)(backup\.bin|threads\.journal)\b/gm;
  return withPorts.replaceAll('.data/', `${mesh.dataDir}/`).replace(files, `$1${mesh.dataDir}/$2`);
}

describe('commands in the documents, pasted in order', function () {
  // npm starts a program or two for each. A block that takes longer than that wants `no-run: minutes` in its fence.
  this.timeout(120_000);
  const notRun: ShellBlock[] = [];
  let session: BashSession | undefined;

  // Also after a time-out.
  afterEach(() => session?.close());

  for (const path of documents()) {
    const blocks = shellBlocksOf(path);
    notRun.push(...blocks.filter(({ kind }) => kind === 'no-run'));
    if (blocks.every(({ kind }) => kind === 'no-run')) continue;

    it(`of ${path} do what they promise`, async () => {
      const mesh = await sharedMesh();
      const tools = join(projectRoot, '.tools', 'go', 'bin');
      const bash = new BashSession({
        DATA_DIR: mesh.dataDir,
        NATS_URL: '',
        MYSQL_URL: '',
        PATH: `${process.env.PATH}:${tools}`,
      });
      session = bash;
      for (const { place, text, kind } of blocks) {
        if (kind === 'no-run') continue;
        const block = moved(text, mesh);
        const { output, failed } = kind === 'run' ? await bash.run(block) : await bash.runUntilFirstLine(block);
        assert.deepEqual(failed, [], `${place}:\n${output}`);
        assert.notEqual(output.trim(), '', `${place} shows nothing`);
        assert.doesNotMatch(output, /"error_messages":\s*\["/, place);
      }
    });
  }

  it('have no blanks that somebody would have to fill in first', () => {
    const blanks = documents()
      .flatMap(shellBlocksOf)
      .flatMap(({ place, text, kind }) =>
        text
          .split('\n')
          .filter((line) => kind !== 'no-run' && /…/.test(line.replace(/(^|\s)#.*$/, '')))
          .map((line) => `${place}: ${line}`),
      );
    assert.deepEqual(blanks, []);
  });

  after(() => {
    const lines = notRun.map(({ place, reason }) => `      not run: ${place}, ${reason}`);
    console.log(lines.join('\n'));
  });
});
