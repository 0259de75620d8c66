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
      suggestions: [
        { action: 'show-operation', operation_id: ID },
        { action: 'pause', operation_id: ID },
        { action: 'cancel', operation_id: ID },
      ],
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

  it('suggests a login where no token is known', () => {
    expect(render({ code: 'unauthorized', title: 'Unauthorized', detail: 'The token is not known' })).toBe(
      lines('The token is not known', '  next   ktrdr login   (KTRDR_API_TOKEN, where it is set, goes first)'),
    );
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
      suggestions: [{ action: 'change-request', operation_id: ID, allow_fallback: true }],
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
    expect(
      render({
        ...problem,
        fallback: null,
        lost_steps: null,
        suggestions: [{ action: 'list-checkpoints', operation_id: ID }],
      }),
    ).toContain(
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
      suggestions: [{ action: 'explain-operation', operation_id: ID }],
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
      status: 422,
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

  it('is shown even when it carries nothing that it should', () => {
    const odd = { code: 'of-tomorrow', title: 'Odd', bad_files: 'none', problems: [null, 3], allowed_actions: 7 };
    expect(render(odd)).toBe('Odd');
  });
});
