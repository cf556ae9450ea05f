// The real hub, and a proxy in front of it that a test can let lose an answer.

import { once } from "node:events";
import { createServer, request as ask } from "node:http";

import { startAccessHub } from "../../../../tests/browser/access-hub.js";
import { startHub } from "../../../../tests/browser/hub.js";

export { KEY, SIGNING, tokenFor } from "../../../../tests/browser/access-hub.js";

/** A hub that ends with the test. */
export function hubOf(t, ...flags) {
  return startHub({ after: (end) => t.after(end) }, ...flags);
}

/** A hub whose topics are closed to those who show nothing. */
export function closedHubOf(t, ...flags) {
  return startAccessHub({ after: (end) => t.after(end) }, {}, ...flags);
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
