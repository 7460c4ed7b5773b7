// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

// Visitors who travel: a database of places, and a proxy's word for where
// somebody is.

import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { openDoor } from './door.mjs';

// Addresses of places_test.go. Of Korea no more is known than the country.
export const lisbon = '81.2.69.160';
export const lisbonToo = '81.2.69.7';
export const tokyo = '2.125.160.216';
export const korea = '1.209.0.1';

const run = promisify(execFile);
const here = path.dirname(fileURLToPath(import.meta.url));

// openPlacedDoor opens a door that knows the places and trusts this machine's
// word for where a visitor is.
export async function openPlacedDoor({ lines = [], global = [], ...rest } = {}) {
  const folder = await mkdtemp(path.join(tmpdir(), 'doorcode-places-'));
  try {
    // Go has the only writer of such files. Its test writes anew each time: a
    // cached result would leave the folder empty.
    await run('go', ['test', '-vet=off', '-count=1', '-run', '^TestPlacesFile$', '.'], { cwd: here, env: { ...process.env, DOORCODE_PLACES: folder } });
    return await openDoor({
      ...rest,
      // Databases are in memory once the door is open.
      lines: [`geoip ${path.join(folder, 'places.mmdb')}`, ...lines],
      global: ['servers {', '\ttrusted_proxies static 127.0.0.1/32 ::1/128', '\ttrusted_proxies_strict', '}', ...global],
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

// from is what the proxy says of a visitor, for openings of a browser and for
// requests without one.
export const from = (address) => ({ extraHTTPHeaders: { 'X-Forwarded-For': address } });

// move takes a browser to another address, in the middle of whatever it does.
export const move = (context, address) => context.setExtraHTTPHeaders(from(address).extraHTTPHeaders);
