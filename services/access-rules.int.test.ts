import assert from 'node:assert/strict';
import { methodPaths } from '../e2e/testing/callers.js';
import { accessRules } from './access-rules.js';

describe('the rules of access', () => {
  it('say of every method of the API who may call it, and of nothing else', () => {
    const ofLibraries = /^\/grpc\.(health|reflection)\./;
    assert.deepEqual(
      Object.keys(accessRules)
        .filter((path) => !ofLibraries.test(path))
        .sort(),
      methodPaths()
        .filter((path) => !ofLibraries.test(path))
        .sort(),
    );
  });
});
