import { ApiUnreachableError, reasonOf } from './errors.js';
import type { HttpTransport } from './http-transport.js';

/**
 * The body of a GET, piece by piece. It may take long as a whole, but never longer than the transport's time limit
 * between two pieces.
 * @throws {ApiProblemError} the API refused. {@link ApiUnreachableError}: no answer, silence, or a broken connection.
 */
export async function* readBytes(
  transport: HttpTransport,
  path: string,
  { signal }: { readonly signal?: AbortSignal } = {},
): AsyncGenerator<Uint8Array> {
  const silent = new AbortController();
  const silence = setTimeout(() => silent.abort(new DOMException('silence', 'TimeoutError')), transport.timeoutMs);
  const ending = signal ? AbortSignal.any([signal, silent.signal]) : silent.signal;
  try {
    const response = await transport.open(transport.address(path), { accept: 'application/octet-stream' }, ending);
    for await (const bytes of response.body ?? []) {
      silence.refresh();
      yield bytes;
    }
  } catch (error) {
    if (!isBrokenConnection(error)) throw error;
    throw new ApiUnreachableError({ url: transport.address(), reason: reasonOf(error), cause: error });
  } finally {
    clearTimeout(silence);
    silent.abort();
  }
}

/** An error of the platform, read by its name: it need not be an instance of this realm's classes. */
function isBrokenConnection(error: unknown): boolean {
  const name = typeof error === 'object' && error !== null && 'name' in error ? error.name : null;
  return name === 'TypeError' || name === 'TimeoutError' || name === 'AbortError' || name === 'Error';
}
