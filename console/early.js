// Runs before the first paint, so that the page never flashes in the wrong colours, and so that no script can fail unseen.
// Not a module: those wait.

try {
  const theme = localStorage.getItem('tidings.theme');
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
} catch {
  // Storage may be forbidden; the system's theme is right then.
}

// A script that cannot be loaded tells its element, which only hears it on the way down.
addEventListener('error', (event) => showFailure(reasonOf(event)), true);
addEventListener('unhandledrejection', ({ reason }) => showFailure(String(reason?.message ?? reason)));

/** What failed, or nothing if it is no script of this page. */
function reasonOf({ target, message = '', filename = '' }) {
  if (target instanceof HTMLScriptElement) return new URL(target.src).pathname;
  // Browsers report here that they laid the page out in two steps; and extensions have scripts of their own.
  if (!message || message.startsWith('ResizeObserver') || !filename.startsWith(location.origin)) return '';
  return `${message} (${new URL(filename).pathname})`;
}

function showFailure(reason) {
  const failed = document.getElementById('failed');
  if (!failed || !reason) return;
  document.getElementById('failed-reason').textContent = reason.slice(0, 300);
  failed.classList.add('is-certain');
  failed.hidden = false;
}
