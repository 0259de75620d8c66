import { ACTIONS, actionsOf } from './actions.js';
import { isWaiting, OPERATION_STATUSES } from './status.js';
import { allowedActions } from './transitions.js';

const facts = { type: 'training', isPausable: true, isForkable: false };

describe('the actions of an operation', () => {
  it.each(OPERATION_STATUSES)('are all named while it is %s, each refused one with its reason', (status) => {
    const actions = actionsOf({ ...facts, status });
    expect(actions.map(({ action }) => action)).toEqual(ACTIONS);
    for (const { allowed, code, reason } of actions) {
      expect([code !== null, reason !== null]).toEqual([!allowed, !allowed]);
    }
  });

  it.each(OPERATION_STATUSES)('agree with what %s allows', (status) => {
    const allowed = actionsOf({ ...facts, status }).flatMap((each) => (each.allowed ? each.action : []));
    const moved = isWaiting(status) ? ['prioritise'] : [];
    expect(allowed).toEqual([...allowedActions(status), ...moved]);
  });

  it('name what the status would have to be', () => {
    expect(actionsOf({ ...facts, status: 'running' })).toContainEqual({
      action: 'resume',
      allowed: false,
      code: 'illegal-transition',
      reason: 'It is running; only what is paused, cancelled, failed, or pausing can be resumed',
    });
  });

  it('refuse a pause of what cannot save its state, whatever it does', () => {
    const [pause] = actionsOf({ status: 'running', type: 'data_generation', isPausable: false, isForkable: false });
    expect(pause).toMatchObject({ action: 'pause', allowed: false, code: 'pause-refused' });
  });

  it('allow a fork wherever a sound checkpoint is', () => {
    for (const status of OPERATION_STATUSES) {
      const fork = (isForkable: boolean) =>
        actionsOf({ ...facts, status, isForkable }).find((each) => each.action === 'fork');
      expect([fork(true)?.allowed, fork(false)?.code]).toEqual([true, 'checkpoint-not-found']);
    }
  });
});
