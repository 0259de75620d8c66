import type { ApiClient } from '@ktrdr/api-client';
import { Command, Flags } from '@oclif/core';
import { type ConnectionFlags, resolveConnection } from '../connection/config.js';
import { isUsageError, toFailure } from '../errors/failure.js';
import { retryNotices, timeoutFlag, waitNotices } from '../connection/timeouts.js';
import { paintFor } from '../render/terminal/paint.js';
import { renderProblem } from '../errors/problem.js';
import { printed } from '../render/terminal/layout.js';
import type { Shown } from '../render/words/parts.js';
import { type Choices, nextCommands } from '../render/words/suggestions.js';

type ApiFlags = ConnectionFlags & { readonly timeout: number };

/** Notices about a slow call name the `work` of the API. `shown`: none, as the command shows its own progress. */
type Slowness = 'shown' | { readonly work?: string };

/** A command: its connection to the API, its output and its failures. */
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

  /** The choices of this command, which a suggested correction keeps. */
  protected choices: Choices | undefined;

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

  /** Reports the failure once, and sets the exit code. */
  protected override catch(error: Error): Promise<void> {
    const flags = [...Object.keys({ ...this.ctor.baseFlags, ...this.ctor.flags }), 'json', 'help'];
    const { exitCode, problem, forPeople, stack } = toFailure(error, { flags });
    process.exitCode = exitCode;
    if (exitCode === 0) return Promise.resolve();
    const next = isUsageError(error)
      ? [`ktrdr ${this.id?.replaceAll(':', ' ')} --help`]
      : nextCommands(problem, this.choices);
    if (this.jsonEnabled()) this.logJson(problem);
    else this.logToStderr(printed(renderProblem(forPeople, next), paintFor(process.stderr)));
    if (stack) this.debug(stack);
    return Promise.resolve();
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
