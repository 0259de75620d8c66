import { parseStorable, storableText, stringifyStorable } from './storable-text.js';

const HALF = '\ud83d';
const TOLD = { 'na\0me': [`a\0b`, { [`k${HALF}`]: `x${HALF}` }, 1, null, true], whole: 'Grüße 🙂 \\u0000 "quoted"' };
const KEPT = { 'na\ufffdme': ['a\ufffdb', { 'k\ufffd': 'x\ufffd' }, 1, null, true], whole: TOLD.whole };

describe('what is told and must be stored', () => {
  it('has U+FFFD in place of what no text can hold, in names too', () => {
    expect(parseStorable(JSON.stringify(TOLD))).toEqual(KEPT);
    expect(JSON.parse(stringifyStorable(TOLD))).toEqual(KEPT);
    expect(storableText(`\0${HALF}`)).toBe('\ufffd\ufffd');
  });

  it('is as it was where it is text: whole characters, written as they are or escaped', () => {
    const escaped = '{"a":"\\ud83d\\ude42 \\u0001","__proto__":"\\ud83d\\ude42"}';
    expect(JSON.stringify(parseStorable(escaped))).toBe(JSON.stringify(JSON.parse(escaped)));
    expect(stringifyStorable({ a: '🙂', at: new Date(0), left: undefined })).toBe(
      JSON.stringify({ a: '🙂', at: new Date(0) }),
    );
  });

  it('is refused where it is no JSON', () => {
    expect(() => parseStorable('{')).toThrow(SyntaxError);
  });
});
