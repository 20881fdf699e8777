/**
 * The only socket code of all pages: hello with epoch and position, snapshot, updates, beats, coming back.
 * Law: the page never shows a frame out of order, and always knows how old its data are. ES2017.
 */
import { judge, pause } from "./frames.js";

const SILENT_MS = 15000; // an open socket that is silent this long: the page says how old its data are
const CLOSED_MS = 5000; // a socket known to be closed: the same, sooner
const REFUSED_MS = 15000; // who is not let in asks again rarely
const DEAD_MS = 12000; // beats come every 5 s; a silent socket is closed and opened again

/**
 * @typedef {object} Handlers
 * @property {(frame: any) => void} snapshot
 * @property {(frame: any) => void} update
 * @property {(frame: any) => void} [beat]
 * @property {(code: number) => void} [refused] 4401 not signed in, 4404 unknown
 */

export class Feed {
  /**
   * @param {string} path where the channel is, e.g. /api/v1/halls/h/boards/main/live
   * @param {Handlers} handlers
   * @param {import("./clock.js").HallClock} clock
   */
  constructor(path, handlers, clock) {
    const base = (location.protocol === "https:" ? "wss://" : "ws://") + location.host;
    this.address = base + path;
    this.handlers = handlers;
    this.clock = clock;
    /** @type {number|null} */
    this.last = null;
    /** @type {string|null} */
    this.epoch = null;
    /** @type {WebSocket|null} */
    this.socket = null;
    this.failures = 0;
    this.heard = Date.now();
    this.heardAt = clock.now(); // hall time of the last frame
    /** @type {number|null} */
    this.retry = null;
    this.stopped = false;
    /** @type {number|null} */
    this.closedAt = null; // since when there is no open socket
    this.fresh = true; // no frame has come through this socket yet
  }

  /** Open the channel (again). */
  open() {
    this.stopped = false;
    this.retry = null;
    let address = this.address;
    if (this.last !== null && this.epoch !== null) {
      address += (address.indexOf("?") < 0 ? "?" : "&") + "epoch=" + encodeURIComponent(this.epoch) + "&after=" + this.last;
    }
    const socket = new WebSocket(address);
    this.socket = socket;
    this.tried = Date.now();
    this.fresh = true;
    socket.onmessage = (message) => {
      if (socket === this.socket) this.receive(JSON.parse(message.data));
    };
    socket.onclose = (event) => {
      if (socket === this.socket) this.lost(event.code);
    };
  }

  /** @param {import("./frames.js").Frame & {[key: string]: any}} frame */
  receive(frame) {
    this.heard = Date.now();
    this.closedAt = null;
    const verdict = judge(this.last, frame);
    if (verdict === "resync") return this.resync();
    if ((verdict === "snapshot" || verdict === "beat") && frame.at) this.clock.sync(frame.at);
    this.heardAt = this.clock.now();
    if (verdict === "snapshot") {
      this.failures = 0;
      this.last = frame.seq;
      this.epoch = frame.epoch || null;
      this.handlers.snapshot(frame);
    } else if (verdict === "apply") {
      this.failures = 0;
      this.last = frame.seq;
      this.handlers.update(frame);
    } else if (verdict === "beat") {
      this.failures = 0;
      if (this.handlers.beat) this.handlers.beat(frame);
    }
    this.fresh = false;
    if (verdict !== "ignore") document.dispatchEvent(new CustomEvent("frame", { detail: frame }));
  }

  /** Something is missing: forget the position and take a snapshot, soon but not all boards at once. */
  resync() {
    this.last = null;
    this.drop();
    this.again(Math.max(this.failures, 0));
  }

  /** @param {number} code */
  lost(code) {
    this.socket = null;
    if (this.stopped) return;
    if (this.closedAt === null) this.closedAt = Date.now();
    const refused = code === 4401 || code === 4404;
    if (refused && this.handlers.refused) this.handlers.refused(code);
    this.again(refused ? 8 : this.failures, refused ? REFUSED_MS : undefined);
  }

  /** @param {number} failures @param {number} [most] ms */
  again(failures, most) {
    this.failures = failures + 1;
    if (this.retry === null) this.retry = window.setTimeout(() => this.open(), pause(failures, Math.random(), most));
  }

  /** Close without being told about it. */
  drop() {
    const socket = this.socket;
    this.socket = null;
    if (socket) socket.close();
  }

  /** No more until `open` (a hidden phone). */
  close() {
    this.stopped = true;
    if (this.retry !== null) window.clearTimeout(this.retry);
    this.retry = null;
    this.drop();
  }

  /** Called once a second by the page's clock: a dead socket is replaced. */
  check() {
    if (this.stopped || !this.socket) return;
    if (Date.now() - Math.max(this.heard, this.tried || 0) > DEAD_MS) {
      this.drop();
      this.again(this.failures);
    }
  }

  /** @returns {number|null} hall time (ms) of the last data, when the page has to say how old they are */
  oldSince() {
    const now = Date.now();
    const closed = this.closedAt !== null && now - this.closedAt >= CLOSED_MS;
    return closed || now - this.heard > SILENT_MS ? this.heardAt : null;
  }

  /**
   * Whether this frame shows that the server is back: the first through a socket, or a beat of an idle one. What a page
   * said about a lost connection is then no longer true.
   * @param {{type: string}} frame
   */
  back(frame) {
    return this.fresh || frame.type === "beat";
  }

  /**
   * Tell the server what has been painted.
   * @param {number} seq
   * @param {string} [call]
   */
  shown(seq, call) {
    if (!this.socket || this.socket.readyState !== WebSocket.OPEN) return;
    this.socket.send(JSON.stringify(call ? { type: "shown", seq: seq, call_id: call } : { type: "shown", seq: seq }));
  }
}
