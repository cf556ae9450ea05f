// On a narrow screen the parts of the page are shown one at a time; on a wide one all of them, and no tabs.

/**
 * @param {HTMLElement} main
 * @param {HTMLElement} tabs
 */
export function startTabs(main, tabs) {
  const buttons = [...tabs.querySelectorAll('button')];
  tabs.addEventListener('click', (event) => {
    const part = event.target.closest('button')?.dataset.part;
    if (!part) return;
    main.dataset.part = part;
    for (const button of buttons) button.setAttribute('aria-pressed', String(button.dataset.part === part));
  });
}
