import type { RunningApi } from './processes.js';

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // What a test expects of a reply is what it checks; the contracts' own tests check the form.
  readonly body: Record<string, any>; // eslint-disable-line @typescript-eslint/no-explicit-any
}

export type Http = ReturnType<typeof httpOf>;

/** Plain requests to a running API, with its token. */
export function httpOf(api: Pick<RunningApi, 'url' | 'token'>) {
  const send = async (
    method: string,
    path: string,
    { body, headers = {} }: { body?: unknown; headers?: Record<string, string> } = {},
  ): Promise<Answer> => {
    const reply = await fetch(`${api.url}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${api.token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await reply.text();
    const isJson = reply.headers.get('content-type')?.includes('json') ?? false;
    const content = isJson && text ? (JSON.parse(text) as Answer['body']) : { text };
    return { status: reply.status, headers: reply.headers, body: content };
  };
  return {
    get: (path: string, headers?: Record<string, string>) => send('GET', path, headers ? { headers } : {}),
    post: (path: string, body?: unknown, headers?: Record<string, string>) =>
      send('POST', path, { body, ...(headers ? { headers } : {}) }),
    delete: (path: string) => send('DELETE', path),
    send,
  };
}
