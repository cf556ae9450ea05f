// `tidings sub --json`: the lines of the binary, in the words of the contract.

import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

import { ended, failed, handed, opened, url } from '../javascript/contract.js';
import { BINARY } from '../../program.js';

const sub = spawn(BINARY, ['sub', url, '--json'], { env: {}, stdio: ['ignore', 'pipe', 'pipe'] });
process.on('exit', () => sub.kill('SIGKILL'));
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(signal, () => process.exit());
createInterface({ input: sub.stderr }).on('line', (line) => {
  const { state, error } = JSON.parse(line);
  if (state === 'open') opened();
  // Other lines name the connection.
  else if (state) failed(error);
});
createInterface({ input: sub.stdout }).on('line', (line) => {
  const { gap, type, data, lastEventId } = JSON.parse(line);
  if (gap) handed('tidings.gap', JSON.stringify(gap), gap.resumes_after);
  else handed(type, data, lastEventId);
});
sub.on('close', ended);
