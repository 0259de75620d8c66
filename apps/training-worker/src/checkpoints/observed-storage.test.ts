import { type CheckpointDraft, ObjectStoreUnavailableError, type RestoreOrder } from '@ktrdr/checkpoint';
import { ObservedStorage } from './observed-storage.js';
import { InMemoryStorage } from '../testing/in-memory-ports.js';

describe('what is known of a transfer', () => {
  const draft = { dir: '/spool/1', files: ['state.json'] } as unknown as CheckpointDraft;
  const from: RestoreOrder = { manifestKey: 'checkpoints/c1', manifestSha256: 'x', into: '/restored' };
  let storage: InMemoryStorage;
  let clock: number;
  let observed: ObservedStorage;
  beforeEach(() => {
    storage = new InMemoryStorage();
    clock = 1_000;
    observed = new ObservedStorage(storage, () => clock);
  });

  it('is that it moves, once for each time that it did', async () => {
    expect(observed.takeMoved()).toBe(false);
    storage.beforeUpload = ({ onMoved }) => onMoved?.();
    await observed.upload(draft);
    expect([observed.takeMoved(), observed.takeMoved()]).toEqual([true, false]);
    await observed.restore(from); // nothing has moved
    expect(observed.takeMoved()).toBe(false);
  });

  it('is for half a minute that its store is away', async () => {
    storage.beforeRestore = () => {
      throw new ObjectStoreUnavailableError('file:///store', 'it is away');
    };
    await expect(observed.restore(from)).rejects.toThrow(ObjectStoreUnavailableError);
    expect([observed.takeMoved(), observed.takeMoved()]).toEqual([true, true]);
    clock += 29_999;
    expect(observed.takeMoved()).toBe(true);
    clock += 1;
    expect(observed.takeMoved()).toBe(false);
  });

  it('is nothing when it fails for another reason', async () => {
    storage.beforeUpload = () => {
      throw new Error('the disk is full');
    };
    await expect(observed.upload(draft)).rejects.toThrow('the disk is full');
    expect(observed.takeMoved()).toBe(false);
  });
});
