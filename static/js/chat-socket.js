// The chat connection of one room: LOGIN and recovery by last_offset + epoch, own lines in flight,
// and reconnecting with jittered backoff. Knows frames, not the page.
import { decodeEntities } from './chat-text.js';
import { randomId } from './dom.js';

const ACK_MS = 10000;
const BACKOFF_MAX_S = 30;
const CLOSE_RESTART = new Set([1001, 1012]);
const CLOSE_BANNED = 4003;
/** There is no such live, or not any more. */
const NO_ROOM = 30005;

const toLine = (frame) => ({
  offset: Number.isInteger(frame.offset) ? frame.offset : null,
  uuid: frame.uuid ?? '',
  user: readUser(frame.user),
  content: String(frame.content ?? ''),
  time: Number(frame.msg_time) || null,
  mine: frame.myself === true,
  deleted: frame.type === 'DELETE' || frame.deleted === true,
});

/** An object over the socket, the same as a JSON text in the history; names are escaped like content. */
function readUser(user) {
  let known = user ?? {};
  if (typeof user === 'string') {
    try { known = JSON.parse(user) ?? {}; } catch { known = { username: user }; }
  }
  return { ...known, username: decodeEntities(String(known.username ?? '')) };
}

/** Lines of GET /api/v1/guest/:id, whose `user` is a JSON text. */
export const historyLines = (rows) => (Array.isArray(rows) ? rows.map(toLine) : []);

export class ChatSocket {
  /**
   * events: state(name, seconds), welcome(frame, { first, lost }), line(line), history(lines), online({…}), joined(user, came),
   * mode(frame), notice(text), removed(offset), cleared(frame), refused(frame), pending(id, wire), sent(id, line), failed(id, frame|null), stale()
   */
  constructor({ room, token, events }) {
    Object.assign(this, { room: String(room), token, events });
    this.socket = null;
    this.epoch = null;
    this.lastOffset = null;
    this.attempts = 0;
    this.unacknowledged = new Map();
    this.ready = false;
    this.stopped = false;
    window.addEventListener('online', () => this.reconnectNow());
    document.addEventListener('visibilitychange', () => { if (!document.hidden) this.reconnectNow(); });
  }

  connect() {
    clearTimeout(this.timer);
    this.timer = null;
    this.stopped = false;
    this.ready = false;
    this.events.state('connecting');
    const socket = new WebSocket(`${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/ws`);
    this.socket = socket;
    socket.onopen = () => this.login();
    socket.onmessage = (event) => { if (socket === this.socket) this.receive(event.data); };
    socket.onclose = (event) => { if (socket === this.socket) this.closed(event); };
  }

  login() {
    const frame = { type: 'LOGIN', room_id: this.room };
    const token = this.token();
    if (token) frame.token = token;
    if (this.epoch !== null && this.lastOffset !== null) Object.assign(frame, { last_offset: this.lastOffset, epoch: this.epoch });
    this.socket.send(JSON.stringify(frame));
  }

  /** After signing in or out: a new connection, which recovers what it missed. */
  restart() {
    const old = this.socket;
    this.socket = null;
    old?.close(1000);
    this.attempts = 0;
    this.connect();
  }

  /** For good: nothing is to be had here. */
  stop() {
    const old = this.socket;
    this.socket = null;
    this.stopped = true;
    clearTimeout(this.timer);
    old?.close(1000);
  }

  reconnectNow() {
    if (this.stopped || !this.timer || this.socket) return;
    this.connect();
  }

  closed({ code, reason }) {
    this.socket = null;
    this.ready = false;
    if (code === CLOSE_BANNED) {
      this.stopped = true;
      this.events.state('banned');
      return;
    }
    this.attempts += 1;
    const ceiling = Math.min(BACKOFF_MAX_S, 2 ** this.attempts);
    // A restart sends everybody away at once: spread the way back over some seconds.
    const within = Number(/reconnect_within_ms=(\d+)/.exec(reason)?.[1] ?? 4000) / 1000;
    const seconds = CLOSE_RESTART.has(code) && this.attempts === 1 ? Math.random() * within : ceiling * (0.3 + 0.7 * Math.random());
    this.events.state('waiting', Math.ceil(seconds));
    this.timer = setTimeout(() => { this.timer = null; this.connect(); }, seconds * 1000);
  }

  receive(text) {
    let frame;
    try { frame = JSON.parse(text); } catch { return; }
    if (!frame || typeof frame !== 'object') return;
    if (frame.room_id !== undefined && String(frame.room_id) !== this.room) return;
    if (Number.isInteger(frame.ONLINE)) this.events.online({ online: frame.ONLINE, users: frame.users, guests: frame.guests });
    switch (String(frame.type).toUpperCase()) {
      case 'WELCOME': this.welcomed(frame); break;
      case 'SEND_ALL': this.lineCame(frame); break;
      case 'HISTORY': this.events.history(historyLines(frame.lines)); break;
      case 'LOGIN': case 'LOGOUT': if (frame.user?.username) this.events.joined(readUser(frame.user), frame.type.toUpperCase() === 'LOGIN'); break;
      case 'MODE': this.events.mode(frame); break;
      case 'NOTICE': this.events.notice(String(frame.content ?? '')); break;
      case 'DELETE': this.events.removed(frame.offset); break;
      case 'CLEAR': this.events.cleared(frame); break;
      case 'ERROR': this.refused(frame); break;
      default: break;
    }
  }

  welcomed(frame) {
    const first = this.epoch === null;
    const lost = !first && (frame.epoch !== this.epoch || frame.recovered === false);
    const restarted = !first && frame.epoch !== this.epoch;
    this.epoch = frame.epoch ?? '';
    // Later the offset of the last line that came counts, so that a drop in mid-recovery loses nothing.
    if (first || restarted) this.lastOffset = Number.isInteger(frame.offset) ? frame.offset : null;
    this.attempts = 0;
    this.ready = true;
    this.events.state('open');
    this.events.welcome(frame, { first, lost, restarted });
    for (const [id, wire] of this.unacknowledged) this.transmit(id, wire.content);
  }

  lineCame(frame) {
    const line = toLine(frame);
    if (line.offset !== null) this.lastOffset = Math.max(this.lastOffset ?? 0, line.offset);
    const id = frame.client_id;
    if (line.mine && id && this.unacknowledged.has(id)) {
      this.settle(id);
      this.events.sent(id, line);
      return;
    }
    this.events.line(line);
  }

  refused(frame) {
    const id = frame.client_id;
    if (frame.code === NO_ROOM && !this.ready) { this.stop(); this.events.state('unknown'); return; }
    if (frame.code === 10002 || frame.code === 10003) this.events.stale();
    this.events.refused(frame);
    const known = id && this.unacknowledged.has(id) ? id : null;
    // A refusal without client_id can only mean the newest line.
    const which = known ?? (id ? null : [...this.unacknowledged.keys()].pop());
    if (which) { this.settle(which); this.events.failed(which, frame); }
  }

  /** Sends a line; the same `id` again is the retry of the same line and is never published twice. */
  send(content, id = randomId()) {
    this.events.pending(id, content);
    this.unacknowledged.set(id, { content, timer: null });
    this.arm(id);
    if (this.ready) this.transmit(id, content);
    return id;
  }

  transmit(id, content) {
    this.socket?.send(JSON.stringify({ type: 'SEND_ALL', room_id: this.room, content, token: this.token() ?? '', client_id: id }));
  }

  arm(id) {
    const entry = this.unacknowledged.get(id);
    entry.timer = setTimeout(() => { this.settle(id); this.events.failed(id, null); }, ACK_MS);
  }

  settle(id) {
    clearTimeout(this.unacknowledged.get(id)?.timer);
    this.unacknowledged.delete(id);
  }

  requestHistory(before, limit = 100) {
    if (!this.ready) return false;
    const frame = { type: 'HISTORY', room_id: this.room, limit };
    if (before !== null && before !== undefined) frame.before = before;
    this.socket.send(JSON.stringify(frame));
    return true;
  }
}
