// The API's files: lint, format, no breaking change against main, and generated code that is up to date.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { projectRoot } from './prepare/project.mjs';

const buf = join(projectRoot, 'node_modules', '.bin', 'buf');

function runBuf(...args) {
  try {
    return execFileSync(buf, args, { cwd: projectRoot, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  } catch (error) {
    throw new Error(`buf ${args.join(' ')} failed:\n${error.stdout}${error.stderr}`, { cause: error });
  }
}

/** Every file below a folder, by its path in it. */
function filesIn(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name).slice(folder.length + 1))
    .sort();
}

describe('proto', function () {
  this.timeout(60_000);
  let folder;
  before(() => (folder = mkdtempSync(join(tmpdir(), 'threadweaver-proto-'))));
  after(() => rmSync(folder, { recursive: true, force: true }));

  it('passes buf lint, but for the older packages that are excepted by name', () => runBuf('lint'));

  it('is formatted', () =>
    runBuf('format', '--path', 'proto/threadweaver', '--path', 'proto/thread', '--diff', '--exit-code'));

  it('breaks no client of main', function () {
    // Without git's history, as in an unpacked archive, there is nothing to compare with.
    if (!existsSync(join(projectRoot, '.git'))) this.skip();
    runBuf('breaking', '--against', '.git#branch=main');
  });

  it('would be found breaking if a field changed its number', () => {
    execFileSync('cp', ['-r', join(projectRoot, 'proto'), folder]);
    writeFileSync(join(folder, 'buf.yaml'), readFileSync(join(projectRoot, 'buf.yaml')));
    const file = join(folder, 'proto/thread/thread_messages.proto');
    writeFileSync(file, readFileSync(file, 'utf8').replace('int64 create_at = 254', 'int64 create_at = 253'));
    assert.throws(() => runBuf('breaking', folder, '--against', projectRoot), /create_at/);
  });

  it('has generated code that buf generates again just so', () => {
    runBuf('generate', '--output', folder);
    runBuf('build', '--output', join(folder, 'gen/descriptor.binpb'));
    const [fresh, committed] = [join(folder, 'gen'), join(projectRoot, 'gen')];
    assert.deepEqual(filesIn(committed), filesIn(fresh), 'run npm run gen');
    for (const file of filesIn(fresh)) {
      assert.ok(
        readFileSync(join(fresh, file)).equals(readFileSync(join(committed, file))),
        `${file}: run npm run gen`,
      );
    }
  });
});
