// Prints the path of the Node that this project runs on. The scripts of package.json exec it, so that no process of an
// older Node stays in between.
import { nodePath } from './prepare/node-runtime.mjs';
import { projectRoot } from './prepare/project.mjs';

console.log(nodePath(projectRoot));
