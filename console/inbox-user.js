// Whose inbox the bell shows where no token says it: a name that somebody has entered. It is remembered for all tabs of the browser.

const KEY = 'tidings.inbox';

let user = stored();

export function chosenUser() {
  return user;
}

/** @param {string} name  Empty: nobody. */
export function chooseUser(name) {
  user = name;
  try {
    if (name === '') localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, name);
  } catch {
    // Storage may be forbidden; the name is then known until the page is left.
  }
}

/** @param {() => void} listener  Called when another tab has chosen. */
export function onChosenElsewhere(listener) {
  globalThis.addEventListener('storage', ({ key }) => {
    // Without a key, everything was removed.
    if (key !== KEY && key !== null) return;
    user = stored();
    listener();
  });
}

function stored() {
  try {
    return localStorage.getItem(KEY) ?? '';
  } catch {
    return '';
  }
}
