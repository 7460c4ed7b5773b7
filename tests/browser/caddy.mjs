// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

// A real Caddy for one test file: its own ports, its own folder, its own life.

import { spawn } from 'node:child_process';
import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises';
import http from 'node:http';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

const readyWithin = 20_000; // ms; a first start makes keys and opens its storage
const stopWithin = 10_000; // ms

// binary is the Caddy under test. ./check builds it once for all test files.
export const binary = process.env.DOORCODE_CADDY;

// freePort returns a loopback port that nobody listens on at the moment.
export async function freePort() {
  const server = net.createServer();
  await new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

// startCaddy runs the binary with the text that caddyfile({folder}) returns and
// resolves when something answers on the port.
export async function startCaddy({ caddyfile, port }) {
  if (!binary) {
    throw new Error('DOORCODE_CADDY is not set: run ./check browser, or build cmd/caddy and name the binary');
  }
  const folder = await mkdtemp(path.join(tmpdir(), 'doorcode-browser-'));
  await mkdir(path.join(folder, 'mail'));
  const file = path.join(folder, 'Caddyfile');
  await writeFile(file, caddyfile({ folder }));

  const child = spawn(binary, ['run', '--config', file, '--adapter', 'caddyfile'], {
    cwd: folder,
    // Everything that Caddy or Doorcode keeps stays in the folder of this test.
    env: { ...process.env, HOME: folder, XDG_DATA_HOME: path.join(folder, 'data'), XDG_CONFIG_HOME: path.join(folder, 'config') },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let log = '';
  const keep = (chunk) => { log = (log + chunk).slice(-200_000); };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  const ended = new Promise((resolve) => {
    child.once('exit', resolve);
    child.once('error', (error) => { keep(error); resolve(); }); // no such binary
  });
  let running = true;
  ended.then(() => { running = false; });

  const caddy = {
    folder,
    log: () => log,
    async stop() {
      if (running) child.kill('SIGTERM');
      const late = new AbortController();
      await Promise.race([ended, pause(stopWithin, null, { signal: late.signal }).then(() => child.kill('SIGKILL'), () => {})]);
      late.abort();
      await ended;
      await rm(folder, { recursive: true, force: true });
    },
  };

  for (const deadline = Date.now() + readyWithin; ;) {
    if (!running) {
      await caddy.stop();
      throw new Error(`Caddy ended before it answered:\n${log}`);
    }
    if (await answers(port)) return caddy;
    if (Date.now() > deadline) {
      await caddy.stop();
      throw new Error(`Caddy did not answer on port ${port} within ${readyWithin} ms:\n${log}`);
    }
    await pause(25);
  }
}

function answers(port) {
  return new Promise((resolve) => {
    const socket = net.connect({ port, host: '127.0.0.1' });
    socket.once('connect', () => { socket.destroy(); resolve(true); });
    socket.once('error', () => resolve(false));
  });
}

// ask sends one request exactly as described, with no header of its own making
// but Host and Connection (fetch would add Sec-Fetch-Mode and hide Set-Cookie).
export function ask(url, { method = 'GET', headers = {}, body, from } = {}) {
  return new Promise((resolve, reject) => {
    const target = new URL(url);
    const request = http.request(
      {
        host: '127.0.0.1',
        port: target.port,
        path: target.pathname + target.search,
        method,
        headers: { Host: target.host, ...headers },
        agent: false,
        localAddress: from,
      },
      (response) => {
        const parts = [];
        response.on('data', (part) => parts.push(part));
        response.on('end', () => resolve({
          status: response.statusCode,
          headers: response.headers,
          cookies: response.headers['set-cookie'] ?? [],
          body: Buffer.concat(parts).toString('utf8'),
        }));
        response.on('error', reject);
      },
    );
    request.on('error', reject);
    request.end(body);
  });
}

// asPage is what a browser says when a person opens an address.
export const asPage = {
  Accept: 'text/html,application/xhtml+xml,*/*;q=0.8',
  'Sec-Fetch-Site': 'none',
  'Sec-Fetch-Mode': 'navigate',
  'Sec-Fetch-Dest': 'document',
  'Sec-Fetch-User': '?1',
};
