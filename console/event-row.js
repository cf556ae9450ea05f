// One row of the list: an event in a line, opened to all it holds; or what the hub says about the events itself.

import { copyButton } from './copy-button.js';
import { element, textNodes } from './element.js';
import { urlOf } from './hub.js';
import { icon } from './icon.js';
import { piecesOf } from './json.js';
import { fullTimeOf, shortTimeOf, sizeOf } from './time.js';
import { say, word } from './words.js';

/** @typedef {import('./entry.js').Entry} Entry */

/** Characters of data in a line; more would not fit any screen. */
const LINE_LENGTH_MAX = 400;
/** Characters of data that an opened row shows before it is asked for all. */
const OPENED_LENGTH_MAX = 10_000;
/** Above this many, pieces of JSON are not coloured one by one. */
const PIECES_MAX = 20_000;
const REASONS = ['expired', 'unknown', 'other-epoch', 'damaged'];

/** @param {Entry} entry */
export function rowOf(entry) {
  const rows = { event: eventRow, gap: gapRow, partial: partialRow };
  return rows[entry.kind](entry);
}

function eventRow(entry) {
  const opener = element('button', { class: 'event-open', type: 'button', 'aria-expanded': 'false' });
  opener.append(element('span', { class: 'unseen' }, spokenOf(entry)));
  const row = element('li', { class: 'event' }, opener, ...cellsOf(entry));
  opener.addEventListener('click', () => toggle(row, opener, entry));
  return row;
}

function cellsOf({ time, topic, type, data, id }) {
  const clock = element('time', { class: 'event-time', 'aria-hidden': 'true' });
  if (time) clock.textContent = shortTimeOf(time);
  else word(clock, 'earlier');
  const line = element('span', { class: 'event-data', 'aria-hidden': 'true' });
  if (type !== 'message') line.append(element('span', { class: 'event-type' }, type));
  if (data === '') line.append(word(element('em'), 'event.empty'));
  else line.append(...textNodes(lineOf(data)));
  return [
    element('span', { class: 'event-mark', 'aria-hidden': 'true' }, icon('open')),
    clock,
    element('a', { class: 'event-topic', href: urlOf([topic]), title: topic }, topic),
    line,
    element('span', { class: 'event-id', 'aria-hidden': 'true', title: id }, element('bdi', { dir: 'ltr' }, id)),
  ];
}

function toggle(row, opener, entry) {
  const detail = row.querySelector('.detail');
  opener.setAttribute('aria-expanded', String(!detail));
  row.classList.toggle('is-open', !detail);
  if (detail) detail.remove();
  else row.append(detailOf(entry));
}

function detailOf(entry) {
  const pre = element('pre', { class: 'detail-data', tabindex: '0' });
  const pieces = piecesOf(entry.data);
  const form = element('button', { class: 'quiet', type: 'button' });
  let pretty = pieces !== null;
  const show = () => {
    word(form, pretty ? 'event.raw' : 'event.pretty');
    showData(pre, pretty ? pieces : [{ kind: 'plain', text: entry.data }]);
  };
  form.addEventListener('click', () => {
    pretty = !pretty;
    show();
  });
  show();
  const actions = element('div', { class: 'detail-actions' }, copyButton(() => entry.data, { labelled: true }));
  if (pieces) actions.prepend(form);
  return element('div', { class: 'detail' }, factsOf(entry), actions, pre);
}

function factsOf({ topic, type, id, time, data }) {
  const size = sizeOf(new TextEncoder().encode(data).length);
  const received = time ? fullTimeOf(time) : say('earlier');
  const facts = [['event.topic', topic], ['event.type', type], ['event.id', id], ['event.time', received], ['event.size', size]];
  const list = element('dl', { class: 'facts' });
  for (const [key, value] of facts) {
    list.append(element('div', {}, word(element('dt'), key), element('dd', {}, value)));
  }
  return list;
}

/** Fills in the data, the beginning of it where it is long, with a button for all. */
function showData(pre, pieces, length_max = OPENED_LENGTH_MAX) {
  const length = pieces.reduce((sum, piece) => sum + piece.text.length, 0);
  pre.replaceChildren(...colouredOf(pieces, length_max));
  if (length <= length_max) return;
  const all = element('button', { class: 'quiet all', type: 'button' });
  word(all, 'event.all', { size: sizeOf(length) });
  all.addEventListener('click', () => showData(pre, pieces, Infinity));
  pre.append('\u2026\n', all);
}

function colouredOf(pieces, length_max) {
  if (pieces.length > PIECES_MAX && length_max === Infinity) return textNodes(pieces.map((piece) => piece.text).join(''));
  const nodes = [];
  let room = length_max;
  for (const { kind, text } of pieces) {
    if (room <= 0) break;
    const shown = text.slice(0, room);
    nodes.push(...(kind === 'plain' || kind === 'mark' ? textNodes(shown) : [element('span', { class: `json-${kind}` }, shown)]));
    room -= shown.length;
  }
  return nodes;
}

function gapRow({ data, time }) {
  const { requested, reason, resumes_after } = gapOf(data);
  const why = say(`gap.${REASONS.includes(reason) ? reason : 'other'}`);
  const text = element(
    'p',
    {},
    word(element('strong'), 'gap.title'),
    ' ',
    word(element('span'), 'gap.asked', { requested, reason: why }),
    ' ',
    word(element('span'), 'gap.resumes', { resumes_after }),
  );
  return noteRow(time, text);
}

function partialRow({ time }) {
  return noteRow(time, element('p', {}, word(element('span'), 'partial')));
}

function noteRow(time, text) {
  const clock = element('time', { class: 'event-time' }, time ? shortTimeOf(time) : '');
  return element('li', { class: 'gap' }, icon('gap'), clock, text);
}

/** What a gap says, bounded: what was asked for may be anything. */
function gapOf(data) {
  let said = {};
  try {
    said = JSON.parse(data) ?? {};
  } catch {
    // A gap that says nothing is still a gap.
  }
  const text = (value) => String(value ?? '?').slice(0, 120);
  return { requested: text(said.requested), reason: text(said.reason), resumes_after: text(said.resumes_after) };
}

function spokenOf({ time, topic, type, data }) {
  const when = time ? shortTimeOf(time) : say('earlier');
  return `${say('event.open')}: ${when}, ${topic}, ${type}, ${lineOf(data).slice(0, 80)}`;
}

/** The data in one line, with its own lines marked. */
function lineOf(data) {
  const line = data.slice(0, LINE_LENGTH_MAX).replace(/\r\n|\r|\n/g, ' \u21b5 ');
  return data.length > LINE_LENGTH_MAX ? `${line}\u2026` : line;
}
