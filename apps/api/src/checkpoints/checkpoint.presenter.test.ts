import { type OperationStatus } from '@ktrdr/operations';
import { givenCheckpoint } from '@ktrdr/operations/testing';
import { toCheckpointViews } from './checkpoint.presenter.js';

describe('the suggestion of a checkpoint', () => {
  const hintOf = (status: OperationStatus, corruptedAt: Date | null = null) =>
    toCheckpointViews({ status }, [givenCheckpoint({ id: 'c1', operationId: 'op_1', corruptedAt })])[0]?.suggestions;

  it.each(['paused', 'cancelled', 'failed'] as const)('is to resume a %s operation from it', (status) => {
    expect(hintOf(status)).toEqual([{ action: 'resume', operation_id: 'op_1', checkpoint: 'c1' }]);
  });

  it.each(['completed', 'running', 'queued', 'pausing'] as const)('is to fork a %s one, which cannot be', (status) => {
    expect(hintOf(status)).toEqual([{ action: 'fork', operation_id: 'op_1', checkpoint: 'c1' }]);
  });

  it('is none where it is damaged', () => {
    for (const status of ['cancelled', 'completed'] as const) expect(hintOf(status, new Date(0))).toEqual([]);
  });
});
