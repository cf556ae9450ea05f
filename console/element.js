// Makes elements. Text goes in as text, never as markup, and characters that nobody sees go in as their numbers.

import { visible, visiblePieces } from './visible.js';

const SVG = 'http://www.w3.org/2000/svg';
/** Attributes that are read, not used: what they show must be what is there. */
const READ = ['title', 'aria-label', 'label'];

/**
 * @param {string} tag
 * @param {Record<string, string | boolean | EventListener>} [attributes] `on<event>` are listeners; `false` leaves one out.
 * @param {...(Node | string)} children
 * @returns {HTMLElement}
 */
export function element(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

/**
 * @param {string} tag
 * @param {Record<string, string | boolean>} [attributes]
 * @param {...Node} children
 * @returns {SVGElement}
 */
export function drawing(tag, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), attributes, children);
}

/**
 * A text as nodes: characters that nobody sees are set apart by their numbers.
 *
 * @param {string} text
 * @returns {(Node | string)[]}
 */
export function textNodes(text) {
  return visiblePieces(text).map((piece) => (piece.is_number ? numberNode(piece.text) : piece.text));
}

/** @param {string} id */
export function byId(id) {
  return document.getElementById(id);
}

function numberNode(number) {
  const node = document.createElement('span');
  node.className = 'unseen-character';
  node.textContent = number;
  return node;
}

function filled(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') node.addEventListener(name.slice(2), value);
    else if (value !== false) node.setAttribute(name, value === true ? '' : READ.includes(name) ? visible(value) : value);
  }
  node.append(...children.flatMap((child) => (typeof child === 'string' ? textNodes(child) : child)));
  return node;
}
