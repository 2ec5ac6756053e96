import { writeFileSync } from 'node:fs';
import { licencesDocument } from './locked-packages.js';

writeFileSync('docs/licences.md', licencesDocument());
