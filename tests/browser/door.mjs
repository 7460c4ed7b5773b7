// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

// A door to test: the app, Caddy with Doorcode before it, a mailbox, a browser.

import path from 'node:path';
import { startApp } from './app.mjs';
import { freePort, startCaddy } from './caddy.mjs';
import { launch, watch } from './chromium.mjs';
import { openMailbox } from './mailbox.mjs';

// openDoor starts all four. What a test needs otherwise than usual:
//   allow    the directive's arguments
//   lines    further lines of the directive
//   look     further lines of its block pages
//   before   lines of the site that stand before the directive
//   letter   further lines of the block of `mail file`
//   mail     lines in place of `mail file`, for a mail server that fails
//   global   lines of Caddy's global options
//   files    further paths of the sample app
//   host     the site's name, in place of localhost
//   secure   true for https, with a certificate that only a test's browser trusts
//   upstream the port to pass requests to, in place of the sample app
//   browser  false where a test opens its own, or needs none
export async function openDoor({
  allow = '*@example.com', lines = [], look = [], before = [], letter = [], mail, global = [], host = 'localhost', secure = false, upstream, files, browser = true,
} = {}) {
  const app = await startApp(files);
  const port = await freePort();
  const origin = `${secure ? 'https' : 'http'}://${host}:${port}`;
  if (secure) {
    before = ['tls internal', ...before];
    global = ['auto_https disable_redirects', ...global];
  }
  const caddy = await startCaddy({
    port,
    caddyfile: ({ folder }) => caddyfile({ origin, allow, lines, look, before, global, mail: mail ?? mailTo(folder, letter), upstream: upstream ?? app.port }),
  }).catch(async (error) => { await app.stop(); throw error; });
  const chromium = browser ? await launch() : null;
  const mailbox = openMailbox(path.join(caddy.folder, 'mail'));

  return {
    origin,
    app,
    mailbox,
    log: caddy.log,
    // visit opens a browser that knows nothing of the site yet.
    async visit(settings = {}) {
      const context = await chromium.newContext(settings);
      const page = await context.newPage();
      return { context, page, seen: watch(page) };
    },
    async close() {
      await chromium?.close();
      await caddy.stop();
      await app.stop();
    },
  };
}

const mailTo = (folder, letter) => [
  `mail file ${path.join(folder, 'mail')} {`, '\tfrom "Example sign-in <login@example.com>"', ...letter.map((text) => `\t${text}`), '}',
];

function caddyfile({ origin, allow, lines, look, before, global, mail, upstream }) {
  const indent = (depth, texts) => texts.map((text) => '\t'.repeat(depth) + text);
  return [
    '{',
    ...indent(1, ['admin off', 'persist_config off', 'default_bind 127.0.0.1', 'skip_install_trust', ...global]),
    '}',
    '',
    `${origin} {`,
    ...indent(1, before),
    ['\tdoorcode', allow, '{'].filter(Boolean).join(' '),
    ...indent(2, [...mail, 'pages {', '\tname Example', ...look.map((text) => `\t${text}`), '}', ...lines]),
    '\t}',
    `\treverse_proxy 127.0.0.1:${upstream}`,
    '}',
    '',
  ].join('\n');
}
