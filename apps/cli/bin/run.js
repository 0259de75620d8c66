#!/usr/bin/env node
// Plain JavaScript that any Node understands: it finds a Node that is new enough for everything else.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import module, { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const NEEDED = 22;

function newerNode() {
  try {
    const bin = join(dirname(createRequire(import.meta.url).resolve('node/package.json')), 'bin', 'node');
    return existsSync(bin) ? bin : null;
  } catch {
    return null; // not installed
  }
}

function handOver(node) {
  const child = spawn(node, process.argv.slice(1), {
    stdio: 'inherit',
    env: { ...process.env, KTRDR_NODE_HANDED_OVER: '1' },
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('error', (error) => {
    console.error(`ktrdr could not start ${node}: ${error.message}`);
    process.exitCode = 1;
  });
  child.on('exit', (code, signal) => {
    if (!signal) process.exit(code);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}

async function start() {
  const main = new URL('../dist/main.js', import.meta.url);
  if (!existsSync(main)) {
    console.error('ktrdr is not built yet. Run "npm ci" and "npm run build" at the root of the repository.');
    process.exitCode = 1;
    return;
  }
  module.enableCompileCache?.(); // quicker from the second start on
  const { main: run } = await import(main.href);
  await run(process.argv.slice(2));
}

if (Number(process.versions.node.split('.')[0]) >= NEEDED) {
  await start();
} else {
  const node = process.env.KTRDR_NODE_HANDED_OVER ? null : newerNode();
  if (node) {
    handOver(node);
  } else {
    console.error(
      `ktrdr needs Node ${NEEDED} or newer; this is ${process.version}. Install it, or run "npm ci" at the root of the repository.`,
    );
    process.exitCode = 1;
  }
}
