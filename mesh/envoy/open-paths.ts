import type { AccessRules } from '../../platform/kernel/access-rules.js';
import { restRules } from './rest-paths.js';

/**
 * The paths of what anybody may call, by gRPC and by REST, for an edge that asks for tokens everywhere else.
 * @throws Error when a REST path of such a method has a parameter: nothing here is that wide open
 */
export function openPathsOf(rules: AccessRules): string[] {
  const isOpen = (path: string): boolean => rules[path]?.who === 'anybody';
  const byRest = restRules().filter(({ rpc }) => isOpen(rpc));
  const wide = byRest.find(({ path }) => path.includes('{'));
  if (wide !== undefined) throw new Error(`${wide.path} has a parameter, and needs no token`);
  return [...Object.keys(rules).filter(isOpen), ...byRest.map(({ path }) => path)];
}
