// What every proxy of these tests does with a request that it does not answer itself: it hands it on to the hub.

import http from 'node:http';

/** Asks the hub at `port` what the request asks, at another `path` if one is given, and answers with what it says, as it comes. */
export function passOn(request, response, port, path = request.url) {
  const { method, headers } = request;
  const asked = http.request({ host: '127.0.0.1', port, path, method, headers }, (answer) => {
    response.writeHead(answer.statusCode, answer.headers);
    response.flushHeaders();
    answer.pipe(response);
  });
  asked.on('error', () => response.destroy());
  response.on('close', () => asked.destroy());
  request.pipe(asked);
}
