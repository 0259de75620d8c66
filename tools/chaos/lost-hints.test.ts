import { subjectsOf } from '@ktrdr/messaging-nats';
import { hintsLost } from './lost-hints.js';

const { work, control, recorded, rpcOfAll } = subjectsOf('ktrdr');
const HINTS = [work('default'), control('UAKEY'), recorded];
const publish = (subject: string): string => `PUB ${subject} 2\r\n{}\r\n`;
const lost = (text: string): string => hintsLost(Buffer.from(text, 'latin1')).toString('latin1');

describe('the loss of hints', () => {
  it('leaves none of their subjects, and everything in its place', () => {
    const sent = HINTS.map(publish).join('');
    const passed = lost(sent);
    for (const subject of HINTS) expect(passed).not.toContain(subject);
    const frames = /^(?:PUB ktrdr\.work\.-+ 2\r\n\{\}\r\n){3}$/;
    expect(passed).toMatch(frames);
    expect(passed).toHaveLength(sent.length);
  });

  it('changes nothing else', () => {
    const others = [
      publish('_INBOX.UAKEY.1'),
      `SUB ${rpcOfAll('claim')} api 1\r\n`,
      `SUB ${recorded} 2\r\n`,
      'PUB _INBOX.UAKEY.2 3\r\n\xff\x00\x80\r\n',
    ].join('');
    expect(lost(others)).toBe(others);
  });
});
