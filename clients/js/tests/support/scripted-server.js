// A server that answers as a script says, one request after the other.

import { once } from "node:events";
import { createServer } from "node:http";

/**
 * Answers each request by the next entry of the script; by the last one for ever, if that repeats. `scriptOf` makes the script for
 * the server's origin. `port` is one that was free.
 */
export async function scriptedServer(scriptOf, { port = 0, repeats = false } = {}) {
  const requests = [];
  const timers = [];
  const server = createServer(async (request, response) => {
    const parts = [];
    for await (const part of request) parts.push(part);
    const { method, url: path, headers } = request;
    requests.push({ method, path, headers, body: Buffer.concat(parts).toString() });
    const answer = script[requests.length - 1] ?? (repeats ? script.at(-1) : undefined);
    if (!answer) return response.destroy();
    response.writeHead(answer.status, answer.headers);
    response.flushHeaders();
    for (const chunk of answer.chunks) response.write(chunk);
    if (answer.commentEveryMs) timers.push(setInterval(() => response.write(": still here\n"), answer.commentEveryMs));
    if (answer.then === "close") response.end();
    // What was written must have left before the connection breaks.
    if (answer.then === "reset") setTimeout(() => response.destroy(), 20);
  });
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  const origin = `http://127.0.0.1:${server.address().port}`;
  const script = scriptOf(origin);
  return {
    requests,
    origin,
    async close() {
      for (const timer of timers) clearInterval(timer);
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

/** A port that nothing listens at. */
export async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}
