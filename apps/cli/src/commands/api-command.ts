import type { ApiClient } from '@ktrdr/api-client';
import { Command, Flags } from '@oclif/core';
import { resolveConnection } from '../connection/config.js';
import { type Failure, isUsageError, toFailure } from '../errors/failure.js';
import { retryNotices, timeoutFlag, waitNotices } from '../connection/timeouts.js';
import { paintFor } from '../render/terminal/paint.js';
import { renderProblem } from '../errors/problem.js';
import { printed } from '../render/terminal/layout.js';
import type { Shown } from '../render/words/parts.js';
import type { ProblemDocument } from '../render/words/problem-document.js';
import { nextCommands } from '../render/words/suggestions.js';

export interface ApiFlags {
  readonly 'api-url'?: string | undefined;
  readonly 'api-token'?: string | undefined;
  readonly timeout: number;
}

/**
 * What a command says of a call that takes long: that it waits for an answer, or for the `work` that the API is busy with.
 * `shown`: nothing, as the command shows how far its calls are.
 */
type Slowness = 'shown' | { readonly work?: string };

/** What all commands share: how they fail, how they print, and where the API is. */
export abstract class ApiCommand extends Command {
  static override enableJsonFlag = true;
  static override baseFlags = {
    'api-url': Flags.string({
      description: 'address of the API (or KTRDR_API_URL)',
      helpGroup: 'API',
      helpValue: 'URL',
    }),
    'api-token': Flags.string({
      description: 'token for the API (or KTRDR_API_TOKEN)',
      helpGroup: 'API',
      helpValue: 'TOKEN',
    }),
    timeout: timeoutFlag(),
  };

  /** Prints what a renderer made, coloured where standard output is a terminal. */
  protected show(shown: Shown): void {
    this.log(printed(shown, paintFor(process.stdout)));
  }

  /** A client for the API that the flags, the environment or the login file name. */
  protected async connect(flags: ApiFlags, slowness: Slowness = {}): Promise<ApiClient> {
    const connection = await resolveConnection(flags, this.config.configDir);
    return this.clientOf({ ...connection, timeoutMs: flags.timeout * 1000 }, slowness);
  }

  protected async clientOf(
    options: { url: string; token: string; timeoutMs: number },
    slowness: Slowness = {},
  ): Promise<ApiClient> {
    const { ApiClient } = await import('@ktrdr/api-client'); // late: help and version do without it
    const say = (line: string) => this.logToStderr(line);
    const { url } = options;
    const onSlow = slowness === 'shown' ? {} : { onSlow: waitNotices({ url, say, ...slowness }) };
    return new ApiClient({ ...options, ...onSlow, onRetry: retryNotices({ say }) });
  }

  /** What to type after a refusal; a command that knows better says so. */
  protected nextFor(problem: ProblemDocument): readonly string[] {
    return nextCommands(problem);
  }

  /** Says what went wrong, once, and sets the exit code. */
  protected override catch(error: Error): Promise<void> {
    const failure = toFailure(error, { flags: this.knownFlags() });
    this.report(
      failure,
      isUsageError(error) ? [`ktrdr ${this.id?.replaceAll(':', ' ')} --help`] : this.nextFor(failure.problem),
    );
    return Promise.resolve();
  }

  private knownFlags(): readonly string[] {
    return [...Object.keys({ ...this.ctor.baseFlags, ...this.ctor.flags }), 'json', 'help'];
  }

  protected report({ exitCode, problem, forPeople, stack }: Failure, next: readonly string[]): void {
    process.exitCode = exitCode;
    if (exitCode === 0) return;
    if (this.jsonEnabled()) this.logJson(problem);
    else this.logToStderr(printed(renderProblem(forPeople, next), paintFor(process.stderr)));
    if (stack) this.debug(stack);
  }

  /** Plain JSON: what a program reads has no colours. */
  protected override logJson(json: unknown): void {
    process.stdout.write(`${JSON.stringify(json, null, 2)}\n`);
  }

  override log(message = ''): void {
    if (!this.jsonEnabled()) process.stdout.write(`${message}\n`);
  }

  override logToStderr(message = ''): void {
    if (!this.jsonEnabled()) process.stderr.write(`${message}\n`);
  }
}
