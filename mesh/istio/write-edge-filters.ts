// What `npm run gen` runs for mesh/istio.
import { writeEdgeFilters } from './render-edge-filters.js';

writeEdgeFilters();
