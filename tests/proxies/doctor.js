// `tidings doctor` and the lines that it prints, applied to the configuration of a proxy as a person would.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

import { nginxWith } from './proxy.js';

const BINARY = process.env.TIDINGS_BIN ?? fileURLToPath(new URL('../../target/debug/tidings', import.meta.url));

/** Runs the doctor. Returns its exit code, its report, and its findings by name. */
export async function doctor(scene, url, ...args) {
  const { code, output, errors } = await run(scene, ['doctor', url, '--json', ...args]);
  assert.notEqual(output, '', errors);
  const report = JSON.parse(output);
  const findings = report.checks.filter(({ state }) => state === 'finding');
  assert.equal(code, findings.length > 0 ? 1 : 0, output + errors);
  return { code, report, findings, names: findings.map(({ check }) => check) };
}

/** Runs the doctor for people. */
export async function doctorSays(scene, url, ...args) {
  return run(scene, ['doctor', url, ...args]);
}

async function run(scene, args) {
  const child = spawn(BINARY, args, { env: {}, stdio: ['ignore', 'pipe', 'pipe'] });
  scene.after(() => child.kill('SIGKILL'));
  const said = { output: '', errors: '' };
  child.stdout.setEncoding('utf8').on('data', (text) => (said.output += text));
  child.stderr.setEncoding('utf8').on('data', (text) => (said.errors += text));
  const [code] = await once(child, 'close');
  return { code, ...said };
}

/** nginx in front of the hub with TLS, HTTP/2 and all else that it needs. Each part can be another one. */
export function nginx({ hub, port, files, http = '', listen = 'ssl http2', server = '', location = '/', pass = '', version = '1.1', silence = '1h', lines = [] }) {
  return nginxWith(`
    map $http_upgrade $to_hub { default upgrade; "" ""; }
    upstream backend { server 127.0.0.1:${hub.port}; }
    ${http}
    server {
      listen 127.0.0.1:${port} ${listen};
      ssl_certificate ${files.certificate};
      ssl_certificate_key ${files.key};
      ${server}
      location ${location} {
        proxy_pass http://${pass || `127.0.0.1:${hub.port}`};
        proxy_http_version ${version};
        proxy_set_header Upgrade $http_upgrade;
        proxy_set_header Connection $to_hub;
        ${pass === 'backend' ? '' : 'proxy_set_header Host $http_host;'}
        proxy_read_timeout ${silence};
        ${lines.join('\n        ')}
      }
    }`);
}

/** HAProxy in the same way. */
export function haproxy({ hub, port, files, global = [], alpn = 'alpn h2,http/1.1', server = '1h', frontend = [], backend = [], options = '' }) {
  const lines = [
    ...(global.length > 0 ? ['global', ...global.map((line) => ` ${line}`)] : []),
    'defaults',
    ' mode http',
    ' timeout connect 5s',
    ' timeout client 1h',
    ` timeout server ${server}`,
    ' timeout tunnel 1h',
    'frontend site',
    ` bind 127.0.0.1:${port} ssl crt ${files.both} ${alpn}`,
    ...frontend.map((line) => ` ${line}`),
    ' default_backend hub',
    'backend hub',
    ...backend.map((line) => ` ${line}`),
    ` server hub 127.0.0.1:${hub.port} ${options}`,
    '',
  ];
  return lines.join('\n');
}

/** Caddy in the same way. */
export function caddy({ hub, port, files, global = [], site = [], proxy = [], before = [], handle = 'handle' }) {
  const lines = [
    '{',
    ' admin off',
    ' auto_https disable_redirects',
    ...global.map((line) => ` ${line}`),
    '}',
    `https://localhost:${port} {`,
    ' bind 127.0.0.1',
    ` tls ${files.certificate} ${files.key}`,
    ...site.map((line) => ` ${line}`),
    ` ${handle} {`,
    ...before.map((line) => `  ${line}`),
    `  reverse_proxy 127.0.0.1:${hub.port} {`,
    ...proxy.map((line) => `   ${line}`),
    '  }',
    ' }',
    '}',
    '',
  ];
  return lines.join('\n');
}

/** The configuration with the remedies of a finding, as they were printed. A line that has no place fails the test. */
export function mended(name, configuration, { check, remedies }, hub) {
  const own = remedies.filter((remedy) => remedy.for === name);
  assert.ok(own.length > 0, `the doctor has nothing to say to ${name} about ${check}`);
  const changed = own.reduce((lines, remedy) => {
    const line = remedy.line.replace('127.0.0.1:8080', `127.0.0.1:${hub.port}`);
    return APPLY[remedy.do](lines, { ...remedy, line });
  }, configuration.split('\n'));
  assert.notDeepEqual(changed, configuration.split('\n'), `nothing is changed by ${JSON.stringify(own)}`);
  return changed.join('\n');
}

/** Where a line is added: behind the first line that is like this. */
const PLACES = {
  'in the location of the hub': /^\s*location /,
  'in the backend of the hub': /^backend hub/,
  'in reverse_proxy': /^\s*reverse_proxy /,
};

const words = (line, count) => line.trim().replace(/;$/, '').split(/\s+/).slice(0, count).join(' ');
/** `proxy_set_header Host` and `proxy_set_header Connection` are two; of other directives the first word is the name. */
const directive = (line) => words(line, /^(proxy_set_header|proxy_pass_header|timeout) /.test(line.trim()) ? 2 : 1);

const APPLY = {
  remove: (lines, { line }) => lines.filter((there) => !there.trim().startsWith(line)),
  change: (lines, { line, place }) => {
    // `maxconn` stands among the options of the server, and a port that nginx listens on has no address.
    if (line.startsWith('maxconn')) return lines.map((there) => there.replace(/maxconn \d+/, line));
    if (place === 'in the place of handle_path') return lines.map((there) => (directive(there) === 'handle_path' ? line : there));
    const other = place === 'in the server of the hub' ? line.replace('listen ', 'listen 127.0.0.1:') : line;
    return lines.map((there) => (directive(there) === directive(other) ? other : there));
  },
  add: (lines, { line, place }) => {
    if (place === 'beside server') return lines.map((there) => (/^\s*upstream /.test(there) ? `${line}\n${there}` : there));
    if (place === 'at the end of the bind line') return lines.map((there) => (/^\s*bind .*ssl/.test(there) ? `${there} ${line}` : there));
    if (place === 'before reverse_proxy') return lines.map((there) => (/^\s*reverse_proxy /.test(there) ? `${line}\n${there}` : there));
    assert.ok(PLACES[place], `"${place}" is no place that this test knows`);
    const at = lines.findIndex((there) => PLACES[place].test(there));
    const rest = lines.slice(at + 1);
    const end = rest.findIndex((there) => there.trim() === '}');
    const inside = rest.slice(0, end).filter((there) => directive(there) !== directive(line));
    return [...lines.slice(0, at + 1), line, ...(end < 0 ? rest : [...inside, ...rest.slice(end)])];
  },
};
