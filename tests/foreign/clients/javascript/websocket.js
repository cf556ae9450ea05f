// Node's own WebSocket: connects to the first argument, prints each message as a line, and sends each line of stdin.

import { createInterface } from 'node:readline';

const say = (word) => console.log(JSON.stringify(word));
const socket = new WebSocket(process.argv[2], 'tidings.v1');
socket.onopen = () => {
  say({ protocol: socket.protocol });
  const lines = createInterface({ input: process.stdin });
  lines.on('line', (line) => socket.send(line));
  lines.on('close', () => socket.close(1000));
};
socket.onmessage = ({ data }) => console.log(data);
socket.onclose = ({ code }) => {
  say({ closed: code });
  process.stdin.destroy();
};
