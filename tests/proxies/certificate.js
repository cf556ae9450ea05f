// A certificate for `hub.example`, made for one test.

import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Makes a certificate and its key in `folder`. `both` has the one behind the other, as HAProxy wants them. */
export function makeCertificate(folder) {
  const [certificate, key, both] = ['hub.pem', 'hub.key', 'both.pem'].map((name) => join(folder, name));
  const subject = ['-subj', '/CN=hub.example', '-addext', 'subjectAltName=DNS:hub.example'];
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  execFileSync('openssl', ['req', '-x509', ...kind, ...subject, '-keyout', key, '-out', certificate], { stdio: 'pipe' });
  writeFileSync(both, readFileSync(certificate, 'utf8') + readFileSync(key, 'utf8'));
  return { certificate, key, both };
}
