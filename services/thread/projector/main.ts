import { runProjection } from '../../../platform/composition/run-projection.js';
import { settingsOrExit } from '../../../platform/process/environment.js';
import { threadContext } from '../events/context.js';
import { readProjectorConfig } from './config.js';
import { threadsProjection } from './projection.js';

runProjection(
  threadContext,
  threadsProjection,
  settingsOrExit(() => readProjectorConfig()),
);
