// `tidings doctor` through real proxies. Behind the configurations of the guide it finds nothing. Behind one with a fault it finds that
// fault alone, and the line that it prints mends it: the line is put into the configuration, and the doctor finds nothing.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe } from 'node:test';

import { startHub } from '../browser/hub.js';
import { scene } from '../browser/scene.js';
import { makeCertificate } from './certificate.js';
import { caddy, doctor, doctorSays, haproxy, mended, nginx } from './doctor.js';
import { program, runnable, titles } from './guide.js';
import { freePort, startProxy, temporaryFolder } from './proxy.js';
import { startGuideHub } from './site.js';

const PAGE = 'https://app.example';

/** A hub whose heartbeats come soon enough to be watched. */
const QUICK = ['--heartbeat', '1s', '--cors-origin', PAGE];

/** A watch that sees two of them. */
const WATCH = ['--idle', '3s', '--origin', PAGE];

/** A watch in which a long poll waits for more than 3 s, and a stream has its heartbeats. */
const LONG_POLL_WATCH = ['--idle', '7s', '--origin', PAGE];

/** Most of these scenes wait for heartbeats that do not come. More at once make a small machine late. */
const AT_ONCE = 6;

const MAKERS = { nginx, haproxy, caddy };

const COMPRESSES = 'gzip on;\n gzip_types *;\n gzip_min_length 0;\n proxy_buffering on;\n proxy_ignore_headers X-Accel-Buffering;';

/** What is wrong, and what the doctor finds: for each proxy by its name. */
const FAULTS = {
  nginx: [
    { fault: 'holds answers back', finds: 'buffering', server: 'proxy_buffering on;\n proxy_ignore_headers X-Accel-Buffering;', version: '1.0' },
    { fault: 'compresses streams into a buffer', finds: 'compression', server: COMPRESSES },
    { fault: 'cuts a silence of 2 s', finds: 'idle', silence: '2s', hub: ['--heartbeat', '15s', '--cors-origin', PAGE] },
    { fault: 'cuts a long poll of 3 s', finds: 'idle', silence: '3s', watch: LONG_POLL_WATCH },
    { fault: 'drops Last-Event-ID', finds: 'last-event-id', lines: ['proxy_set_header Last-Event-ID "";'] },
    { fault: 'speaks HTTP/1.1', finds: 'http-version', listen: 'ssl' },
    {
      fault: 'lets five streams of an address through',
      finds: 'connections',
      http: 'limit_conn_zone $binary_remote_addr zone=per_address:1m;',
      lines: ['limit_conn per_address 5;'],
    },
    { fault: 'takes the headers of CORS out', finds: 'cors', lines: ['proxy_hide_header Access-Control-Allow-Origin;'] },
    { fault: 'adds headers of CORS', finds: 'cors', lines: ['add_header Access-Control-Allow-Origin *;'] },
    { fault: 'answers preflights', finds: 'cors', lines: ['if ($request_method = OPTIONS) { return 405; }'] },
    { fault: 'refuses POST', finds: 'post', lines: ['if ($request_method = POST) { return 405; }'] },
    { fault: 'asks the hub for another host', finds: 'host', pass: 'backend' },
    { fault: 'passes its path on', finds: 'prefix', location: '/push/', path: '/push' },
    { fault: 'decodes the path', finds: 'path', location: '/push/', path: '/push', slash: true },
  ],
  haproxy: [
    { fault: 'holds answers back', finds: 'buffering', backend: ['http-response wait-for-body time 30s unless { status 101 }'] },
    { fault: 'cuts a silence of 2 s', finds: 'idle', server: '2s', hub: ['--heartbeat', '15s', '--cors-origin', PAGE] },
    { fault: 'cuts a long poll of 3 s', finds: 'idle', server: '3s', watch: LONG_POLL_WATCH },
    { fault: 'drops Last-Event-ID', finds: 'last-event-id', backend: ['http-request del-header Last-Event-ID'] },
    { fault: 'speaks HTTP/1.1', finds: 'http-version', alpn: '' },
    { fault: 'has five connections to the hub', finds: 'connections', options: 'maxconn 5' },
    { fault: 'takes the headers of CORS out', finds: 'cors', backend: ['http-response del-header Access-Control-Allow-Origin'] },
    { fault: 'adds headers of CORS', finds: 'cors', backend: ['http-response add-header Access-Control-Allow-Origin *'] },
    { fault: 'answers preflights', finds: 'cors', frontend: ['http-request return status 204 if METH_OPTIONS'] },
    { fault: 'refuses POST', finds: 'post', frontend: ['http-request deny if METH_POST'] },
    { fault: 'asks the hub for another host', finds: 'host', backend: ['http-request set-header Host backend'] },
    { fault: 'passes its path on', finds: 'prefix', path: '/push' },
    {
      fault: 'folds the path',
      finds: 'path',
      global: ['expose-experimental-directives'],
      frontend: ['http-request normalize-uri path-merge-slashes'],
    },
  ],
  caddy: [
    { fault: 'cuts a silence of 2 s', finds: 'idle', proxy: ['transport http {', 'read_timeout 2s', '}'], hub: ['--heartbeat', '15s', '--cors-origin', PAGE] },
    { fault: 'cuts a long poll of 3 s', finds: 'idle', proxy: ['transport http {', 'read_timeout 3s', '}'], watch: LONG_POLL_WATCH },
    { fault: 'cuts what is older than 2 s', finds: 'idle', global: ['servers {', 'timeouts {', 'write 2s', '}', '}'] },
    { fault: 'drops Last-Event-ID', finds: 'last-event-id', proxy: ['header_up -Last-Event-ID'] },
    { fault: 'speaks HTTP/1.1', finds: 'http-version', global: ['servers {', 'protocols h1', '}'] },
    { fault: 'takes the headers of CORS out', finds: 'cors', proxy: ['header_down -Access-Control-Allow-Origin'] },
    { fault: 'asks the hub for another host', finds: 'host', proxy: ['header_up Host backend'] },
    { fault: 'passes its path on', finds: 'prefix', path: '/push' },
    { fault: 'folds the path', finds: 'path', path: '/push', handle: 'handle_path /push/*' },
  ],
};

/** Starts the proxy with a configuration on a port of its own. */
async function start(scene, name, configuration, port) {
  const own = await freePort();
  await startProxy(scene, name, own, configuration.replaceAll(String(port), String(own)));
  return own;
}

describe('tidings doctor', { concurrency: AT_ONCE }, () => {
  for (const [name, faults] of Object.entries(FAULTS)) {
    scene(`${name}, well configured: nothing is found`, async (scene) => {
      const [hub, port] = [await startHub(scene, ...QUICK), await freePort()];
      const files = makeCertificate(await temporaryFolder(scene), 'localhost');
      await startProxy(scene, name, port, MAKERS[name]({ hub, port, files }));

      const { code, output, errors } = await doctorSays(scene, `https://localhost:${port}/`, ...WATCH, '--ca-file', files.certificate);

      assert.match(output, /\nnothing stands between this machine and the hub\n$/, output);
      assert.equal(code, 0, errors);
      assert.match(output, /in HTTP\/2 over TLS\n/);
    });

    for (const { fault, finds, hub: flags = QUICK, path = '', slash, watch = WATCH, ...parts } of faults) {
      scene(`${name} ${fault}: ${finds} is found, and the line that is printed mends it`, async (scene) => {
        const [hub, port] = [await startHub(scene, ...flags), await freePort()];
        const files = makeCertificate(await temporaryFolder(scene), 'localhost');
        const pass = slash ? `127.0.0.1:${hub.port}/` : parts.pass;
        const bad = MAKERS[name]({ hub, port, files, ...parts, pass });
        const ask = (on) => doctor(scene, `https://localhost:${on}${path}/`, ...watch, '--ca-file', files.certificate, '--proxy', name);

        const first = await start(scene, name, bad, port);
        const before = await ask(first);
        assert.deepEqual(before.names, [finds], JSON.stringify(before.report.checks, null, 1));
        // The hub's heartbeat mends a stream, and no long poll.
        if (watch === LONG_POLL_WATCH) assert.ok(before.findings[0].remedies.every((remedy) => remedy.for === name));
        const after = await ask(await start(scene, name, mended(name, bad, before.findings[0], hub).replaceAll(String(first), String(port)), port));

        assert.deepEqual(after.names, [], JSON.stringify(after.report.checks, null, 1));
      });
    }
  }

  for (const title of [...titles('nginx'), ...titles('HAProxy'), ...titles('Caddy')]) {
    scene(`${title}, as the guide has it: nothing is found`, async (scene) => {
      const hub = await startGuideHub(scene, ...QUICK);
      const [port, folder] = [await freePort(), await temporaryFolder(scene)];
      const files = makeCertificate(folder, 'localhost');
      await startProxy(scene, program(title), port, runnable(title, { hub, port, files }).replaceAll('hub.example', 'localhost'));
      const path = title.includes('below a path') ? '/push/' : '/';

      const { names, report } = await doctor(scene, `https://localhost:${port}${path}`, ...WATCH, '--ca-file', files.certificate);

      assert.deepEqual(names, [], JSON.stringify(report.checks, null, 1));
      assert.ok(report.checks.every(({ check, state }) => state === 'well' || check === 'publishing'), JSON.stringify(report.checks, null, 1));
    });
  }

  for (const title of [...titles('nginx'), ...titles('HAProxy'), ...titles('Caddy')]) {
    scene(`${title}, as the guide has it, with a hub that is away: the proxy is found not to reach it`, async (scene) => {
      const hub = await startGuideHub(scene, ...QUICK);
      const [port, folder] = [await freePort(), await temporaryFolder(scene)];
      const files = makeCertificate(folder, 'localhost');
      await startProxy(scene, program(title), port, runnable(title, { hub, port, files }).replaceAll('hub.example', 'localhost'));
      const path = title.includes('below a path') ? '/push/' : '/';
      const ask = () => doctor(scene, `https://localhost:${port}${path}`, '--idle', '0s', '--ca-file', files.certificate);

      await hub.kill();
      // HAProxy holds the first request until its check has seen that the hub is away.
      if (program(title) === 'haproxy') await ask();
      const { names, findings } = await ask();

      assert.deepEqual(names, ['reach']);
      const [{ text, remedies }] = findings;
      // Caddy holds the request for longer than the doctor waits.
      const words = program(title) === 'caddy' ? /a proxy that does not reach its hub may wait like this/ : /a proxy answers in the hub's place/;
      assert.match(text, words);
      assert.deepEqual(remedies, []);
    });
  }

  scene('a hub that does not know the origin of a page: the line that is printed lets it in', async (scene) => {
    const strict = await startHub(scene);
    const before = await doctor(scene, strict.url, '--origin', PAGE, '--idle', '0s');
    assert.deepEqual(before.names, ['cors']);
    const [{ line }] = before.findings[0].remedies.filter((remedy) => remedy.for === 'hub');
    const file = join(await temporaryFolder(scene), 'tidings.toml');
    writeFileSync(file, `${line}\n`);

    const open = await startHub(scene, '--config', file);
    const after = await doctor(scene, open.url, '--origin', PAGE, '--idle', '0s');

    assert.deepEqual(after.names, []);
  });

  scene('nginx without Upgrade: a WebSocket is noted, and the lines that are printed let it through', async (scene) => {
    const [hub, port] = [await startHub(scene, ...QUICK), await freePort()];
    const files = makeCertificate(await temporaryFolder(scene), 'localhost');
    const bad = nginx({ hub, port, files }).replaceAll(/^.*(to_hub|upgrade).*$/gm, '');
    const ask = (on) => doctor(scene, `https://localhost:${on}/`, '--idle', '0s', '--ca-file', files.certificate);
    const socket = ({ report }) => report.checks.find(({ check }) => check === 'websocket');

    const first = await start(scene, 'nginx', bad, port);
    const before = await ask(first);
    assert.deepEqual([before.names, socket(before).state], [[], 'note']);
    const after = await ask(await start(scene, 'nginx', mended('nginx', bad, socket(before), hub), port));

    assert.deepEqual([after.names, socket(after).state], [[], 'well']);
  });

  scene('nginx names itself, and its lines alone are shown', async (scene) => {
    const [hub, port] = [await startHub(scene, ...QUICK), await freePort()];
    const files = makeCertificate(await temporaryFolder(scene), 'localhost');
    await startProxy(scene, 'nginx', port, nginx({ hub, port, files, lines: ['proxy_set_header Last-Event-ID "";'] }));

    const { output } = await doctorSays(scene, `https://localhost:${port}/`, '--idle', '0s', '--ca-file', files.certificate);

    assert.match(output, /which names nginx\/\d/);
    assert.match(output, /\n +nginx, in the location of the hub, add:\n +proxy_set_header Last-Event-ID \$http_last_event_id;\n/);
    assert.doesNotMatch(output, /HAProxy|Caddy|Traefik|Cloudflare/);
  });
});
