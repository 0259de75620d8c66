import { ObjectStoreUnavailableError } from '../errors.js';
import { InMemoryObjectStore } from './in-memory-object-store.js';
import { describeObjectStore } from './object-store.contract.js';

describeObjectStore('InMemoryObjectStore', async () => new InMemoryObjectStore());

describe('InMemoryObjectStore', () => {
  it('fails every call while it is switched off and has everything when it is back', async () => {
    const store = new InMemoryObjectStore();
    await store.put('key', Uint8Array.of(1));
    store.setReachable(false);
    await expect(store.head('key')).rejects.toThrow(ObjectStoreUnavailableError);
    await expect(store.check()).rejects.toThrow(ObjectStoreUnavailableError);
    store.setReachable(true);
    expect(await store.get('key')).toEqual(Uint8Array.of(1));
  });
});
