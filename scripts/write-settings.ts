import { readFileSync, writeFileSync } from 'node:fs';
import { withSettingsTables } from './settings-document.js';

const path = 'docs/settings.md';
writeFileSync(path, withSettingsTables(readFileSync(path, 'utf8')));
