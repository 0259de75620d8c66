/** Refuses import cycles. Type-only imports count. */
export default {
  forbidden: [
    {
      name: 'no-circular',
      severity: 'error',
      comment: 'Each file is understood before those that import it. Move what both need to a file below both.',
      from: {},
      to: { circular: true },
    },
    {
      name: 'contracts-see-the-model-only',
      severity: 'error',
      comment: 'A wire carries what the model names. Use cases and their ports stay behind @ktrdr/operations.',
      from: { path: '^libs/contracts/src' },
      to: { path: '^libs/operations/src', pathNot: '^libs/operations/src/model/index.ts$' },
    },
    {
      name: 'runs-in-a-browser',
      severity: 'error',
      comment: 'Browsers import the model, the specs and the contracts. Keep modules of Node out of what these import.',
      from: { path: '^libs/(operations/src/model|specs/src|contracts/src)/index.ts$' },
      to: {
        path: '^(node:|(fs|path|crypto|stream|os|util|events|buffer|child_process|worker_threads|net|http)(/|$))',
        reachable: true,
      },
    },
  ],
  options: {
    doNotFollow: { path: ['node_modules', '/dist/'] },
    exclude: { path: ['/dist/', '/generated/'] },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['@ktrdr/source', 'import', 'types', 'default'],
    },
  },
};
