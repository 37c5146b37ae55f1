// Puts the page together: the shell first, then the page that the address names. The connection fills both.
import { connect } from './core/connection.js';
import { route } from './core/router.js';
import * as doors from './shell/doors.js';
import * as nav from './shell/nav.js';
import * as notices from './shell/notices.js';
import * as session from './shell/session.js';

for (const part of [nav, notices, session, doors]) part.mount();
connect();
route();
