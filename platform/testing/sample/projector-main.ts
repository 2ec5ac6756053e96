import { runProjection } from '../../composition/run-projection.js';
import { projectionSettings } from './settings.js';
import { shopContext } from './context.js';
import { shopView } from './shop-view.js';

runProjection(shopContext, shopView, projectionSettings);
