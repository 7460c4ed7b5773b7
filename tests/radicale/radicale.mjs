// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

// Debian's Radicale as the protected app: a calendar server that believes the
// X-Remote-User it is sent. It must therefore listen on loopback only, behind
// the door, and this is how an operator would run it.

import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { ask, freePort } from '../browser/caddy.mjs';

const readyWithin = 20_000; // ms

// startRadicale resolves when the server answers.
export async function startRadicale() {
  const folder = await mkdtemp(path.join(tmpdir(), 'doorcode-radicale-'));
  const port = await freePort();
  const file = path.join(folder, 'config');
  await writeFile(file, [
    '[server]', `hosts = 127.0.0.1:${port}`,
    '[auth]', 'type = http_x_remote_user',
    '[rights]', 'type = owner_only',
    '[storage]', `filesystem_folder = ${path.join(folder, 'collections')}`,
    '[web]', 'type = none',
    '',
  ].join('\n'));
  const child = spawn('radicale', ['--config', file], { stdio: ['ignore', 'ignore', 'pipe'] });
  let log = '';
  child.stderr.on('data', (chunk) => { log = (log + chunk).slice(-50_000); });
  const ended = new Promise((resolve) => {
    child.once('exit', resolve);
    child.once('error', (error) => { log += error; resolve(); });
  });
  let running = true;
  ended.then(() => { running = false; });
  const stop = async () => {
    if (running) child.kill('SIGTERM');
    await ended;
    await rm(folder, { recursive: true, force: true });
  };
  for (const deadline = Date.now() + readyWithin; ;) {
    if (await ask(`http://localhost:${port}/`).catch(() => null)) return { port, stop };
    if (!running || Date.now() > deadline) {
      await stop();
      throw new Error(`Radicale does not answer:\n${log}`);
    }
    await pause(50);
  }
}
