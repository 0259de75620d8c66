import { inRepository } from '../repository.js';
import { dataRootsFor } from './data-roots.js';

describe('the folders that workers of the stack read data files from', () => {
  it.each([undefined, '', ' , '])('are where the stack was started and the examples when %j is given', (given) => {
    expect(dataRootsFor({ given, startedIn: '/home/ada' })).toBe(`/home/ada,${inRepository('examples')}`);
  });

  it('are those of the environment where it names some, counted from where the stack was started', () => {
    expect(dataRootsFor({ given: 'prices, /data', startedIn: '/home/ada' })).toBe('/home/ada/prices,/data');
  });
});
