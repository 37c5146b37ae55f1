// Puts the page together. Every view draws from `live`; the connection fills it.
import { connect } from './connection.js';
import * as doors from './doors.js';
import * as session from './session.js';
import * as dead from './views/dead.js';
import * as jobs from './views/jobs.js';
import * as queues from './views/queues.js';
import * as status from './views/status.js';
import * as throughput from './views/throughput.js';
import * as tiles from './views/tiles.js';

for (const part of [status, session, tiles, throughput, queues, jobs, dead, doors]) part.mount();
connect();
