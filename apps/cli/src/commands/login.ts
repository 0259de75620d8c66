import { Flags } from '@oclif/core';
import { ApiCommand } from './api-command.js';
import { loginUrl } from '../connection/config.js';
import { readSecret } from '../render/terminal/prompts.js';
import { UsageError } from '../errors/errors.js';
import { writeLogin } from '../connection/login-file.js';

export default class Login extends ApiCommand {
  static override summary = 'remember the address of the API and a token for it';
  static override examples = [
    '<%= config.bin %> login --url http://127.0.0.1:8080',
    'cat token.txt | <%= config.bin %> login --url https://ktrdr.example',
  ];
  static override flags = {
    url: Flags.string({ description: 'address of the API (else --api-url, KTRDR_API_URL)' }),
    token: Flags.string({ description: 'the token; else it is asked for, or read from standard input' }),
  };

  async run(): Promise<{ url: string; login_file: string }> {
    const { flags } = await this.parse(Login);
    const url = loginUrl(flags.url ?? flags['api-url']);
    const token = flags.token ?? flags['api-token'] ?? (await readSecret(`Token for ${url}: `));
    if (token === '') throw new UsageError('There is no token: give --token, or type or pipe one in');
    const api = await this.clientOf({ url, token, timeoutMs: flags.timeout * 1000 });
    await api.list({ limit: 1 });
    const path = await writeLogin(this.config.configDir, { url: api.url, token });
    this.log(`Logged in to ${api.url}. The token is in ${path}, readable by you only.`);
    return { url: api.url, login_file: path };
  }
}
