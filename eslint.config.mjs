import nx from '@nx/eslint-plugin';
import { createProjectGraphAsync } from '@nx/devkit';
import { builtinRules } from 'eslint/use-at-your-own-risk';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import tseslint from 'typescript-eslint';

const root = import.meta.dirname;

const ROOMS = ['apps', 'libs'];
const DRIVERS = ['@nestjs/*', '@prisma/*', '@nats-io/*', '@aws-sdk/*'];

/** Who may import whom, and which packages stay out (house-style.md, section 1). */
const BOUNDARIES = [
  {
    sourceTag: 'type:domain',
    onlyDependOnLibsWithTags: ['type:domain'],
    bannedExternalImports: [...DRIVERS, '@tensorflow/*', 'pino'],
  },
  {
    sourceTag: 'type:engine',
    onlyDependOnLibsWithTags: ['type:domain', 'type:contract'],
    bannedExternalImports: DRIVERS,
  },
  { sourceTag: 'type:contract', onlyDependOnLibsWithTags: ['type:domain'], bannedExternalImports: DRIVERS },
  {
    sourceTag: 'type:adapter',
    onlyDependOnLibsWithTags: ['type:domain', 'type:contract'],
    bannedExternalImports: ['@nestjs/*'],
  },
  {
    sourceTag: 'type:app',
    onlyDependOnLibsWithTags: ['type:domain', 'type:engine', 'type:contract', 'type:adapter'],
  },
  { sourceTag: 'app:api', notDependOnLibsWithTags: ['type:engine'] },
  { sourceTag: 'app:cli', onlyDependOnLibsWithTags: ['*'], bannedExternalImports: ['@prisma/*', '@nats-io/*'] },
  { sourceTag: 'app:web', onlyDependOnLibsWithTags: ['*'], bannedExternalImports: ['@prisma/*', '@nats-io/*'] },
];

/** The boundary rule says nothing about a project whose tags no row names: such a project ends the lint run. */
function assertEveryProjectIsTagged() {
  const known = new Set(BOUNDARIES.map(({ sourceTag }) => sourceTag));
  for (const room of ROOMS) {
    for (const name of readdirSync(join(root, room))) {
      const { tags = [] } = JSON.parse(readFileSync(join(root, room, name, 'project.json'), 'utf8'));
      if (!tags.some((tag) => tag.startsWith('type:') && known.has(tag))) {
        throw new Error(`${room}/${name}/project.json has no type: tag of eslint.config.mjs; give it one.`);
      }
    }
  }
}

assertEveryProjectIsTagged();
// The boundary rule reads Nx's project graph and is silent without one.
process.env.NX_DAEMON = 'false';
await createProjectGraphAsync({ exitOnError: false });

const ENV_MESSAGE = 'Only config.ts reads the environment; pass what is needed as an argument.';

export default tseslint.config(
  {
    ignores: [
      '**/dist/',
      '**/node_modules/',
      '**/generated/',
      '.cache/',
      '.nx/',
      '.ktrdr/',
      'coverage/',
      'prisma/',
      'prisma.config.ts',
    ],
  },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  ...tseslint.configs.recommended,
  {
    files: ['**/*.ts'],
    languageOptions: { parserOptions: { project: './tsconfig.json', tsconfigRootDir: root } },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: { attributes: false } }],
      '@typescript-eslint/await-thenable': 'error',
      '@typescript-eslint/return-await': ['error', 'error-handling-correctness-only'],
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true, requireDefaultForNonUnion: false },
      ],
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/only-throw-error': 'error',
      '@typescript-eslint/prefer-promise-reject-errors': 'error',
    },
  },
  {
    files: ['**/*.{ts,mjs,js}'],
    plugins: { size: { rules: { 'no-huge-file': builtinRules.get('max-lines') } } },
    rules: {
      'max-lines': ['warn', { max: 300 }],
      'size/no-huge-file': ['error', { max: 400 }],
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_', caughtErrorsIgnorePattern: '^_', ignoreRestSiblings: true },
      ],
      eqeqeq: ['error', 'always', { null: 'ignore' }],
    },
  },
  {
    files: ROOMS.map((room) => `${room}/*/src/**/*.ts`),
    plugins: { '@nx': nx },
    rules: {
      '@nx/enforce-module-boundaries': ['error', { enforceBuildableLibDependency: false, depConstraints: BOUNDARIES }],
      'no-console': 'error',
      'no-restricted-syntax': [
        'error',
        { selector: "MemberExpression[object.name='process'][property.name='env']", message: ENV_MESSAGE },
        {
          selector: "VariableDeclarator[init.name='process'] > ObjectPattern > Property[key.name='env']",
          message: ENV_MESSAGE,
        },
        { selector: 'TSEnumDeclaration', message: 'Use a union made from an `as const` list.' },
        { selector: 'ExportAllDeclaration', message: 'Name what is exported.' },
      ],
      'no-restricted-imports': [
        'error',
        { paths: ['node:process', 'process'].map((name) => ({ name, importNames: ['env'], message: ENV_MESSAGE })) },
      ],
    },
  },
  { files: ['apps/cli/src/**/*.ts'], rules: { 'no-console': 'off' } },
  { files: ['**/config.ts', '**/*.test.ts', '**/testing/**/*.ts'], rules: { 'no-restricted-syntax': 'off' } },
);
