export { MeshError } from './mesh-error.js';
export type { MeshPorts, MeshSettings } from './mesh-settings.js';
export type { MeshState } from './start-components.js';
export { type MeshOptions, type MeshProcessName, type RunningMesh, startMesh } from './start-mesh.js';
export type { ProcessState, SupervisedProcess } from './supervised-process.js';
