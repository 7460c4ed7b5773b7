// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

// The app behind the door, and plain sites beside it. The app remembers every
// request that reached it: what must not get through is looked for here.

import { createHash } from 'node:crypto';
import http from 'node:http';

// startApp serves, on a free loopback port:
//   /json...   what it was sent: method, url, headers and body
//   /form      a form that posts to itself
//   /frame     a page with /inside in a frame
//   /outside   a page whose form posts to /form (for a public path)
//   /events    an event stream that says hello and stays open
//   /socket    a WebSocket that stays open, and says nothing
//   /private   a page that nothing may keep
//   any other  a small page that names its own path
// more adds files to the paths: what a GET of one is answered with, {type, body}.
export async function startApp(more = {}) {
  const requests = [];
  const server = http.createServer(async (request, response) => {
    const parts = [];
    for await (const part of request) parts.push(part);
    const seen = { method: request.method, url: request.url, headers: request.headers, body: Buffer.concat(parts).toString('utf8') };
    requests.push(seen);
    const { pathname } = new URL(request.url, 'http://app');
    const file = request.method === 'GET' && more[pathname];
    if (file) {
      response.setHeader('Content-Type', file.type);
      response.end(file.body);
      return;
    }
    if (pathname === '/events') {
      response.writeHead(200, { 'Content-Type': 'text/event-stream' });
      response.write('retry: 100\ndata: hello\n\n');
      return;
    }
    if (pathname.startsWith('/json')) {
      response.setHeader('Content-Type', 'application/json');
      response.end(JSON.stringify(seen));
      return;
    }
    response.setHeader('Content-Type', 'text/html; charset=utf-8');
    if (pathname === '/private') response.setHeader('Cache-Control', 'no-store');
    response.end(page(seen, pathname));
  });
  server.on('upgrade', openSocket);
  await listen(server);
  return { requests, port: server.address().port, stop: () => close(server) };
}

// openSocket shakes hands (RFC 6455, section 4.2.2) and leaves it at that.
function openSocket(request, socket) {
  const accept = createHash('sha1').update(`${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
  socket.on('error', () => {});
  socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`);
  socket.resume();
}

// serve answers each path with the page given for it: another site.
export async function serve(pages) {
  const server = http.createServer((request, response) => {
    const body = pages[new URL(request.url, 'http://site').pathname];
    response.writeHead(body === undefined ? 404 : 200, { 'Content-Type': 'text/html; charset=utf-8' });
    response.end(body ?? 'nothing here');
  });
  await listen(server);
  return { port: server.address().port, stop: () => close(server) };
}

function page({ method, body }, pathname) {
  const inner = {
    '/form': `<form method="post" action="/form"><label>Note <input name="note"></label><button>Save</button></form>`,
    '/outside': `<form method="post" action="/form"><label>Note <input name="note" value="kept"></label><button>Save</button></form>`,
    '/frame': `<iframe src="/inside" title="Inside" width="400" height="300"></iframe>`,
  }[pathname] ?? '';
  return html(`App`, `<p id="path">${escape(pathname)}</p><p id="method">${escape(method)}</p><pre id="body">${escape(body)}</pre>${inner}`);
}

// html wraps a body in a whole page that asks for nothing else.
export function html(title, body) {
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${title}</title>`
    + `<link rel="icon" href="data:,"></head><body><main><h1>${title}</h1>${body}</main></body></html>`;
}

function escape(text) {
  return text.replace(/[&<>"]/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[c]);
}

function listen(server) {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
}

function close(server) {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(resolve));
}
