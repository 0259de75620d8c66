import { toFigure, toTable } from './figure.js';

describe('a figure', () => {
  it('passes when its value is at most the bar', () => {
    const bar = { of: 'value', is: '<=', limit: 250 } as const;
    expect(toFigure('b', { figure: 'f', value: 250, unit: 'ms', bar })).toMatchObject({
      bar: 'value <= 250',
      pass: true,
    });
    expect(toFigure('b', { figure: 'f', value: 250.0001, unit: 'ms', bar })).toMatchObject({ value: 250, pass: false });
  });

  it('passes a bar on its ratio when the reference, measured beside it, is slow enough', () => {
    const bar = { of: 'ratio', is: '<=', limit: 3 } as const;
    const measured = { figure: 'f', value: 9, unit: 'ms', bar };
    expect(toFigure('b', { ...measured, reference: { name: 'r', value: 3 } })).toMatchObject({ ratio: 3, pass: true });
    expect(toFigure('b', { ...measured, reference: { name: 'r', value: 2 } })).toMatchObject({
      ratio: 4.5,
      pass: false,
    });
    expect(() => toFigure('b', measured)).toThrow('needs a reference');
  });

  it('passes a bar of exactly one only with exactly one', () => {
    const bar = { of: 'value', is: '==', limit: 1 } as const;
    expect([0, 1, 2].map((value) => toFigure('b', { figure: 'f', value, unit: '', bar }).pass)).toEqual([
      false,
      true,
      false,
    ]);
  });

  it('has every field, promised or not', () => {
    expect(toFigure('b', { figure: 'f', value: 1.23456, unit: 'ms' })).toEqual({
      bench: 'b',
      figure: 'f',
      value: 1.235,
      unit: 'ms',
      reference: null,
      reference_value: null,
      ratio: null,
      bar: null,
      pass: true,
    });
  });
});

describe('the table', () => {
  it('aligns its columns and marks what missed its bar', () => {
    const lines = toTable([
      toFigure('a', {
        figure: 'p50',
        value: 9,
        unit: 'ms',
        reference: { name: 'peer', value: 2 },
        bar: { of: 'ratio', is: '<=', limit: 3 },
      }),
      toFigure('a', { figure: 'winners', value: 1, unit: '', bar: { of: 'value', is: '==', limit: 1 } }),
    ]).split('\n');
    expect(lines[0]).toMatch(/^bench {2}figure +value +reference/);
    expect(lines[1]).toMatch(/^a {6}p50 +9 ms +peer +2 ms +4\.50 x +ratio <= 3 +MISSED$/);
    expect(lines[2]).toMatch(/^a {6}winners +1 +value == 1 +ok$/);
  });
});
