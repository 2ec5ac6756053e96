const { writeFileSync } = require('node:fs');
const { relative } = require('node:path');
const { reporters, Runner } = require('mocha');

const { EVENT_TEST_PASS, EVENT_TEST_FAIL, EVENT_TEST_PENDING, EVENT_SUITE_BEGIN, EVENT_SUITE_END } = Runner.constants;

/** Mocha's own `spec`, which also leaves what came of each file in the one that TEST_RESULTS_FILE names, for scripts/test. */
module.exports = class SpecWithResults extends reporters.Spec {
  constructor(runner, options) {
    super(runner, options);
    this.files = {};
    runner.on(EVENT_TEST_PASS, (test) => (this.#of(test).passed += 1));
    runner.on(EVENT_TEST_PENDING, (test) => (this.#of(test).skipped += 1));
    // A hook that fails counts, too.
    runner.on(EVENT_TEST_FAIL, (test) => this.#of(test).failed.push(test.fullTitle()));
    const begun = new Map();
    runner.on(EVENT_SUITE_BEGIN, (suite) => begun.set(suite, Date.now()));
    runner.on(EVENT_SUITE_END, (suite) => {
      if (suite.parent?.root === true) this.#of(suite).ms += Date.now() - begun.get(suite);
    });
  }

  epilogue() {
    super.epilogue();
    writeFileSync(process.env.TEST_RESULTS_FILE, JSON.stringify(this.files));
  }

  /** The results of the file that something is in. */
  #of({ file }) {
    const path = file === undefined ? 'a hook of all files' : relative(process.cwd(), file);
    return (this.files[path] ??= { passed: 0, failed: [], skipped: 0, ms: 0 });
  }
};
