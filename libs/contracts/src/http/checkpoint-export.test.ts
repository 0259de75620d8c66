import { CheckpointExport } from './checkpoint-export.js';

const HASH = 'a'.repeat(64);
const operation = {
  operation_id: 'op_training_20261121_090000_abcdef1234',
  type: 'training',
  name: 'a name',
  labels: { team: 'a' },
  spec: {},
  spec_sha256: HASH,
  former_spec_sha256: [HASH],
  requirements: ['type:training'],
  pinned_backend: null,
  max_recoveries: 10,
  steps: 2_147_483_647,
  epochs: 10,
};

function problemsOf(changes: Readonly<Record<string, unknown>>): readonly string[] {
  const parsed = CheckpointExport.safeParse({
    format: 'ktrdr-checkpoint',
    version: 1,
    exported_at: '2026-11-22T10:15:00Z',
    operation: { ...operation, ...changes },
    manifest: {},
    manifest_sha256: HASH,
    sha256: HASH,
  });
  return parsed.error?.issues.map(({ path }) => path.join('.')) ?? [];
}

describe('an exported checkpoint', () => {
  it('may say of its operation what a submission may', () => {
    expect(problemsOf({})).toEqual([]);
    expect(problemsOf({ name: '' })).toEqual(['operation.name']);
    expect(problemsOf({ labels: { 'Bad Key !!': 'x'.repeat(100_000) } })).toEqual(['operation.labels.Bad Key !!']);
    expect(problemsOf({ labels: { ['k'.repeat(64)]: 'v' } })).toEqual([`operation.labels.${'k'.repeat(64)}`]);
    expect(problemsOf({ max_recoveries: 2_147_483_648 })).toEqual(['operation.max_recoveries']);
  });

  it('plans no more than can be counted', () => {
    expect(problemsOf({ steps: 2_147_483_648, epochs: Number.MAX_SAFE_INTEGER })).toEqual([
      'operation.steps',
      'operation.epochs',
    ]);
  });

  it('names specs by their hashes', () => {
    expect(problemsOf({ spec_sha256: 'x', former_spec_sha256: [HASH, ''] })).toEqual([
      'operation.spec_sha256',
      'operation.former_spec_sha256.1',
    ]);
  });
});
