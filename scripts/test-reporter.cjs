const { writeFileSync } = require('node:fs');
const { reporters } = require('mocha');

/** Mocha's own `spec`, which also leaves its counts in the file that TEST_COUNTS_FILE names, for scripts/test.mjs. */
module.exports = class SpecWithCounts extends reporters.Spec {
  epilogue() {
    super.epilogue();
    const { passes, failures, pending } = this.stats;
    writeFileSync(process.env.TEST_COUNTS_FILE, JSON.stringify({ passes, failures, pending }));
  }
};
