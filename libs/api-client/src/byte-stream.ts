import type { HttpTransport, Patience } from './http-transport.js';

/**
 * The body of a GET, piece by piece. It may take long as a whole, but never longer than the transport's time limit
 * between two pieces.
 * @throws {ApiProblemError} the API refused. {@link ApiUnreachableError}: no answer, silence, or a broken connection.
 * The signal's reason, when that was aborted.
 */
export async function* readBytes(
  transport: HttpTransport,
  path: string,
  { signal }: { readonly signal?: AbortSignal } = {},
): AsyncGenerator<Uint8Array> {
  const ending = new AbortController();
  const silence = setTimeout(() => ending.abort(new DOMException('silence', 'TimeoutError')), transport.timeoutMs);
  const patience = {
    signal: signal ? AbortSignal.any([signal, ending.signal]) : ending.signal,
    waitMs: transport.timeoutMs,
    limitMs: transport.timeoutMs,
  };
  try {
    const response = await transport.open(transport.address(path), { accept: 'application/octet-stream' }, patience);
    for await (const bytes of chunksOf(response, transport, patience)) {
      silence.refresh();
      yield bytes;
    }
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  } finally {
    clearTimeout(silence);
    ending.abort();
  }
}

async function* chunksOf(response: Response, transport: HttpTransport, patience: Patience): AsyncGenerator<Uint8Array> {
  try {
    for await (const bytes of response.body ?? []) yield bytes;
  } catch (error) {
    throw transport.toLoss(error, patience);
  }
}
