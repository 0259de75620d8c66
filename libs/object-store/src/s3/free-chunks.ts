/**
 * The same chunks, each of which is gone once the next is asked for: its memory is given back at once. The collector goes
 * by what is on its own heap, where a chunk takes next to nothing, and lets a hundred megabytes of them gather.
 * @param chunks that nobody else holds on to.
 */
export async function* freed(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    yield chunk;
    free(chunk);
  }
}

function free({ buffer, byteLength }: Uint8Array): void {
  // A chunk that is only a part of its buffer shares it with others.
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer(0);
}
