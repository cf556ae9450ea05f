// A certificate for `hub.example` or another name, made for one test.

import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Makes a certificate of `name` and its key in `folder`. `both` has the one behind the other, as HAProxy wants them. */
export function makeCertificate(folder, name = 'hub.example') {
  const [certificate, key, both] = ['hub.pem', 'hub.key', 'both.pem'].map((file) => join(folder, file));
  const subject = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=DNS:${name}`];
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  execFileSync('openssl', ['req', '-x509', ...kind, ...subject, '-keyout', key, '-out', certificate], { stdio: 'pipe' });
  writeFileSync(both, readFileSync(certificate, 'utf8') + readFileSync(key, 'utf8'));
  return { certificate, key, both };
}
