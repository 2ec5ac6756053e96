/**
 * The layers, as rules: main → adapters → runtime → domain → kernel. Each comment says what to do instead.
 * Run by scripts/layering.test.mjs.
 * @type {import('dependency-cruiser').IConfiguration}
 */
const tests = '\\.test\\.ts$|^services/e2e/|/test/|^services/shared/testing/';
const notServices = 'shared|gen|e2e|thread-events';

module.exports = {
  forbidden: [
    {
      name: 'kernel-stands-alone',
      comment:
        'The kernel knows nothing but itself. Move what needs more into runtime, or pass it in (a clock, an id) as an argument.',
      severity: 'error',
      from: { path: '^services/shared/kernel/', pathNot: tests },
      // Of crypto only hashing, which is pure: eslint.config.js sees to that.
      to: { pathNot: ['^services/shared/kernel/', '^node_modules/(ulid|immutable)/', '^(node:)?crypto$'] },
    },
    {
      name: 'domain-is-pure',
      comment:
        'The domain imports the kernel and the event types, nothing else. Do I/O in an adapter, behind a port of runtime, and hand the domain its answer.',
      severity: 'error',
      from: { path: '^services/([^/]+)/domain/', pathNot: tests },
      to: {
        pathNot: [
          '^services/$1/domain/',
          '^services/shared/kernel/',
          '^services/thread-events/thread-event\\.ts$',
          '^node_modules/(ulid|immutable)/',
        ],
      },
    },
    {
      name: 'runtime-knows-no-adapter',
      comment: 'Declare a port (an interface) in runtime, implement it in adapters, and join the two in main.ts.',
      severity: 'error',
      from: { path: '^services/[^/]+/runtime/', pathNot: tests },
      to: { path: '^services/[^/]+/(adapters/|main\\.ts$|config\\.ts$)' },
    },
    {
      name: 'adapters-know-no-main',
      comment: 'Take settings and collaborators as arguments; main.ts reads config.ts and passes them in.',
      severity: 'error',
      from: { path: '^services/[^/]+/adapters/', pathNot: tests },
      to: { path: '^services/[^/]+/(main|config)\\.ts$' },
    },
    {
      name: 'services-share-only-contracts',
      comment:
        'A service may be deployed, scaled and replaced alone. Share an API through proto/ and services/gen, event types through services/thread-events, mechanics through services/shared.',
      severity: 'error',
      from: { path: '^services/([^/]+)/', pathNot: [`^services/(${notServices})/`, tests] },
      to: { path: '^services/', pathNot: '^services/($1|shared|gen|thread-events)/' },
    },
    {
      name: 'shared-knows-no-context',
      comment: 'services/shared does not know what a thread is. Make it generic, or move the code into the service.',
      severity: 'error',
      from: { path: '^services/shared/', pathNot: '\\.test\\.ts$' },
      to: { path: '^services/', pathNot: '^services/(shared|gen)/' },
    },
    {
      name: 'thread-events-is-a-language',
      comment: 'The published language is types and their codec. Behaviour belongs in the service that has it.',
      severity: 'error',
      from: { path: '^services/thread-events/', pathNot: tests },
      to: { path: '^services/', pathNot: '^services/(thread-events|gen|shared/(kernel|runtime))/' },
    },
    {
      name: 'services-know-no-tooling',
      comment: 'mesh, bench and scripts start services, not the other way round. Only tests may import them.',
      severity: 'error',
      from: { path: '^services/', pathNot: '\\.test\\.ts$|^services/e2e/' },
      to: { path: '^(mesh|bench|scripts)/' },
    },
    {
      name: 'nothing-shipped-imports-tests',
      comment: 'Move what both need out of the test folder. (mesh/local may use the server launchers.)',
      severity: 'error',
      from: { path: '^services/', pathNot: tests },
      to: { path: tests },
    },
    {
      name: 'shipped-code-uses-shipped-packages',
      comment: 'A dev dependency is not there in production: move it to "dependencies".',
      severity: 'error',
      from: { path: '^services/', pathNot: tests },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['npm'] },
    },
    {
      name: 'no-circle',
      comment: 'Two modules that need each other are one module, or hide a third that both need: take it out.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'resolvable',
      comment: 'The import leads nowhere: a typing error, or a package that package.json does not name.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: ['node_modules', '^services/gen/'] },
    exclude: { path: '^dist/' },
    // Type-only imports are dependencies too.
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
    },
  },
};
