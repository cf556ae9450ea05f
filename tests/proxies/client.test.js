// The browser client through nginx and HAProxy, which hold answers back or not, over HTTP/1.1 and HTTP/2: it finds the transport that
// gets through, tells the page, and misses nothing when the hub is killed and begins anew.

import assert from 'node:assert/strict';

import { openSite } from '../browser/client-site.js';
import { startHub } from '../browser/hub.js';
import { startPageServer } from '../browser/page-server.js';
import { together } from '../browser/together.js';
import { BUFFERING_WAYS } from './buffering.js';
import { makeCertificate } from './certificate.js';
import { freePort, nginxWith, startProxy, temporaryFolder } from './proxy.js';

const STREAMS = ['sse'];
const POLLS = ['sse', 'post', 'long-poll'];

/** What stands in `location` of nginx, and the transports that the page is told then. */
const LINES = {
  'nginx as it is by default': { lines: '', transports: STREAMS },
  'nginx, proxy_buffering on, HTTP/1.1 to the hub': {
    lines: 'proxy_buffering on; proxy_http_version 1.1; proxy_set_header Connection "";',
    transports: STREAMS,
  },
  'nginx, X-Accel-Buffering ignored': { lines: 'proxy_buffering on; proxy_ignore_headers X-Accel-Buffering;', transports: POLLS },
  'nginx, X-Accel-Buffering ignored, gzip on, HTTP/1.1 to the hub': {
    lines: `proxy_buffering on; proxy_ignore_headers X-Accel-Buffering; proxy_http_version 1.1; proxy_set_header Connection "";
      gzip on; gzip_types *; gzip_min_length 0;`,
    transports: POLLS,
  },
};

/** nginx with the hub and the page on one origin. Returns the origin. */
async function startNginx(scene, hub, pages, lines, version) {
  const port = await freePort();
  const { certificate, key } = makeCertificate(await temporaryFolder(scene));
  const tls = version === 'h2' ? `ssl_certificate ${certificate}; ssl_certificate_key ${key};` : '';
  const server = `server {
    listen 127.0.0.1:${port} ${version === 'h2' ? 'ssl http2' : ''}; ${tls}
    location = /client.html { proxy_pass ${pages.origin}; }
    location / { proxy_pass http://127.0.0.1:${hub.port}; ${lines} }
  }`;
  await startProxy(scene, 'nginx', port, nginxWith(server));
  return `${version === 'h2' ? 'https' : 'http'}://localhost:${port}`;
}

/** Hears, goes on over a hub that is killed and begins anew, and uses these transports. */
async function goesOn(site, transports) {
  await site.hears();
  await site.hub.kill();
  await site.client.told('error', 1);
  await site.restartHub();
  await site.publish(3);
  await site.heardAll();
  assert.deepEqual(await site.client.transports(), transports);
  assert.equal((await site.client.state()).transport, transports.at(-1));
}

const acts = {};
for (const [name, { lines, transports }] of Object.entries(LINES)) {
  for (const version of ['http/1.1', 'h2']) {
    acts[`${name}, ${version}: ${transports.at(-1)} gets through`] = async (scene, context) => {
      const hub = await startHub(scene, '--retry', '200ms');
      const pages = await startPageServer(scene);
      const site = await openSite(scene, context, hub, await startNginx(scene, hub, pages, lines, version));

      await goesOn(site, transports);

      const loaded = await site.client.page.evaluate(() => performance.getEntriesByName(`${location.origin}/tidings.js`)[0].nextHopProtocol);
      assert.equal(loaded, version);
    };
  }
}
for (const [name, transports] of [['HAProxy', STREAMS], ['HAProxy, http-response wait-for-body', POLLS]]) {
  acts[`${name}, for a page of another origin: ${transports.at(-1)} gets through`] = async (scene, context) => {
    const pages = await startPageServer(scene);
    const hub = await startHub(scene, '--retry', '200ms', '--cors-origin', pages.origin);
    const origin = await BUFFERING_WAYS[name].start(scene, hub);
    const site = await openSite(scene, context, hub, origin, { pages: pages.origin });

    await goesOn(site, transports);
  };
}

together('the client', acts, { ignoreHTTPSErrors: true });
