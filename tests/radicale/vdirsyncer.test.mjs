// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

// A calendar program as people use it: Debian's vdirsyncer keeps a folder on disk and
// Radicale in step, through the door, with an access token as its password.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readFile, readdir, rm, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { ask } from '../browser/caddy.mjs';
import { ana, event, openCalendars } from './calendars.mjs';

const longest = 60_000; // ms, of one run of vdirsyncer
const calendar = `/${ana}/tea/`;

let calendars, syncer;
before(async () => {
  calendars = await openCalendars();
  syncer = await newSyncer(await calendars.makeToken('Laptop'));
});
after(async () => {
  await syncer?.close();
  await calendars?.close();
});

// newSyncer sets vdirsyncer up in a folder of its own, with an empty calendar on disk.
async function newSyncer(token) {
  const folder = await mkdtemp(path.join(tmpdir(), 'doorcode-vdirsyncer-'));
  const disk = path.join(folder, 'disk', 'tea');
  await mkdir(disk, { recursive: true });
  const config = path.join(folder, 'config');
  await writeFile(config, [
    '[general]', `status_path = "${path.join(folder, 'status')}"`,
    '[pair calendars]', 'a = "disk"', 'b = "door"', 'collections = ["tea"]',
    '[storage disk]', 'type = "filesystem"', `path = "${path.dirname(disk)}"`, 'fileext = ".ics"',
    '[storage door]', 'type = "caldav"', `url = "${calendars.door.origin}/"`, `username = "${ana}"`, `password = "${token}"`,
    '',
  ].join('\n'));
  const run = (command) => runProgram('vdirsyncer', ['--config', config, command], folder);
  return {
    run,
    // works is a run that has to go well.
    async works(command) {
      const { code, output } = await run(command);
      assert.equal(code, 0, output);
    },
    save: (name, text) => writeFile(path.join(disk, name), text),
    remove: (name) => unlink(path.join(disk, name)),
    async saved() {
      const texts = await Promise.all((await readdir(disk)).map((name) => readFile(path.join(disk, name), 'utf8')));
      return summaries(texts.join(''));
    },
    close: () => rm(folder, { recursive: true, force: true }),
  };
}

// runProgram runs it to its end and says yes to whatever it asks.
async function runProgram(program, options, home) {
  const child = spawn(program, options, { env: { PATH: process.env.PATH, HOME: home, LANG: 'C.UTF-8' }, timeout: longest, killSignal: 'SIGKILL' });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => { output += chunk; });
  child.stdin.on('error', () => {}); // it may end before it has read all
  child.stdin.end('y\n'.repeat(10));
  const code = await new Promise((resolve, reject) => {
    child.once('close', resolve);
    child.once('error', reject);
  });
  return { code, output };
}

const summaries = (text) => [...text.matchAll(/^SUMMARY:(.*?)\r?$/gm)].map(([, name]) => name).sort();

// radicale asks the calendar server itself, behind the door.
const radicale = (url, { headers, ...rest } = {}) => ask(`http://localhost:${calendars.radicale.port}${url}`, { ...rest, headers: { ...headers, 'X-Remote-User': ana } });

async function served() {
  const answer = await radicale(calendar);
  assert.equal(answer.status, 200, answer.body);
  return summaries(answer.body);
}

async function serve(uid, summary) {
  const put = await radicale(`${calendar}${uid}.ics`, { method: 'PUT', headers: { 'Content-Type': 'text/calendar' }, body: event(uid, summary) });
  assert.equal(put.status, 201, put.body);
}

test('events go both ways through the door: new ones, and those that were removed', async () => {
  await syncer.save('one.ics', event('one', 'Tea'));
  await syncer.works('discover'); // makes the calendar, as it is not there yet
  await syncer.works('sync');
  assert.deepEqual(await served(), ['Tea']);

  await serve('two', 'Cake');
  await syncer.works('sync');
  assert.deepEqual(await syncer.saved(), ['Cake', 'Tea']);

  await syncer.remove('one.ics');
  await syncer.works('sync');
  assert.deepEqual(await served(), ['Cake']);
});

test('with a token that only reads, what is new in Radicale arrives, and nothing gets there', async () => {
  const reader = await newSyncer(await calendars.makeToken('Wall', { reads: '1' }));
  try {
    const before = await served();
    await reader.works('discover');
    await reader.save('three.ics', event('three', 'Mine'));
    const { code, output } = await reader.run('sync');
    assert.notEqual(code, 0, output);
    assert.match(output, /\b403\b.*Forbidden/);
    assert.deepEqual(await served(), before);
    assert.deepEqual(await reader.saved(), [...before, 'Mine'].sort());
  } finally {
    await reader.close();
  }
});

test('with a token that was revoked, nothing goes either way, and vdirsyncer says why', async () => {
  const before = await syncer.saved();
  await serve('four', 'Theirs');
  await syncer.save('five.ics', event('five', 'Late'));
  await calendars.revoke('Laptop');
  for (const command of ['sync', 'discover']) {
    const { code, output } = await syncer.run(command);
    assert.notEqual(code, 0, output);
    assert.match(output, /\b401\b.*Unauthorized/, command);
  }
  assert.deepEqual(await syncer.saved(), [...before, 'Late'].sort());
  assert.deepEqual(await served(), [...before, 'Theirs'].sort());
});
