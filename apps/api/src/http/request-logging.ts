import type { Params } from 'nestjs-pino';
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';

const REQUEST_ID = /^[\w.-]{1,100}$/;

/** A client's own `X-Request-Id` is kept, so that its logs and ours can be laid side by side. */
export function requestIdOf({ headers }: { readonly headers: IncomingMessage['headers'] }): string {
  const given = headers['x-request-id'];
  return typeof given === 'string' && REQUEST_ID.test(given) ? given : randomUUID();
}

/** One JSON line a request, with its id and the operation it is about; never a header or a body. */
export function requestLogging(level: string): Params {
  return {
    pinoHttp: {
      level,
      genReqId: (request: IncomingMessage) => (request as { id?: string }).id ?? requestIdOf(request),
      quietReqLogger: true,
      customAttributeKeys: { reqId: 'requestId' },
      autoLogging: { ignore: ({ url }: IncomingMessage) => url?.startsWith('/health') ?? false },
      customLogLevel: (_request: IncomingMessage, response: ServerResponse) =>
        response.statusCode >= 500 ? 'warn' : 'debug',
      customProps: ({ url }: IncomingMessage) => {
        const operationId = /\/operations\/(op_[a-z0-9_]+)/.exec(url ?? '')?.[1];
        return operationId ? { operationId } : {};
      },
      serializers: {
        req: ({ method, url }: { method: string; url: string }) => ({ method, url }),
        res: ({ statusCode }: { statusCode: number }) => ({ statusCode }),
      },
    },
  };
}
