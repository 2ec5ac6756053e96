import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { projectRoot } from '../../platform/process/project-root.js';
import type { Load, OpenLoad, RoundOrder } from './load.js';

/** What the bench asks of its driver; `id` comes back with the answer. */
export type DriverRequest = { readonly id: number } & (
  | { readonly kind: 'open'; readonly name: string; readonly module: string; readonly options: unknown }
  | { readonly kind: 'round'; readonly name: string; readonly order: RoundOrder }
);

const loads = new Map<string, Load>();

async function answer(request: DriverRequest): Promise<unknown> {
  if (request.kind === 'open') {
    const path = join(projectRoot, 'dist', 'bench', 'loads', `${request.module}.js`);
    const { open } = (await import(pathToFileURL(path).href)) as { open: OpenLoad };
    loads.set(request.name, await open(request.options as never));
    return undefined;
  }
  // So that no round pays for what the one before it left behind.
  globalThis.gc?.();
  return loads.get(request.name)?.round(request.order);
}

process.on('message', (request: DriverRequest) => {
  answer(request).then(
    (result) => process.send?.({ id: request.id, result }),
    (error: unknown) => process.send?.({ id: request.id, error: error instanceof Error ? error.stack : String(error) }),
  );
});
process.on('disconnect', () => process.exit(0));
