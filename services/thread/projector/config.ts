import { projectionSettings } from '../../../platform/composition/projection-settings.js';

/** Settings of thread-projector. */
export const threadProjectorSettings = projectionSettings(50_053, 'thread');
