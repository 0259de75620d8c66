import { z } from 'zod';
import { compileLogPattern } from './log-pattern.js';
import { fillPlaceholders, ProcessTrainingSpec } from './process-training-spec.js';

const SPEC = { version: 1, trainer: { kind: 'process', command: ['python3', 'train.py'] } };

function problemsOf(change: Readonly<Record<string, unknown>>, trainer: Readonly<Record<string, unknown>> = {}) {
  const parsed = ProcessTrainingSpec.safeParse({ ...SPEC, trainer: { ...SPEC.trainer, ...trainer }, ...change });
  return parsed.success ? [] : parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
}

describe('the spec of a process trainer', () => {
  it('has every default written out', () => {
    expect(ProcessTrainingSpec.parse(SPEC)).toEqual({
      version: 1,
      trainer: {
        kind: 'process',
        command: ['python3', 'train.py'],
        resume_args: [],
        interface: 'directories',
        checkpoint_dir: 'checkpoints',
        complete: { by: 'quiet', seconds: 10 },
        log_patterns: [],
        stop_signal: 'SIGTERM',
        grace_seconds: 30,
      },
      params: {},
      steps: null,
      epochs: null,
      checkpoint: { keep_last: 3 },
    });
  });

  it('stays as it is when it is read again', () => {
    const once = ProcessTrainingSpec.parse(SPEC);
    expect(ProcessTrainingSpec.parse(once)).toEqual(once);
    const protocol = ProcessTrainingSpec.parse({ ...SPEC, trainer: { ...SPEC.trainer, interface: 'protocol' } });
    expect(ProcessTrainingSpec.parse(protocol)).toEqual(protocol);
  });

  it.each([
    [{ kind: 'proces' }, /^trainer\.kind: /],
    [{ command: [] }, /^trainer\.command: /],
    [{ command: ['a\0b'] }, /^trainer\.command\.0: must not contain NUL/],
    [{ command: ['train', '{checkpoints}'] }, /^trainer\.command\.1: has an unknown placeholder/],
    [{ command: ['train', '--from={resume_dir}'] }, /^trainer\.command\.1: .*resume_args/],
    [{ checkpoint_dir: '../elsewhere' }, /^trainer\.checkpoint_dir: must be a path below/],
    [{ checkpoint_dir: '/tmp' }, /^trainer\.checkpoint_dir: must be a path below/],
    [{ complete: { by: 'luck' } }, /^trainer\.complete\.by: /],
    [{ complete: { by: 'marker', file: '..' } }, /^trainer\.complete\.file: must be a plain file name/],
    [{ log_patterns: ['step (\\d+)'] }, /^trainer\.log_patterns\.0: .*no named group/],
    [{ log_patterns: ['(?<step>\\d+'] }, /^trainer\.log_patterns\.0: .*missing closing/],
    [{ log_patterns: ['(?<step>a)(?=b)'] }, /^trainer\.log_patterns\.0: .*unsupported/],
    [{ stop_signal: 'SIGKILL' }, /^trainer\.stop_signal: /],
    [{ grace_seconds: -1 }, /^trainer\.grace_seconds: /],
    [{ env: { LD_PRELOAD: 'x' } }, /^trainer: .*env/],
    [{ interface: 'protocol', checkpoint_dir: 'out' }, /^trainer\.checkpoint_dir: is for the interface directories/],
    [{ interface: 'protocol', command: ['a', '{result_file}'] }, /^trainer\.command\.1: a protocol trainer/],
  ])('is refused with %j', (trainer, problem) => {
    expect(problemsOf({}, trainer)).toEqual([expect.stringMatching(problem)]);
  });

  it.each([
    [{ data: { source: 'dataset:sp500' } }, /^data\.source: only the built-in/],
    [{ steps: 0 }, /^steps: /],
    [{ model: {} }, /model/],
  ])('is refused with %j beside the trainer', (change, problem) => {
    expect(problemsOf(change)).toEqual([expect.stringMatching(problem)]);
  });

  it('can be published as JSON Schema', () => {
    const schema = z.toJSONSchema(ProcessTrainingSpec, { io: 'input', unrepresentable: 'any' });
    expect(JSON.stringify(schema)).toContain('grace_seconds');
  });
});

describe('a log pattern', () => {
  const pattern = compileLogPattern('step=(?<step>\\d+)(?: loss=(?<loss>\\S+))?');

  it('reads the groups that took part', () => {
    expect(pattern.groupsOf('[12:00] step=7 loss=0.25')).toEqual({ step: '7', loss: '0.25' });
    expect(pattern.groupsOf('step=8')).toEqual({ step: '8' });
    expect(pattern.groupsOf('nothing')).toBeNull();
  });

  it('takes a line that would hold up a backtracking engine for years', () => {
    const evil = compileLogPattern('^(?<x>(a+)+)$');
    expect(evil.groupsOf(`${'a'.repeat(4_000)}b`)).toBeNull();
  });
});

it('fills placeholders in, several in one argument too', () => {
  expect(fillPlaceholders('{work_dir}/{attempt}.{resume_dir}', { work_dir: '/w', attempt: '2' })).toBe(
    '/w/2.{resume_dir}',
  );
});
