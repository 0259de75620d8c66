import { BadRequestException } from '@nestjs/common';
import type { FastifyInstance } from 'fastify';
import { RequestInvalidError } from '@ktrdr/operations';
import type { FieldProblem } from '@ktrdr/specs';
import { acceptBytes } from './octet-stream.js';
import { registerStoppingHook } from './refuse-while-stopping.js';
import { placesIn, unfitTextAt } from './unfit-text.js';

/** What only a body may have that is looked through: it costs the others one look at their text. */
const MAY_BE_UNFIT_TEXT = /\\u(?:0000|d[89a-f])/i;
const MAY_BE_UNSAFE = /\d{16}/;
const WHOLE_NUMBER = /^-?\d+$/;
/** Where a document of this service stands, whose numbers have been read and written before. */
const EXPORTED = 'export.';

/** Bodies are JSON, but for blobs; an empty one is none. Any other content type is refused with 415. */
export function acceptOnlyJson(fastify: FastifyInstance): void {
  registerStoppingHook(fastify);
  refuseNulInUrls(fastify);
  fastify.removeAllContentTypeParsers();
  acceptBytes(fastify);
  fastify.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, body, done) => {
    const text = body.toString();
    if (text.trim() === '') return done(null, undefined);
    try {
      done(null, parseBody(text));
    } catch (error) {
      if (error instanceof RequestInvalidError) return done(error);
      done(new BadRequestException(`The body is not JSON: ${(error as Error).message}`));
    }
  });
}

/**
 * @throws {RequestInvalidError} naming texts that PostgreSQL cannot keep and whole numbers that JavaScript would round
 * @throws {SyntaxError}
 */
export function parseBody(text: string): unknown {
  const unsafe = new Map<object, Map<string, string>>();
  const mayBeUnsafe = MAY_BE_UNSAFE.test(text);
  const body: unknown = mayBeUnsafe ? JSON.parse(text, notingUnsafe(unsafe)) : JSON.parse(text);
  if (unsafe.size === 0 && !MAY_BE_UNFIT_TEXT.test(text)) return body;
  const problems = placesIn(body).flatMap((place): readonly FieldProblem[] => {
    const source = place.whole && unsafe.get(place.whole)?.get(place.name);
    if (!source || (place.path.startsWith(EXPORTED) && String(place.value) === source)) return unfitTextAt(place);
    return [{ path: place.path, message: `is ${source}, which would be changed: write it as a string` }];
  });
  if (problems.length > 0) throw new RequestInvalidError('body', problems);
  return body;
}

/** Notes whole numbers beyond 2^53 as they are written, by what they are a part of and their name. */
function notingUnsafe(noted: Map<object, Map<string, string>>) {
  return function (this: object, name: string, value: unknown, context?: { readonly source?: string }): unknown {
    const source = context?.source ?? '';
    if (typeof value === 'number' && !Number.isSafeInteger(value) && WHOLE_NUMBER.test(source)) {
      const parts = noted.get(this) ?? new Map<string, string>();
      noted.set(this, parts.set(name, source));
    }
    return value;
  };
}

/** No id and no condition has such a character, and PostgreSQL cannot be asked for it. */
function refuseNulInUrls(fastify: FastifyInstance): void {
  fastify.addHook('onRequest', (request, _reply, done) => {
    if (!request.url.includes('%00')) return done();
    done(new RequestInvalidError('address', [{ path: '', message: 'must not contain NUL (%00)' }]));
  });
}
