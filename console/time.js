// Times and sizes as people read them, in the language of the page.

import { currentLanguage, say } from './words.js';

const CLOCK = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' });
const MINUTE = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' });

/** @param {Date} time */
export function clockOf(time) {
  return `${CLOCK.format(time)}.${String(time.getMilliseconds()).padStart(3, '0')}`;
}

/** A time that may be of another day, short enough for a column. */
export function shortTimeOf(time, now = new Date()) {
  if (time.toDateString() === now.toDateString()) return clockOf(time);
  return `${dateOf(time)} ${MINUTE.format(time)}`;
}

/** @param {Date} time */
export function fullTimeOf(time) {
  const locale = currentLanguage() === 'zh' ? 'zh-CN' : 'en-GB';
  const date = new Intl.DateTimeFormat(locale, { dateStyle: 'medium' }).format(time);
  return `${date} ${clockOf(time)}`;
}

/** @param {number} ms */
export function agoOf(ms) {
  if (ms < 1_500) return say('ago.now');
  if (ms < 60_000) return say('ago.seconds', { count: Math.round(ms / 1_000) });
  if (ms < 3_600_000) return say('ago.minutes', { count: Math.round(ms / 60_000) });
  return say('ago.hours', { count: Math.round(ms / 3_600_000) });
}

/** @param {number} bytes */
export function sizeOf(bytes) {
  if (bytes < 1_024) return `${bytes} B`;
  if (bytes < 1_048_576) return `${(bytes / 1_024).toFixed(1)} KiB`;
  return `${(bytes / 1_048_576).toFixed(1)} MiB`;
}

/** @param {number} count */
export function countOf(count) {
  return new Intl.NumberFormat('en').format(count);
}

function dateOf(time) {
  return `${String(time.getMonth() + 1).padStart(2, '0')}-${String(time.getDate()).padStart(2, '0')}`;
}
