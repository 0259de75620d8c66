import { RequestInvalidError } from '@ktrdr/operations';
import { parseBody } from './json-body.js';

function problemsOf(text: string): unknown {
  try {
    return { body: parseBody(text) };
  } catch (error) {
    if (!(error instanceof RequestInvalidError)) throw error;
    return error.problems;
  }
}

describe('a body of JSON', () => {
  it('is what it says', () => {
    expect(problemsOf('{"a":[1,-2.5e3,"\\u00e4 \\ud83d\\ude00 \\\\u0000",{"b":null}]}')).toEqual({
      body: { a: [1, -2500, 'ä 😀 \\u0000', { b: null }] },
    });
  });

  it('is refused where it has text that the database cannot keep', () => {
    const half = 'must not contain half a surrogate pair';
    expect(problemsOf('{"name":"a\\u0000","spec":{"a":["b","\\uD83D"],"c\\udc00":1,"d\\u0000":1}}')).toEqual([
      { path: 'name', message: 'must not contain NUL' },
      { path: 'spec.c�', message: `${half} in its name` },
      { path: 'spec.d\\0', message: 'must not contain NUL in its name' },
      { path: 'spec.a.1', message: half },
    ]);
  });

  it('is refused where it has whole numbers that would not be kept as they are', () => {
    const message = (source: string) => `is ${source}, which would be changed: write it as a string`;
    expect(
      problemsOf('{"params":{"seed":11727079998579208489,"all":[-9007199254740993],"x":9007199254740991}}'),
    ).toEqual([
      { path: 'params.seed', message: message('11727079998579208489') },
      { path: 'params.all.0', message: message('-9007199254740993') },
    ]);
    expect(problemsOf('{"a":100000000000000000,"b":100000000000000000}')).toHaveLength(2); // may have been rounded before
  });

  it('may have numbers of many digits that are none of those', () => {
    expect(
      problemsOf('{"a":0.12345678901234567890,"b":12345678901234567890.5,"c":1e300,"d":"12345678901234567890"}'),
    ).toEqual({ body: { a: 0.12345678901234568, b: 12345678901234567000, c: 1e300, d: '12345678901234567890' } });
  });

  it('may have what this service has exported, which is as it was', () => {
    const loss = { export: { manifest: { metrics: { loss: 1.2345678901234567e19 } } } };
    expect(problemsOf(JSON.stringify(loss))).toEqual({ body: loss });
    expect(problemsOf('{"export":{"seed":11727079998579208489}}')).toMatchObject([{ path: 'export.seed' }]);
  });
});
