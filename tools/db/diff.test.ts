import { migrationFolderName } from './diff.js';

describe('the folder of a migration', () => {
  it('sorts by time and says what it does', () => {
    expect(migrationFolderName('Add priority, again', new Date('2026-11-22T10:15:00.123Z'))).toBe(
      '20261122101500_add_priority_again',
    );
  });

  it('needs a name', () => {
    expect(() => migrationFolderName(' - ', new Date())).toThrow('A migration needs a name');
  });
});
