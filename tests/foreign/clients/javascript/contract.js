// The contract of every client program: `PROGRAM URL [--listen TYPE]... [--parse]`, and one JSON object a line on stdout.

import { parseArgs } from 'node:util';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { listen: { type: 'string', multiple: true, default: [] }, parse: { type: 'boolean', default: false } },
});

export const url = positionals[0];
/** Types of events to ask for by name, where a library wants names. */
export const listen = values.listen;
/** Whether everything that is handed over is parsed as JSON. */
export const parse = values.parse;

export function say(line) {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

/** The library has handed something over. With `--parse`, a `SyntaxError` goes back to the library. */
export function handed(event, data, id) {
  if (parse) JSON.parse(data);
  say({ event: event ?? null, data, id: id ?? null });
}

/** An error that the library has told, and went on or not. */
export const failed = (error) => say({ error: String(error?.message ?? error?.type ?? error) });
export const opened = () => say({ open: true });
/** The library will not come back by itself. */
export const ended = () => say({ ended: true });

process.on('uncaughtException', (error) => {
  failed(error);
  ended();
  process.exit(1);
});
