// An administrator's bearer token: kept for this tab only, dropped when the server refuses it.
import { ApiError, admin, adminFile, command } from './api.js';
import { tabStore } from './store.js';

export class AdminSession {
  constructor({ onChange }) {
    this.onChange = onChange;
    this.state = tabStore.getJson('admin');
    if (this.oneTimeToken()) this.state = null;
  }

  signedIn() { return Boolean(this.state?.token); }

  /** Whether the role allows it; the server decides for itself. */
  may(act) {
    const role = this.state?.admin?.role;
    return role === 'owner' || { edit: role === 'editor', money: role === 'cashier', moderate: role === 'moderator' }[act] === true;
  }

  /** The token of the one-time link `/admin.html#setup=…`. */
  setupToken() { return new URLSearchParams(location.hash.slice(1)).get('setup'); }

  /** The token of the one-time link `/admin.html#reset=…`. */
  resetToken() { return new URLSearchParams(location.hash.slice(1)).get('reset'); }

  oneTimeToken() { return this.setupToken() ?? this.resetToken(); }

  /** Sets a new password, which signs in. */
  async reset(token, password) {
    const state = await admin('POST', 'reset', { token, password });
    history.replaceState(null, '', location.pathname);
    this.enter(state);
  }

  async setUp(token, password) {
    await admin('POST', 'setup', { token, username: 'admin', password });
    history.replaceState(null, '', location.pathname);
  }

  async signIn(username, password) {
    this.enter(await admin('POST', 'login', { username, password }));
  }

  enter(state) {
    this.state = state;
    tabStore.setJson('admin', state);
    this.onChange();
  }

  /** Ends the session on the server, too. What keeps that from happening does not keep anybody signed in here. */
  leave() {
    const token = this.state?.token;
    this.signOut();
    if (token) admin('POST', 'logout', {}, token).catch(() => null);
  }

  signOut() {
    this.state = null;
    tabStore.remove('admin');
    this.onChange();
  }

  /** A call to /admin/api/v1, `timeout` in milliseconds; a refused token goes back to the sign-in. */
  call(method, path, body, timeout) { return this.guard(admin(method, path, body, this.state?.token, { timeout })); }

  /** A file out of /admin/api/v1, and one into it. */
  file(path) { return this.guard(adminFile(path, this.state?.token)); }

  sendFile(path, file) { return this.guard(admin('POST', path, undefined, this.state?.token, { file })); }

  /** A registration command that needs an administrator. */
  command(cmd, members) { return this.guard(command(cmd, members, { bearer: this.state?.token })); }

  async guard(work) {
    try {
      return await work;
    } catch (problem) {
      if (problem instanceof ApiError && problem.signedOut && this.signedIn()) this.signOut();
      throw problem;
    }
  }
}
