// The bundle of the client as it is committed, served by the origin of a page: so a test sees this client, whatever hub it meets.

import { readdir, readFile } from 'node:fs/promises';

import { until } from './deadline.js';
import { startPageServer } from './page-server.js';

const FOLDER = new URL('../../clients/js/hub/', import.meta.url);

/** What `note` of the page notes, in its order, is `log`. */
const PAGE = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<link rel="icon" href="data:,">
<title>tidings</title>
<script type="module">
  window.log = [];
  window.note = (type, more = {}) => log.push({ type, ...more });
  window.tidings = await import('/tidings.js');
</script>
</html>`;

/** An origin that has the bundle, and a page that has imported it. */
export async function startBundleServer(scene) {
  const answer = (type, body) => async (_, response) => response.writeHead(200, { 'Content-Type': type }).end(await body());
  const files = (await readdir(FOLDER)).map((name) => [`/${name}`, answer('text/javascript', () => readFile(new URL(name, FOLDER)))]);
  return startPageServer(scene, Object.fromEntries([...files, ['/', answer('text/html', () => PAGE)]]));
}

/** The page, once `tidings` is there, and what it says of mistakes of its own. */
export async function openBundlePage(scene, context, origin) {
  const page = await context.newPage();
  const complaints = [];
  page.on('pageerror', (error) => complaints.push(String(error)));
  scene.after(() => page.close());
  await page.goto(origin);
  await page.waitForFunction(() => window.tidings);
  const log = () => page.evaluate(() => window.log);
  return { page, complaints, log, noted: (what, look) => noted(log, what, look) };
}

/** What `look` finds in the log, once that is something. */
async function noted(log, what, look) {
  try {
    return await until(what, async () => look(await log()));
  } catch (late) {
    throw new Error(`${late.message}: ${JSON.stringify(await log())}`);
  }
}
