// A git repository of thousands of commits, made in a moment: what a long history looks like, the odd cases among it.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const AUTHOR = '\u738b\u5c0f\u660e \u{1f43c} <xiaoming@example.com>';
const MIB = 1_048_576;

export const JSON_BODY = JSON.stringify({ text: 'a "quoted"\nline', list: [1, 2, { three: '\u4e09' }] }, null, 2);

/** Makes a repository of `count` commits that lives as long as the scene, and returns its directory. */
export async function makeRepository(scene, count) {
  const directory = await mkdtemp(join(tmpdir(), 'tidings-history-'));
  scene.after(() => rm(directory, { recursive: true, force: true }));
  execFileSync('git', ['init', '--quiet', '--initial-branch=main', directory]);
  const messages = Array.from({ length: count }, (_, n) => message(n, count));
  execFileSync('git', ['-C', directory, 'fast-import', '--quiet'], { input: messages.map(commit).join('') });
  return directory;
}

/** What the log holds, oldest first, read in another way than the example reads it. */
export function commitsOf(directory) {
  const format = '--format=%H%x00%an <%ae>%n%ad%n%B%x00';
  const args = ['-C', directory, 'log', '--reverse', '--encoding=UTF-8', '--date=iso-strict', format];
  const fields = execFileSync('git', args, { encoding: 'utf8', maxBuffer: 1 << 30 }).split('\0');
  assert.equal(fields.pop().trim(), '');
  const commits = [];
  for (let n = 0; n < fields.length; n += 2) {
    const data = fields[n + 1].replace(/\r\n?/g, '\n').replace(/\n+$/, '');
    commits.push({ lastEventId: fields[n].trim(), data });
  }
  return commits;
}

function message(n, count) {
  if (n === Math.floor(count / 3)) return `Say it in JSON\n\n${JSON_BODY}\n`;
  if (n === Math.floor(count / 4)) return 'Come from an old editor\r\n\r\nWith CRLF,\r\nand a lone CR\rhere\r\n';
  if (n === Math.floor(count / 5)) return 'Look like a stream\n\ndata: no\nid: 7\nevent: forged\n: comment\n\n\nretry: 1\n';
  if (n === Math.floor(count * 0.7)) return largest();
  const body = n % 3 === 0 ? `\n\n\u7b2c ${n} \u6b21\u63d0\u4ea4 \u{1f389}\n\n- one\n- two` : '';
  return `Change ${n}: \u4fee\u590d\u9519\u8bef \u{1f41b}\u{1f469}\u200d\u{1f4bb}${body}\n`;
}

/** A message that, with author and date in front, is data of exactly 1 MiB. */
function largest() {
  const before = Buffer.byteLength(`${AUTHOR}\n2026-01-01T00:00:00+00:00\n`);
  const line = `${'x'.repeat(63)}\n`;
  const text = `Be as large as an event may be\n\n${line.repeat(MIB / 64)}`;
  return Buffer.from(text).subarray(0, MIB - before - 1).toString('utf8') + '.';
}

function commit(text, n) {
  const who = `${AUTHOR} 1767225600 +0000`;
  const bytes = Buffer.byteLength(text);
  return `commit refs/heads/main\nmark :${n + 1}\nauthor ${who}\ncommitter ${who}\ndata ${bytes}\n${text}\n`;
}
