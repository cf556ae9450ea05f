// All transports, in the order of the list.

import { CLIENT } from './client.js';
import { ENVELOPE, LONG_POLL, POLL, SSE } from './event-source.js';
import { IFRAME } from './iframe.js';
import { LINES } from './lines.js';
import { PAGES } from './pages.js';
import { WEB_SOCKET } from './web-socket.js';

export const TRANSPORTS = [CLIENT, SSE, ENVELOPE, LONG_POLL, POLL, LINES, PAGES, WEB_SOCKET, IFRAME];
