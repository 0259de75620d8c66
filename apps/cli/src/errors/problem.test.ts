import { ID, plainText } from '../testing/fixtures.js';
import type { ProblemDocument } from '../render/words/problem-document.js';
import { nextCommands } from '../render/words/suggestions.js';
import { renderProblem } from './problem.js';

const render = (problem: ProblemDocument) => plainText(renderProblem(problem, nextCommands(problem)));
const lines = (...expected: string[]) => expected.join('\n');

describe('a refusal', () => {
  it('names the state, what is allowed and what to type', () => {
    const problem = {
      code: 'illegal-transition',
      title: 'Conflict',
      status: 409,
      detail: `Cannot resume ${ID}: it is running; it allows pause, cancel`,
      operation_id: ID,
      operation_status: 'running',
      allowed_actions: ['pause', 'cancel'],
    };
    expect(render(problem)).toBe(
      lines(
        `Cannot resume ${ID}: it is running; it allows pause, cancel`,
        '  status    running',
        '  allowed   pause, cancel',
        `  next      ktrdr operations show ${ID}`,
        `            ktrdr operations pause ${ID}`,
        `            ktrdr operations cancel ${ID}`,
      ),
    );
  });

  it('of a resume suggests a fork where the operation is completed', () => {
    const problem = {
      code: 'illegal-transition',
      title: 'Conflict',
      operation_id: ID,
      operation_status: 'completed',
      allowed_actions: ['retry', 'delete'],
    };
    expect(nextCommands({ ...problem, action: 'resume' })).toEqual([
      `ktrdr operations show ${ID}`,
      `ktrdr operations fork ${ID}`,
      `ktrdr operations retry ${ID}`,
    ]);
    expect(nextCommands({ ...problem, action: 'pause' })).not.toContain(`ktrdr operations fork ${ID}`);
  });

  it('of a corrupted checkpoint names the files, the fallback, its cost and the command', () => {
    const problem = {
      code: 'checkpoint-corrupted',
      title: 'Unprocessable',
      detail: `Checkpoint ck_02 of ${ID} is corrupted`,
      operation_id: ID,
      checkpoint_id: 'ck_02',
      bad_files: [
        { name: 'weights.safetensors', problem: 'wrong-hash', detail: 'expected ab…, found cd…' },
        { name: 'state.json', problem: 'missing', detail: '' },
      ],
      fallback: { checkpoint_id: 'ck_01', step: 1344, epoch: 24 },
      lost_steps: 56,
    };
    expect(render(problem)).toBe(
      lines(
        `Checkpoint ck_02 of ${ID} is corrupted`,
        '  bad files   weights.safetensors  wrong-hash  (expected ab…, found cd…)',
        '              state.json  missing',
        '  fallback    ck_01 (epoch 24, step 1,344), which costs 56 steps',
        `  next        ktrdr operations resume ${ID} --allow-fallback`,
      ),
    );
    expect(render({ ...problem, fallback: null, lost_steps: null })).toContain(
      lines(
        '  fallback    none: no older checkpoint of this operation is valid',
        `  next        ktrdr checkpoints ${ID}`,
      ),
    );
  });

  it('of a missing checkpoint gives the possible reasons', () => {
    const problem = {
      code: 'checkpoint-not-found',
      title: 'Not Found',
      detail: 'There is nothing to resume from',
      operation_id: ID,
      possible_reasons: ['it was cancelled with discard', 'retention removed it'],
    };
    expect(render(problem)).toBe(
      lines(
        'There is nothing to resume from',
        '  hint   it was cancelled with discard',
        '         retention removed it',
        `  next   ktrdr operations explain ${ID}`,
      ),
    );
  });

  it('of a specification lists every offending path', () => {
    const problem = {
      code: 'spec-invalid',
      title: 'Unprocessable',
      detail: 'The spec is not valid: epochs: too small; model.layers: is missing',
      problems: [
        { path: 'epochs', message: 'too small', line: 14 },
        { path: 'model.layers', message: 'is missing' },
        { path: '', message: 'is not an object' },
      ],
    };
    expect(render(problem)).toBe(
      lines(
        'The spec is not valid',
        '  where   epochs (line 14): too small',
        '          model.layers: is missing',
        '          the document: is not an object',
      ),
    );
  });

  it('speaks of flags and commands where the API speaks of fields and headers', () => {
    const unknown = {
      code: 'unauthorized',
      title: 'Unauthorized',
      detail: 'The token is not known; send "Authorization: Bearer TOKEN"',
    };
    expect(render(unknown)).toBe(
      lines(
        'The token is not known; set KTRDR_API_TOKEN, which goes first, or run "ktrdr login"',
        '  next   ktrdr login',
      ),
    );
    const message = 'set allow_backend_change to accept a result within a tolerance';
    const problems = [{ path: 'overrides.backend', message }];
    expect(render({ code: 'request-invalid', title: 'The body is not valid', problems })).toContain(
      'overrides.backend: give --allow-backend-change to accept',
    );
    const possible_reasons = ['it stopped early (allow_fallback then begins again at step 0)'];
    expect(render({ code: 'checkpoint-not-found', title: 'None', possible_reasons })).toContain(
      '(--allow-fallback then begins again at step 0)',
    );
  });

  it('is shown even when it carries nothing that it should', () => {
    const odd = { code: 'of-tomorrow', title: 'Odd', bad_files: 'none', problems: [null, 3], allowed_actions: 7 };
    expect(render(odd)).toBe('Odd');
  });
});
