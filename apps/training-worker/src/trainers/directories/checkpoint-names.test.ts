import { checkpointsAmong, type PlaceEntry } from './checkpoint-names.js';

const folder = (name: string): PlaceEntry => ({ name, kind: 'folder' });
const namesOf = (...entries: PlaceEntry[]) => checkpointsAmong(entries).directories.map(({ name }) => name);
const messagesOf = (...entries: PlaceEntry[]) => checkpointsAmong(entries).refused.map(({ message }) => message);

describe('among what a program has written', () => {
  it('directories with the name of a checkpoint count, newest first', () => {
    const others = ['checkpoint-6.tmp', '.checkpoint-7', 'checkpoint-', 'checkpoint-best', 'checkpoint--1'].map(folder);
    const entries = [folder('checkpoint-5'), folder('checkpoint-10'), ...others];
    expect(namesOf(...entries, { name: 'checkpoint-8', kind: 'other' })).toEqual(['checkpoint-10', 'checkpoint-5']);
    expect(messagesOf(...entries, { name: 'checkpoint-8', kind: 'other' })).toEqual([]);
  });

  it('a step may have zeros before it, and the directory keeps its name', () => {
    expect(checkpointsAmong([folder('checkpoint-000005'), folder('checkpoint-000010')])).toEqual({
      directories: [
        { step: 10, name: 'checkpoint-000010' },
        { step: 5, name: 'checkpoint-000005' },
      ],
      refused: [],
    });
  });

  it('the shorter of two names of one step counts, and the other is told', () => {
    const entries = [folder('checkpoint-05'), folder('checkpoint-5'), folder('checkpoint-005')];
    for (const order of [entries, entries.toReversed()]) {
      expect(namesOf(...order)).toEqual(['checkpoint-5']);
      expect(messagesOf(...order)).toEqual([
        'checkpoint-05 is passed over: checkpoint-5 is of the same step',
        'checkpoint-005 is passed over: checkpoint-5 is of the same step',
      ]);
    }
  });

  it('a step that cannot be stored is refused', () => {
    expect(namesOf(folder('checkpoint-2147483647'))).toEqual(['checkpoint-2147483647']);
    expect(checkpointsAmong([folder('checkpoint-2147483648')])).toEqual({
      directories: [],
      refused: [
        {
          step: 2_147_483_648,
          message: 'checkpoint-2147483648 is passed over: steps above 2147483647 cannot be stored',
        },
      ],
    });
    expect(messagesOf(folder(`checkpoint-${'9'.repeat(200)}`))).toHaveLength(1);
  });

  it('a link is refused, and takes no step from a directory', () => {
    const entries = [{ name: 'checkpoint-5', kind: 'link' } as const, folder('checkpoint-05')];
    expect(namesOf(...entries)).toEqual(['checkpoint-05']);
    expect(messagesOf(...entries)).toEqual(['checkpoint-5 is passed over: it is a link, and no directory of its own']);
  });
});
