import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '../../platform/process/project-root.js';

/** A block of commands in a document. */
export interface ShellBlock {
  /** `README.md:38`. */
  readonly place: string;
  readonly text: string;
  /**
   * What the fence says after `sh`: nothing; `stream`, whose commands go on until Ctrl-C; or `no-run: ` and why it
   * cannot run in a test.
   */
  readonly kind: 'run' | 'stream' | 'no-run';
  /** Of `no-run`. */
  readonly reason: string;
}

/** The documents that people paste from, by their paths. */
export function documents(): string[] {
  const inDocs = readdirSync(join(projectRoot, 'docs')).filter((name) => name.endsWith('.md'));
  return ['README.md', 'CONTRIBUTING.md', ...inDocs.sort().map((name) => `docs/${name}`)];
}

/** A document's shell blocks in order. @throws Error for a fence that says what nobody understands */
export function shellBlocksOf(path: string): ShellBlock[] {
  const markdown = readFileSync(join(projectRoot, path), 'utf8');
  return [...markdown.matchAll(/^( *(?:\d+\. )?)```(?:sh|shell|bash)([^\n]*)\n([\s\S]*?)^ *```$/gm)].map((match) => {
    const [, margin = '', info = '', block = ''] = match;
    const place = `${path}:${markdown.slice(0, match.index).split('\n').length}`;
    const [, kind, reason = ''] = /^ (stream|no-run)(?:: (.+))?$/.exec(info) ?? [];
    if (info !== '' && (kind === undefined || (kind === 'no-run') !== (reason !== ''))) {
      throw new Error(`${place}: the fence says "sh${info}"; it may say "sh", "sh stream" or "sh no-run: why"`);
    }
    const text = block.replaceAll(new RegExp(`^ {${margin.length}}`, 'gm'), '');
    return { place, text, kind: (kind ?? 'run') as ShellBlock['kind'], reason };
  });
}
