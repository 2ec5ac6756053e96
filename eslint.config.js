import tseslint from 'typescript-eslint';

const readsEnvironment = {
  object: 'process',
  property: 'env',
  message: "Read settings in the service's config.ts and pass them on.",
};
const impure = 'The kernel and the domain are pure: let the time, or the id, arrive as an argument.';
const testFiles = ['**/*.test.ts', 'e2e/**', 'platform/testing/**', 'k8s/testing/**'];

export default tseslint.config(
  { ignores: ['dist/', 'gen/', '.tools/', '.data/', 'node_modules/'] },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      // A promise that nobody waits for loses its error, and in a mailbox its place in the order.
      '@typescript-eslint/no-floating-promises': ['error', { checkThenables: true }],
      '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: { arguments: false } }],
      '@typescript-eslint/return-await': ['error', 'error-handling-correctness-only'],
      '@typescript-eslint/promise-function-async': 'off',
      // With these two, a new event or command is a compile-time list of the places that must know it.
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true, requireDefaultForNonUnion: false },
      ],
      '@typescript-eslint/only-throw-error': 'error',
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/no-empty-object-type': ['error', { allowInterfaces: 'with-single-extends' }],
      // Ports are async whether or not a given implementation waits for anything.
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/unbound-method': 'off',
      // It also counts assertions that a reader is helped by.
      '@typescript-eslint/no-unnecessary-type-assertion': 'off',
      'no-restricted-syntax': [
        'error',
        { selector: 'ExportDefaultDeclaration', message: 'Export by name: one name everywhere, found by a search.' },
        {
          selector: 'ClassDeclaration[id.name=/(Manager|Util|Utils|Helper)$/]',
          message: 'Name the class after what it is or does.',
        },
      ],
      eqeqeq: ['error', 'always'],
      'no-console': 'error',
    },
  },
  {
    files: ['{platform,services,load}/**/*.ts'],
    ignores: [
      'services/**/config.ts',
      'platform/process/settings.ts',
      'platform/admin/command-line/config.ts',
      ...testFiles,
    ],
    rules: {
      'no-restricted-properties': ['error', readsEnvironment],
    },
  },
  {
    files: ['platform/kernel/**/*.ts', 'services/**/domain/**/*.ts'],
    ignores: testFiles,
    rules: {
      'no-restricted-properties': [
        'error',
        readsEnvironment,
        { object: 'Date', property: 'now', message: impure },
        { object: 'Math', property: 'random', message: impure },
      ],
      'no-restricted-imports': [
        'error',
        { paths: [{ name: 'node:crypto', allowImportNames: ['createHash'], message: impure }] },
      ],
    },
  },
  {
    files: ['mesh/**/*.ts', 'bench/**/*.ts', 'scripts/**', 'k8s/**', ...testFiles],
    // These speak to a person at a terminal.
    rules: { 'no-console': 'off' },
  },
  {
    files: testFiles,
    rules: { '@typescript-eslint/no-unsafe-assignment': 'off', '@typescript-eslint/no-unsafe-member-access': 'off' },
  },
);
