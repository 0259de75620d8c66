import { OPERATION_STATUSES } from '../model/status.js';
import { isPassedOver } from './passed-over.js';
import { allowedActions, CLIENT_ACTIONS } from '../model/transitions.js';

describe('an action on many operations', () => {
  it.each(CLIENT_ACTIONS)('passes over none that it could %s', (action) => {
    const passedOver = OPERATION_STATUSES.filter((status) => isPassedOver(status, action));
    expect(passedOver.filter((status) => allowedActions(status).includes(action))).toEqual([]);
  });

  it('passes over what has ended, and what is already where it leads', () => {
    expect(OPERATION_STATUSES.filter((status) => isPassedOver(status, 'cancel'))).toEqual([
      'cancelling',
      'cancelled',
      'completed',
      'failed',
    ]);
    expect(isPassedOver('paused', 'pause')).toBe(true);
    expect(isPassedOver('running', 'resume')).toBe(true);
    expect(isPassedOver('completed', 'resume')).toBe(true);
  });

  it('does not pass over what is meant and cannot be had: a resume while it is being cancelled', () => {
    expect(isPassedOver('cancelling', 'resume')).toBe(false);
  });
});
