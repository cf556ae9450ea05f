// The configurations of `docs/guides/behind-a-proxy.md`, each by the title in its first line, made to run on loopback.
//
// What is replaced is only what cannot be the same in a test: the hub's address, the port, and the files of the certificate.
// A configuration in which one of these is not found fails the test.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';

import { nginxWith } from './proxy.js';

const GUIDE = new URL('../../docs/guides/behind-a-proxy.md', import.meta.url);
const HUB = '127.0.0.1:8080';

/** The configuration with this title, as it stands in the guide. */
function block(title) {
  const blocks = [...readFileSync(GUIDE, 'utf8').matchAll(/^```\w+\n# (.*)\n([\s\S]*?)^```$/gm)];
  const found = blocks.find(([, name]) => name === title);
  assert.ok(found, `the guide has no configuration "# ${title}"`);
  return found[2];
}

/** All titles of the guide that begin with the name of one proxy. */
export function titles(proxy) {
  return [...readFileSync(GUIDE, 'utf8').matchAll(/^```\w+\n# (.*)$/gm)].map(([, title]) => title).filter((title) => title.startsWith(`${proxy}: `));
}

function replaced(text, replacements) {
  for (const [from, to] of replacements) {
    assert.ok(text.includes(from), `the configuration has no ${from}`);
    text = text.replaceAll(from, to);
  }
  return text;
}

/** How each proxy's configurations are made to run. */
const MAKERS = {
  nginx: (text, { hub, port, files }) =>
    nginxWith(
      replaced(text, [
        [HUB, `127.0.0.1:${hub.port}`],
        ['listen 443 ssl', `listen 127.0.0.1:${port} ssl`],
        ['/etc/ssl/hub.pem', files.certificate],
        ['/etc/ssl/hub.key', files.key],
      ]),
    ),
  HAProxy: (text, { hub, port, files }) =>
    replaced(text, [
      [HUB, `127.0.0.1:${hub.port}`],
      ['bind :443', `bind 127.0.0.1:${port}`],
      ['/etc/ssl/both.pem', files.both],
    ]),
  Caddy: (text, { hub, port, files }) =>
    `{\n admin off\n auto_https disable_redirects\n}\n` +
    replaced(text, [
      [HUB, `127.0.0.1:${hub.port}`],
      ['hub.example {', `https://hub.example:${port} {\n bind 127.0.0.1\n tls ${files.certificate} ${files.key}`],
    ]),
};

/** The text that the proxy of this title is started with. */
export function runnable(title, surroundings) {
  const proxy = title.split(':')[0];
  return MAKERS[proxy](block(title), surroundings);
}

/** The name of the proxy's program. */
export function program(title) {
  return title.split(':')[0].toLowerCase();
}
