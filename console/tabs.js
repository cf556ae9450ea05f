// On a narrow screen the parts of the page are shown one at a time; on a wide one all of them, and no tabs.

/**
 * @param {HTMLElement} main
 * @param {HTMLElement} tabs
 * @returns {(part: string) => void} Shows a part.
 */
export function startTabs(main, tabs) {
  const buttons = [...tabs.querySelectorAll('button')];
  const show = (part) => {
    main.dataset.part = part;
    for (const button of buttons) button.setAttribute('aria-pressed', String(button.dataset.part === part));
  };
  for (const button of buttons) button.addEventListener('click', () => show(button.dataset.part));
  return show;
}
