// The keys of a customer's screen: by touch, mouse and keyboard. No digit is kept or shown here.
import { all, find, show } from "./wire.js";

export class Keypad {
  // `on.digit(digit)`, and `on.clear()`, `on.ok()`, `on.cancel()`; only what `allow` has let through is told.
  constructor(root, on) {
    this.root = root;
    this.on = on;
    this.isShuffled = false;
    this.entry = null;
    this.digits = all("[data-digit]", root);
    this.keys = Object.fromEntries(all("[data-do]", root).map((key) => [key.dataset.do, key]));
    root.addEventListener("pointerdown", (event) => {
      if (event.target.closest("[data-digit], .clear, .ok")) event.preventDefault(); // Enter stays OK
    });
    for (const key of this.digits) key.addEventListener("click", () => this.press("digit", Number(key.dataset.digit)));
    for (const name of ["clear", "ok", "cancel"]) this.keys[name].addEventListener("click", () => this.press(name));
    this.keys.shuffle.addEventListener("click", () => {
      this.isShuffled = !this.isShuffled;
      this.keys.shuffle.setAttribute("aria-pressed", String(this.isShuffled));
      this.lay();
    });
    document.addEventListener("keydown", (event) => this.keyed(event));
  }

  // What may be pressed now; the digits are laid anew for each `entry`.
  allow({ digit, clear, ok, cancel }, entry) {
    const isShown = digit || ok || cancel;
    for (const key of this.digits) key.disabled = !digit;
    this.keys.clear.disabled = !clear;
    this.keys.ok.disabled = !ok;
    show(this.keys.cancel, cancel);
    show(this.root, isShown);
    if (entry !== this.entry) {
      this.entry = entry;
      if (this.isShuffled) this.lay();
    }
  }

  lay() {
    const order = [1, 2, 3, 4, 5, 6, 7, 8, 9, 0];
    if (this.isShuffled) shuffle(order);
    this.digits.forEach((key, place) => {
      key.dataset.digit = String(order[place]);
      key.textContent = String(order[place]);
    });
  }

  press(name, ...facts) {
    const key = name === "digit" ? this.digits[0] : this.keys[name];
    if (!this.root.hidden && !key.disabled && !key.hidden) this.on[name](...facts);
  }

  keyed(event) {
    if (event.repeat || event.altKey || event.ctrlKey || event.metaKey || this.root.hidden) return;
    if (/^[0-9]$/.test(event.key)) this.press("digit", Number(event.key));
    else if (event.key === "Backspace" || event.key === "Delete") this.press("clear");
    else if (event.key === "Escape") this.press("cancel");
    else if (event.key === "Enter" && !event.target.closest("button, a")) this.press("ok");
    else return;
    event.preventDefault();
  }
}

// Fisher–Yates with the browser's own randomness; ten keys make a bias of one in 400 million.
function shuffle(order) {
  const random = crypto.getRandomValues(new Uint32Array(order.length));
  for (let last = order.length - 1; last > 0; last -= 1) {
    const other = random[last] % (last + 1);
    [order[last], order[other]] = [order[other], order[last]];
  }
}

// Keys on their way to the server, one after the other; `base` is "/pad" or "/kiosk". What may be pressed next follows
// from what has been pressed, not from what has been answered: people type faster than that.
export class Entry {
  constructor(wire, base, keypad, { render, refused }) {
    Object.assign(this, { wire, base, keypad, render, refused });
    this.queue = Promise.resolve();
    this.forget();
  }

  forget() {
    this.state = null;
    this.isAt = 0;
    this.onItsWay = 0;
    this.isDone = false;
  }

  // The newest state, unless it is older than the one we have: whether it was taken.
  take(next) {
    const old = this.state;
    if (old && (next.number < old.number || (next.number === old.number && next.turn < old.turn))) return false;
    if (!this.onItsWay || !old || next.entry !== old.entry) {
      this.isAt = next.digits;
      this.isDone = false;
    }
    this.state = next;
    this.allow();
    return true;
  }

  allow() {
    const { stage, least, most, entry } = this.state;
    const asks = stage !== "nothing" && !this.isDone;
    const may = { digit: asks && this.isAt < most, clear: asks && this.isAt > 0, ok: asks && this.isAt >= least };
    this.keypad.allow({ ...may, cancel: stage !== "nothing" }, entry);
  }

  digit(digit) {
    this.isAt += 1;
    this.send("digit", { at: this.isAt - 1, digit });
  }

  clear() {
    this.isAt = 0;
    this.send("clear");
  }

  finish(what) {
    this.isDone = true;
    this.send(what);
  }

  send(what, body = {}) {
    const { number } = this.state;
    this.onItsWay += 1;
    this.allow();
    this.queue = this.queue.then(async () => {
      try {
        const next = await this.wire.post(`${this.base}/${what}`, { number, ...body });
        this.onItsWay -= 1;
        this.render(next);
      } catch (error) {
        this.onItsWay -= 1;
        this.refused(error);
      }
    });
  }
}

// What is being typed, as dots and, for who hears, as a count.
export function showTyped({ digits, typed }) {
  const dots = "●".repeat(digits);
  if (find("#dots").textContent !== dots) find("#dots").textContent = dots;
  if (find("#typed").textContent !== typed) find("#typed").textContent = typed;
}

export function put(selector, text) {
  const element = find(selector);
  if (element.textContent !== text) element.textContent = text;
}
