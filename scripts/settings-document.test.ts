import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { withSettingsTables } from './settings-document.js';

describe('docs/settings.md', () => {
  it('has the tables that the code has (else: npm run gen)', () => {
    const document = readFileSync(new URL('../docs/settings.md', import.meta.url), 'utf8');
    assert.equal(document, withSettingsTables(document));
  });
});
