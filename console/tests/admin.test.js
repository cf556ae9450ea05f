// What an admin asks, and what the page makes of the answers.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { connectionsAfter, disconnect } from '../admin.js';
import { useCredential } from '../credential.js';

/** Answers each `fetch` of the test, and tells what was asked. */
function answering(t, status, document) {
  const asked = [];
  const { fetch } = globalThis;
  t.after(() => (globalThis.fetch = fetch));
  globalThis.fetch = async (url, { method = 'GET', headers, body }) => {
    asked.push({ url: url.slice(url.indexOf('/admin/')), method, authorization: headers.authorization, body });
    return Response.json(document, { status, headers: { 'content-type': status === 200 ? 'application/json' : 'application/problem+json' } });
  };
  return asked;
}

test('connections come in pages, each with what the hub knows of it', async (t) => {
  useCredential('root');
  const row = { id: 'c1', user: 'u1', address: '10.0.0.1', transport: 'sse', selectors: ['a', 'b/*'], since: '2026-11-27T03:00:00.000Z', lag: 3 };
  const asked = answering(t, 200, { connections: [row, { id: 'c2', user: null, address: null, since: 'x' }], more: true });

  const answer = await connectionsAfter('c0');

  assert.deepEqual(asked, [{ url: '/admin/connections?limit=50&after=c0', method: 'GET', authorization: 'Bearer root', body: undefined }]);
  assert.deepEqual(answer, {
    connections: [
      { ...row, since: new Date(row.since) },
      { id: 'c2', user: '', address: '', transport: '', selectors: [], since: null, lag: 0 },
    ],
    more: true,
  });
});

test('the first page is asked for without a place', async (t) => {
  const asked = answering(t, 200, {});

  assert.deepEqual(await connectionsAfter(''), { connections: [], more: false });
  assert.equal(asked[0].url, '/admin/connections?limit=50');
});

test('a connection is ended by its id', async (t) => {
  useCredential('root');
  const asked = answering(t, 200, { disconnected: 1 });

  assert.deepEqual(await disconnect('c1'), { disconnected: 1 });
  assert.deepEqual(asked, [{ url: '/admin/disconnect', method: 'POST', authorization: 'Bearer root', body: '{"connection":"c1"}' }]);
});

test('a refusal is told as the hub says it', async (t) => {
  answering(t, 403, { type: 'urn:tidings:problem:not-covered', title: 'Forbidden', detail: 'this needs the grant admin' });

  for (const { problem } of [await connectionsAfter(''), await disconnect('c1')]) {
    assert.deepEqual([problem.status, problem.type, problem.detail], [403, 'not-covered', 'this needs the grant admin']);
  }
});
