import { createServer } from 'node:net';
import type { PortClaim } from './component.js';
import { MeshError } from './mesh-error.js';

/**
 * Looks at every port before anything starts: Envoy would silently share a taken one, and others fail late and
 * obscurely.
 * @throws MeshError that names each port that cannot be had, who wants it, and the variable that changes it
 */
export async function checkPorts(claims: readonly PortClaim[]): Promise<void> {
  const problems: string[] = [];
  const seen = new Map<number, PortClaim>();
  for (const claim of claims) {
    const other = seen.get(claim.port);
    seen.set(claim.port, claim);
    const problem =
      other === undefined ? await bindProblem(claim) : `is also wanted for ${other.purpose} (${other.variable})`;
    if (problem !== undefined) {
      problems.push(`port ${claim.port} ${problem}; ${claim.purpose} wants it. Set ${claim.variable} to another port.`);
    }
  }
  if (problems.length > 0) throw new MeshError(problems.join('\n'));
}

async function bindProblem({ port, host = '127.0.0.1' }: PortClaim): Promise<string | undefined> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', (error: NodeJS.ErrnoException) => resolve(describe(error)));
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(undefined)));
  });
}

function describe(error: NodeJS.ErrnoException): string {
  if (error.code === 'EADDRINUSE') return 'is in use';
  if (error.code === 'EACCES') return 'may only be used by root';
  return `cannot be used (${error.message})`;
}
