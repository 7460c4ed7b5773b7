// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

// A visitor without a browser: cookies and forms by hand, for tests that are
// about bytes, and for programs such as calendar clients.

import { ask, asPage } from './caddy.mjs';

// newVisitor returns a client that keeps cookies. from is the loopback address
// that its connections come from: each 127.0.x.0/24 is a network of its own.
export function newVisitor(door, { from } = {}) {
  const jar = new Map();
  const send = async (url, { headers = {}, ...rest } = {}) => {
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
    const answer = await ask(new URL(url, door.origin), { ...rest, from, headers: cookie ? { Cookie: cookie, ...headers } : headers });
    for (const line of answer.cookies) keep(jar, line);
    return answer;
  };

  const visitor = {
    jar,
    send,
    // open loads a page as a browser does.
    open: (url) => send(url, { headers: asPage }),
    // submit fills in the form of a page that has the named field, and follows the 303.
    async submit(url, page, field, values) {
      const form = findForm(page, field);
      const answer = await send(new URL(form.action, new URL(url, door.origin)), {
        method: 'POST',
        headers: { ...asPage, 'Sec-Fetch-Site': 'same-origin', Origin: door.origin, 'Content-Type': 'application/x-www-form-urlencoded' },
        body: new URLSearchParams({ ...form.hidden, ...values }).toString(),
      });
      return answer.status === 303 ? visitor.open(answer.headers.location) : answer;
    },
    // askForCode returns the page [2] at url for the address.
    async askForCode(url, address) {
      return visitor.submit(url, (await visitor.open(url)).body, 'email', { email: address });
    },
    // enter goes the whole way and returns the app's answer.
    async enter(url, address) {
      const page = await visitor.askForCode(url, address);
      const { code } = await door.mailbox.next(address);
      return visitor.submit(url, page.body, 'code', { code });
    },
  };
  return visitor;
}

// findForm returns the action and the hidden fields of the form that has a
// visible field of that name.
export function findForm(page, field) {
  for (const [, attributes, inner] of page.matchAll(/<form\b([^>]*)>(.*?)<\/form>/gs)) {
    const inputs = [...inner.matchAll(/<input\b[^>]*>/g)].map(([tag]) => tag);
    if (!inputs.some((tag) => attribute(tag, 'name') === field)) continue;
    const hidden = inputs.filter((tag) => attribute(tag, 'type') === 'hidden');
    return {
      action: attribute(attributes, 'action'),
      hidden: Object.fromEntries(hidden.map((tag) => [attribute(tag, 'name'), attribute(tag, 'value')])),
    };
  }
  throw new Error(`no form with a field ${field} in:\n${page}`);
}

function attribute(tag, name) {
  const [, quoted, bare] = tag.match(new RegExp(`\\b${name}=(?:"([^"]*)"|([^\\s">]+))`)) ?? [];
  const plain = { amp: '&', lt: '<', gt: '>', quot: '"' };
  return (quoted ?? bare ?? '').replace(/&(?:#(\d+)|(\w+));/g, (whole, digits, word) => (digits ? String.fromCharCode(digits) : plain[word] ?? whole));
}

function keep(jar, line) {
  const [pair, ...attributes] = line.split(';');
  const [name, value] = [pair.slice(0, pair.indexOf('=')).trim(), pair.slice(pair.indexOf('=') + 1)];
  const gone = attributes.some((each) => /^\s*max-age=(0|-\d+)\s*$/i.test(each));
  if (gone) jar.delete(name);
  else jar.set(name, value);
}
