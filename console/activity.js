// How lively it is: events per second over the last minute, as bars and as a number.

import { hubNow } from './clock.js';
import { drawing, element } from './element.js';
import { onLanguage, say } from './words.js';

const SECONDS = 60;
const WIDTH = 180;
const HEIGHT = 36;
/** Seconds over which the number is taken. */
const RATE_SECONDS = 5;

export class Activity {
  #counts = new Array(SECONDS).fill(0);
  #now = 0;
  #bars = drawing('path', { class: 'bars' });
  #rate = element('span', { class: 'rate' });

  /** @param {HTMLElement} place */
  constructor(place) {
    const base = drawing('path', { class: 'base', d: `M0 ${HEIGHT - 0.5}H${WIDTH}` });
    const box = { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, 'aria-hidden': 'true', focusable: 'false' };
    place.append(drawing('svg', box, base, this.#bars), this.#rate);
    setInterval(() => this.#tick(), 1_000);
    onLanguage(() => this.#showRate());
    this.#showRate();
  }

  /**
   * @param {Date} time When an event was published; of the last minute, or it does not count.
   */
  add(time) {
    const ago = Math.floor((hubNow() - time.getTime()) / 1_000);
    if (ago <= 0) this.#now += 1;
    else if (ago <= SECONDS) this.#counts[SECONDS - ago] += 1;
  }

  #tick() {
    this.#counts.push(this.#now);
    this.#counts.shift();
    this.#now = 0;
    if (!document.hidden) this.show();
  }

  show() {
    this.#bars.setAttribute('d', pathOf(this.#counts));
    this.#showRate();
  }

  #showRate() {
    const recent = this.#counts.slice(-RATE_SECONDS).reduce((sum, count) => sum + count, 0) / RATE_SECONDS;
    const rate = recent === 0 || recent >= 10 ? String(Math.round(recent)) : recent.toFixed(1);
    this.#rate.textContent = say('rate', { rate });
  }
}

function pathOf(counts) {
  const most = Math.max(4, ...counts);
  const step = WIDTH / SECONDS;
  return counts.map((count, index) => barOf(index * step, step - 1, (count / most) * (HEIGHT - 2))).join('');
}

function barOf(x, width, height) {
  if (height === 0) return '';
  const top = Math.max(height, 2).toFixed(1);
  return `M${x.toFixed(2)} ${HEIGHT}v-${top}h${width.toFixed(2)}v${top}z`;
}
