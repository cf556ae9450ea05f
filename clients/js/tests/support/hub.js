// The real hub, and a proxy in front of it that a test can let lose an answer.

import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, request as ask } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { startHub } from "../../../../tests/browser/hub.js";

/** The key of a hub with access settings. It may do everything. */
export const KEY = "k-0123456789abcdef0123456789abcdef";
/** What signs tokens and URLs. */
export const SECRET = "0123456789abcdef0123456789abcdef";

const SETTINGS = `
[access.jwt]
key = "${SECRET}"
algorithms = ["HS256"]
leeway = "0s"

[access.signing]
key = "${SECRET}"

[[access.keys]]
name = "backend"
key = "${KEY}"
publish = ["**"]
subscribe = ["**"]
`;

/** A hub that ends with the test. */
export function hubOf(t, ...flags) {
  return startHub({ after: (end) => t.after(end) }, ...flags);
}

/** A hub whose topics are closed to those who show nothing. */
export async function closedHubOf(t, ...flags) {
  const folder = mkdtempSync(join(tmpdir(), "tidings-client-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, "tidings.toml");
  writeFileSync(file, SETTINGS, { mode: 0o600 });
  return hubOf(t, "--config", file, ...flags);
}

/**
 * A proxy before the hub, which ends with the test. `prefix`: the path below which the hub stands. `loses` decides of each answer that has
 * come from the hub, by the number of the request, whether it is lost.
 */
export async function proxyOf(t, hub, { prefix = "", loses = () => false } = {}) {
  const requests = [];
  const server = createServer((request, response) => {
    const { method, url, headers } = request;
    const number = requests.push({ method, path: url, headers }) - 1;
    if (!url.startsWith(prefix)) return response.writeHead(404).end();
    const upstream = ask(hub.url + url.slice(prefix.length), { method, headers: { ...headers, host: new URL(hub.url).host } }, (answer) => {
      if (loses(number)) return request.socket.destroy();
      response.writeHead(answer.statusCode, answer.headers);
      answer.on("error", () => response.destroy()).pipe(response);
    });
    upstream.on("error", () => response.destroy());
    response.on("close", () => upstream.destroy());
    request.pipe(upstream);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${server.address().port}${prefix}`, requests };
}
