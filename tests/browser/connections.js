// The six connections that a browser opens to a host over HTTP/1.1, and what takes and leaves them.

/** Streams that the hub has open. */
export async function streamsOf(hub) {
  const metrics = await (await fetch(`${hub.url}/metrics`)).text();
  return Number(/^tidings_streams (\d+)$/m.exec(metrics)[1]);
}

/** Another page, with streams on some of the six connections that it shares with the console. */
export async function holdConnections(context, hub, count = 5) {
  const page = await context.newPage();
  await page.goto(`${hub.url}/healthz`);
  await page.evaluate((count) => (window.sources = Array.from({ length: count }, (_, number) => new EventSource(`/events/other/${number}`))), count);
  await page.waitForFunction(() => window.sources.every((source) => source.readyState === EventSource.OPEN));
  return page;
}

/** Tells a page that nobody looks at it, or that somebody does again: without a screen, a browser shows all of its tabs. */
export function setHidden(page, hidden) {
  return page.evaluate((hidden) => {
    Object.defineProperty(document, 'hidden', { value: hidden, configurable: true });
    document.dispatchEvent(new Event('visibilitychange'));
  }, hidden);
}
