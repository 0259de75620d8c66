import { inPlainWords } from '@ktrdr/specs';
import { ROUTES } from './index.js';
import { parametersOf, type Route } from './route.js';

const all = Object.values(ROUTES).flatMap((group) => Object.values<Route>(group));

describe('the routes', () => {
  it('are declared once each', () => {
    const addresses = all.map(({ method, path }) => `${method} ${path}`);
    expect(addresses.toSorted()).toEqual([...new Set(addresses)].toSorted());
  });

  it('ask for an API token unless they say otherwise', () => {
    const others = all.filter(({ access }) => access !== 'token').map(({ access, path }) => [path, access]);
    expect(others).toEqual([
      ['/workers/identities/{nkey}/credentials', 'worker-key'],
      ['/workers/identities', 'enrolment'],
      ['/health/live', 'public'],
      ['/health/ready', 'public'],
    ]);
  });

  it('name the parameters of a path in their order', () => {
    expect(parametersOf(ROUTES.checkpoints.file.path)).toEqual(['id', 'name']);
  });
});

describe('the body of a submit', () => {
  it('says what is wrong with a pool name', () => {
    const { error } = ROUTES.operations.submit.body.safeParse({ pool: 'GPU', spec: {} }, { error: inPlainWords });
    expect(error?.issues.map(({ path, message }) => [...path, message].join(' '))).toEqual([
      'pool must be lower-case letters, digits and -, 63 at most',
    ]);
  });
});
