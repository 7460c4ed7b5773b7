// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

// The folder that `mail file` writes to, read as a person reads a mailbox.

import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

const arrivesWithin = 10_000; // ms

// openMailbox reads the .eml files of a folder.
export function openMailbox(folder) {
  const read = new Set();
  const arrival = async (address, fits, what) => {
    for (const deadline = Date.now() + arrivesWithin; ;) {
      const mail = (await all()).find((each) => each.to === address && !read.has(each.name) && fits(each));
      if (mail) {
        read.add(mail.name);
        return mail;
      }
      if (Date.now() > deadline) throw new Error(`no ${what} to ${address} within ${arrivesWithin} ms`);
      await pause(20);
    }
  };
  const all = async () => {
    const names = (await readdir(folder)).filter((name) => name.endsWith('.eml')).sort();
    return Promise.all(names.map(async (name) => ({ name, ...parseMail(await readFile(path.join(folder, name), 'utf8')) })));
  };
  return {
    // to returns all mails that one address has got so far.
    to: async (address) => (await all()).filter((mail) => mail.to === address),
    // next waits for a code to the address that next has not returned before.
    next: (address) => arrival(address, ({ code }) => code, 'code'),
    // notice does the same for mails without one.
    notice: (address) => arrival(address, ({ code }) => !code, 'notice'),
  };
}

// parseMail takes from one message what the tests ask about.
export function parseMail(raw) {
  const [head, ...rest] = raw.replaceAll('\r\n', '\n').split('\n\n');
  const headers = {};
  for (const line of head.replace(/\n[ \t]+/g, ' ').split('\n')) {
    const colon = line.indexOf(':');
    headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
  }
  const subject = headers.subject ?? '';
  const [, letters = ''] = subject.match(/\((\w+)\)$/) ?? [];
  const to = (headers.to ?? '').replace(/^.*<|>.*$/g, '');
  const body = rest.join('\n\n');
  const text = part(headers, body, 'plain');
  const [, code = ''] = subject.match(/^(\S+) is your .* code/) ?? text.match(/^@\S+ #(\w+)$/m) ?? [];
  const [, stop = ''] = text.match(/^[^\n]*: (https?:\S+\/\.doorcode\/no\/\S+)$/m) ?? [];
  return { headers, subject, to, code, letters, stop, text, html: part(headers, body, 'html'), raw };
}

function part(headers, body, kind) {
  const [, boundary] = (headers['content-type'] ?? '').match(/boundary="?([^";]+)"?/) ?? [];
  if (!boundary) return kind === 'plain' ? decode(headers, body) : '';
  for (const each of body.split(`--${boundary}`)) {
    const [head, ...rest] = each.replace(/^\n/, '').split('\n\n');
    if (new RegExp(`^content-type: text/${kind}`, 'im').test(head)) {
      const encoding = head.match(/^content-transfer-encoding: *(\S+)/im)?.[1] ?? '';
      return decode({ 'content-transfer-encoding': encoding }, rest.join('\n\n'));
    }
  }
  return '';
}

function decode(headers, text) {
  if ((headers['content-transfer-encoding'] ?? '').toLowerCase() !== 'quoted-printable') return text;
  const bytes = text.replace(/=\n/g, '').replace(/=([0-9A-F]{2})/gi, (_, hex) => String.fromCharCode(parseInt(hex, 16)));
  return Buffer.from(bytes, 'latin1').toString('utf8');
}
