import { SUGGESTED_ACTIONS } from '@ktrdr/operations/model';
import { ID } from '../../testing/fixtures.js';
import { commandOf } from './suggestions.js';

const typed = { verb: 'resume' as const, checkpoint: ' --checkpoint best', others: ' --epochs 80' };

describe('a suggestion', () => {
  it.each(SUGGESTED_ACTIONS)('to %s is a command', (action) => {
    expect(commandOf({ action, operation_id: ID }, typed)).toMatch(/^ktrdr [a-z]+( [a-z]+)?( |$)/);
  });

  it('carries its parameters as flags', () => {
    const flags = { checkpoint: 'ck_01', overrides: { learning_rate: 0.1 }, allow_backend_change: true };
    expect(commandOf({ action: 'resume', operation_id: ID, ...flags })).toBe(
      `ktrdr operations resume ${ID} --checkpoint ck_01 --learning-rate 0.1 --allow-backend-change`,
    );
  });

  it('to change a request keeps what was typed, but for what it changes', () => {
    expect(commandOf({ action: 'change-request', operation_id: ID, allow_fallback: true }, typed)).toBe(
      `ktrdr operations resume ${ID} --checkpoint best --epochs 80 --allow-fallback`,
    );
    expect(commandOf({ action: 'change-request', operation_id: ID, checkpoint: 'step:12' }, typed)).toBe(
      `ktrdr operations resume ${ID} --step 12 --epochs 80`,
    );
  });

  it('to fork takes over the choices of a resume', () => {
    expect(commandOf({ action: 'fork', operation_id: ID }, typed)).toBe(
      `ktrdr operations fork ${ID} --checkpoint best --epochs 80`,
    );
  });
});
