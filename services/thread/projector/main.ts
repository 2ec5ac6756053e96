import { runProjection } from '../../../platform/composition/run-projection.js';
import { settings, settingsOrExit } from '../../../platform/process/settings.js';
import { threadContext } from '../events/context.js';
import { threadProjectorSettings } from './config.js';
import { threadsProjection } from './projection.js';

runProjection(
  threadContext,
  threadsProjection,
  settingsOrExit(() => settings(threadProjectorSettings)),
);
