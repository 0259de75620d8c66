// TensorFlow reads the environment of the process, of which a test has only a copy.
if (process.env.KTRDR_NATIVE) {
  const { setTensorFlowVariables } = await import('./libs/trainer/dist/tensorflow/native/config.js');
  setTensorFlowVariables();
}

/**
 * `unit` is beside the code; `services` runs parts on real PostgreSQL, NATS and object stores; `system` runs workers and
 * trainers as well, and `patient` is what of that leaves a core idle. `npm test` runs them as tools/run.mjs says.
 */
const shared = {
  rootDir: import.meta.dirname,
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        jsc: {
          parser: { syntax: 'typescript', decorators: true },
          transform: { legacyDecorator: true, decoratorMetadata: true },
          target: 'es2023',
        },
        module: { type: 'es6' },
        sourceMaps: 'inline',
      },
    ],
  },
  moduleNameMapper: {
    '^@ktrdr/migrate$': '<rootDir>/apps/migrate/src/index.ts',
    '^@ktrdr/([a-z-]+)/(model|testing)$': '<rootDir>/libs/$1/src/$2/index.ts',
    '^@ktrdr/([a-z-]+)$': '<rootDir>/libs/$1/src/index.ts',
    '^(\\.{1,2}/.*)\\.js$': '$1',
  },
  modulePathIgnorePatterns: ['/dist/', '<rootDir>/\\.'],
};

/** Servers that are shared; each file then has a database, streams and a store of its own. */
const onServices = {
  globalSetup: '<rootDir>/tests/integration/support/global-setup.ts',
  globalTeardown: '<rootDir>/tests/integration/support/global-teardown.ts',
};

/** Files of the system whose trainers mostly wait: they are paced, or only count. */
const PATIENT = [
  'bad-data',
  'cli',
  'clock-jump',
  'events-kept',
  'hints-lost',
  'many-stops',
  'nats-replaced',
  'orphaned-trainer',
  'outages',
  'process-directories',
  'process-trainer',
  'support-processes',
  'watchdog',
  'worker',
  'worker-admission',
  'worker-own-trainer',
];

export default {
  projects: [
    {
      ...shared,
      displayName: 'unit',
      testMatch: ['<rootDir>/{apps,libs,tools,bench}/**/*.test.ts'],
      testPathIgnorePatterns: ['\\.int\\.test\\.ts$', '/node_modules/', '/dist/'],
    },
    {
      ...shared,
      ...onServices,
      displayName: 'services',
      testMatch: ['<rootDir>/tests/integration/services/**/*.int.test.ts'],
    },
    {
      ...shared,
      ...onServices,
      displayName: 'system',
      testMatch: ['<rootDir>/tests/integration/*.int.test.ts'],
      testPathIgnorePatterns: ['/node_modules/', '/dist/', `/integration/(${PATIENT.join('|')})\\.int\\.test\\.ts$`],
    },
    {
      ...shared,
      ...onServices,
      displayName: 'patient',
      testMatch: [`<rootDir>/tests/integration/{${PATIENT.join(',')}}.int.test.ts`],
    },
    {
      ...shared,
      displayName: 'containers',
      testMatch: ['<rootDir>/tests/containers/*.int.test.ts'],
    },
  ],
  // Only what hangs is ended by it: a busy machine may take several times as long as a quiet one.
  testTimeout: 300_000,
  // Each file of the system is several processes that all compute: two files at once on two cores only wait for each other.
  maxWorkers: '50%',
};
