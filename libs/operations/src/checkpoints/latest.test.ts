import {
  candidatesFor,
  fallbacksFor,
  finalOf,
  inOrder,
  latestOf,
  lossWithout,
  lostSteps,
  nearestSteps,
  neededBy,
  startingPoint,
} from './latest.js';
import { isCheckpointChoice, stepOf } from '../model/checkpoint.js';
import { givenCheckpoint, givenOperation } from '../testing/given-operation.js';

const DAMAGED = new Date(0);
const at = (step: number, overrides: Parameters<typeof givenCheckpoint>[0] = {}) =>
  givenCheckpoint({ id: `c${step}`, step, ...overrides });

describe('each question about one operation', () => {
  /** `40!` is damaged, `40<` is superseded, `40f` is final; `10.2` is of attempt 2, which others are of attempt 1. */
  const given = (text: string) =>
    text
      .split(' ')
      .filter(Boolean)
      .map((id) =>
        givenCheckpoint({
          id,
          step: parseInt(id, 10),
          attempt: id.includes('.') ? Number(/\.(\d)/.exec(id)?.[1]) : 1,
          kind: id.includes('f') ? 'final' : 'periodic',
          corruptedAt: id.includes('!') ? DAMAGED : null,
          supersededAt: id.includes('<') ? new Date(1_000 - parseInt(id, 10)) : null,
        }),
      );
  const ids = (checkpoints: readonly { readonly id: string }[]) => checkpoints.map(({ id }) => id).join(' ');

  it.each([
    //  given             order              latest  tried            start  instead of the first  needed by it
    ['', '', undefined, '', undefined, '', ''],
    ['10 30 20', '30 20 10', '30', '30 20 10', '30', '20 10', '30'],
    ['30! 20 10', '30! 20 10', '20', '30! 20 10', '20', '20 10', '20'],
    ['30! 20! 10', '30! 20! 10', '10', '30! 10', '10', '10', '10'],
    ['30! 20!', '30! 20!', '30!', '30!', '30!', '', ''],
    ['90! 20 10', '90! 20 10', '20', '20 10', '20', '20 10', '20'],
    ['30< 10 20<', '10 30< 20<', '10', '10 30< 20<', '10', '', '10'],
    ['30< 10! 5<', '10! 30< 5<', '30<', '10! 30< 5<', '30<', '5<', '30<'],
    ['10.1 10.3 10.2', '10.3 10.2 10.1', '10.3', '10.3 10.2 10.1', '10.3', '10.2 10.1', '10.3'],
  ])('of "%s": order "%s", latest %s, tried "%s", start %s, instead "%s", needed "%s"', (...row) => {
    const [text, order, latest, tried, start, instead, needed] = row;
    const operation = givenOperation({
      status: 'cancelled',
      progress: { step: 45, epoch: 0, steps: 100, epochs: 1, examplesPerSecond: null },
    });
    const checkpoints = given(text).toSorted(inOrder);
    const [first] = checkpoints;
    expect({
      order: ids(checkpoints),
      latest: latestOf(checkpoints)?.id,
      tried: ids(candidatesFor(checkpoints, 'latest', 45)),
      start: startingPoint(operation, checkpoints).checkpoint?.id,
      instead: first ? ids(fallbacksFor(first, checkpoints)) : '',
      needed: [...neededBy(operation, checkpoints)].join(' '),
    }).toEqual({ order, latest, tried, start, instead, needed });
  });

  it.each([
    ['20', '20', 'everything'],
    ['30! 20', '20', 'everything'],
    ['30 20', '30', null],
    ['30! 20 10', '20', { steps: 10 }],
    ['30! 20 10', '10', null],
    ['30! 20 10', '30!', null],
  ])('of "%s" without %s is lost: %j', (text, id, loss) => {
    expect(lossWithout(id, given(text))).toEqual(loss);
  });

  it('is needed what a resume has chosen, until it is completed', () => {
    const checkpoints = given('30 20 10f');
    const needed = (status: 'paused' | 'completed') =>
      [...neededBy(givenOperation({ status, resumeCheckpointId: '20' }), checkpoints)].join(' ');
    expect([needed('paused'), needed('completed')]).toEqual(['20 30', '30']);
    expect([finalOf(checkpoints)?.id, finalOf(given('30'))]).toEqual(['10f', undefined]);
  });
});

describe('the checkpoints to try', () => {
  const sound = [at(40), at(30, { isBest: true }), at(20), at(10, { isBest: true })];

  it.each([
    ['latest', 'c40 c30 c20 c10'],
    ['best', 'c30 c20 c10'],
    ['c20', 'c20 c10'],
    ['c10', 'c10'],
    ['c99', ''],
    ['step:30', 'c30 c20 c10'],
    ['step:0', ''],
    ['step:35', ''],
    ['step:', ''],
    ['', ''],
  ])('for "%s" are the chosen one and then the older ones: %s', (choice, ids) => {
    expect(candidatesFor(sound, choice, 40).map(({ id }) => id)).toEqual(ids.split(' ').filter(Boolean));
  });

  it('are those of the line before what it has left behind, which are taken when they are named', () => {
    const left = [at(40, { supersededAt: new Date(0) }), at(15, { supersededAt: new Date(0) })];
    const checkpoints = [at(20), at(10), ...left];
    const idsFor = (choice: string) => candidatesFor(checkpoints, choice, 20).map(({ id }) => id);
    expect(idsFor('latest')).toEqual(['c20', 'c10', 'c40', 'c15']);
    expect(idsFor('step:40')).toEqual(['c40', 'c15']);
    expect(nearestSteps(checkpoints, 'step:30')).toEqual([20, 40]);
  });

  it('are none where there are none', () => {
    for (const choice of ['latest', 'best', 'c1']) expect(candidatesFor([], choice, 0)).toEqual([]);
  });

  describe('for "best" where none was saved at a best epoch', () => {
    const bestOf = (...checkpoints: Parameters<typeof candidatesFor>[0]) =>
      candidatesFor(checkpoints, 'best', 40)[0]?.id;

    it('begin with the one of the lowest val_loss, and go on with the older ones', () => {
      const told = [
        at(40, { metrics: { val_loss: 0.5, loss: 0.1 } }),
        at(30, { metrics: { val_loss: 0.3, loss: 0.2 } }),
        at(20, { metrics: { val_loss: 0.4, loss: 0.3 } }),
        at(10, { metrics: { loss: 0.01 } }),
      ];
      expect(candidatesFor(told, 'best', 40).map(({ id }) => id)).toEqual(['c30', 'c20', 'c10']);
    });

    it('go by the loss where none tells a val_loss, and by nothing where none tells a number', () => {
      expect(bestOf(at(40, { metrics: { loss: 0.5 } }), at(30, { metrics: { loss: 0.2 } }))).toBe('c30');
      expect(bestOf(at(40, { metrics: { val_loss: 'NaN', loss: 0.5 } }), at(30, { metrics: { accuracy: 1 } }))).toBe(
        'c40',
      );
      expect(bestOf(at(40, { metrics: { loss: 'Infinity' } }), at(30))).toBeUndefined();
    });

    it('pass over what is damaged, and prefer of equal ones the one nearest to the epoch that was judged', () => {
      const metrics = { val_loss: 0.3 };
      expect(bestOf(at(40, { metrics }), at(30, { metrics }), at(20, { metrics: { val_loss: 0.4 } }))).toBe('c30');
      expect(bestOf(at(40, { metrics: { val_loss: 0.1 }, corruptedAt: DAMAGED }), at(30, { metrics }))).toBe('c30');
    });

    it('leave alone one that was', () => {
      expect(bestOf(at(40, { metrics: { val_loss: 0.1 } }), at(30, { isBest: true, metrics: { val_loss: 0.2 } }))).toBe(
        'c30',
      );
    });
  });

  it('begin with the chosen one though it is damaged, and leave out the other damaged ones', () => {
    const checkpoints = [at(40, { corruptedAt: DAMAGED }), at(30, { corruptedAt: DAMAGED }), at(20)];
    expect(candidatesFor(checkpoints, 'latest', 40).map(({ id }) => id)).toEqual(['c40', 'c20']);
    expect(candidatesFor(checkpoints, 'c30', 40).map(({ id }) => id)).toEqual(['c30', 'c20']);
  });

  it('of a step begin with its newest sound one, and with its newest where all of it are damaged', () => {
    const twice = (...damaged: boolean[]) => [
      at(40),
      ...damaged.map((isDamaged, index) =>
        at(30, { id: `c30 ${damaged.length - index}`, ...(isDamaged ? { corruptedAt: DAMAGED } : {}) }),
      ),
      at(20),
    ];
    const idsOf = (checkpoints: Parameters<typeof candidatesFor>[0]) =>
      candidatesFor(checkpoints, 'step:30', 40).map(({ id }) => id);
    expect(idsOf(twice(false, false))).toEqual(['c30 2', 'c30 1', 'c20']);
    expect(idsOf(twice(true, false))).toEqual(['c30 1', 'c20']);
    expect(idsOf(twice(true, true))).toEqual(['c30 2', 'c20']);
  });

  it('leave out as the latest a damaged one that was given up for an older one before', () => {
    const checkpoints = [at(40, { corruptedAt: DAMAGED }), at(20)];
    expect(candidatesFor(checkpoints, 'latest', 25).map(({ id }) => id)).toEqual(['c20']);
  });

  it('begin with a sound one beyond the present step: it was saved, so it is not lost', () => {
    expect(candidatesFor([at(40), at(20)], 'latest', 25).map(({ id }) => id)).toEqual(['c40', 'c20']);
  });

  it('never begin again at zero when everything is damaged', () => {
    const checkpoints = [at(40, { corruptedAt: DAMAGED }), at(20, { corruptedAt: DAMAGED })];
    expect(candidatesFor(checkpoints, 'latest', 40).map(({ id }) => id)).toEqual(['c40']);
  });
});

describe('a step as the choice', () => {
  it.each([
    ['step:0', 0],
    ['step:1200', 1200],
    ['step:0012', 12],
    [`step:${Number.MAX_SAFE_INTEGER}`, Number.MAX_SAFE_INTEGER],
  ])('%s names %i', (choice, step) => {
    expect([stepOf(choice), isCheckpointChoice(choice)]).toEqual([step, true]);
  });

  it.each(['step:', 'step:-1', 'step:1.5', 'step:1e3', 'step: 1', 'step:x', 'step:9007199254740992'])(
    '%s is none',
    (choice) => {
      expect([stepOf(choice), isCheckpointChoice(choice)]).toEqual([null, false]);
    },
  );

  it.each(['latest', 'best', 'c30', '1200'])('%s is another choice', (choice) => {
    expect([stepOf(choice), isCheckpointChoice(choice)]).toEqual([null, true]);
  });

  it.each([
    ['step:25', [20, 40]],
    ['step:5', [10]],
    ['step:99', [40]],
    ['latest', []],
  ])('%s has the nearest sound ones %j', (choice, nearest) => {
    const checkpoints = [at(40), at(30, { corruptedAt: DAMAGED }), at(20), at(20, { id: 'other' }), at(10)];
    expect(nearestSteps(checkpoints, choice)).toEqual(nearest);
  });
});

describe('the lost steps', () => {
  it.each([
    [100, 100, 0],
    [100, 60, 40],
    [60, 100, 0],
    [0, 0, 0],
  ])('of %i trained ones, of which a checkpoint holds %i, are %i', (trained, held, lost) => {
    expect(lostSteps(trained, held)).toBe(lost);
  });
});

describe('what an attempt continues from', () => {
  const operation = givenOperation({
    progress: { step: 45, epoch: 0, steps: 100, epochs: 1, examplesPerSecond: null },
  });

  it.each([
    ['the newest', [at(40), at(30)], { id: 'c40', fellBackFrom: null }],
    ['the newest sound one', [at(40, { corruptedAt: DAMAGED }), at(30)], { id: 'c30', fellBackFrom: 'c40' }],
    [
      'the newest sound one, for one that was given up before',
      [at(60, { corruptedAt: DAMAGED }), at(40)],
      { id: 'c40', fellBackFrom: null },
    ],
    ['a damaged one where there is no other', [at(40, { corruptedAt: DAMAGED })], { id: 'c40', fellBackFrom: null }],
    ['none', [], { id: undefined, fellBackFrom: null }],
  ])('is %s', (_what, checkpoints, { id, fellBackFrom }) => {
    const point = startingPoint(operation, checkpoints);
    expect({ id: point.checkpoint?.id, fellBackFrom: point.fellBackFrom }).toEqual({ id, fellBackFrom });
  });

  it('is what was chosen, whatever is newer', () => {
    const checkpoints = [at(40), at(30), at(20)];
    expect(startingPoint({ ...operation, resumeCheckpointId: 'c20' }, checkpoints)).toEqual({
      checkpoint: checkpoints[2],
      fellBackFrom: null,
    });
  });
});
