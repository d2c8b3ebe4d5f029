// What every page of the counter shares: requests with the CSRF token, and events that come back by themselves.

export class Refused extends Error {
  constructor(status, answer) {
    super(answer.sentence || answer.error || String(status));
    this.status = status;
    this.answer = answer;
  }
}

export class Wire {
  constructor(csrf) {
    this.csrf = csrf;
  }

  get(path) {
    return this.ask(path, { method: "GET" });
  }

  post(path, body = {}) {
    const headers = { "Content-Type": "application/json" };
    return this.ask(path, { method: "POST", headers, body: JSON.stringify(body) });
  }

  async ask(path, request) {
    const headers = { ...request.headers, "X-CSRF-Token": this.csrf };
    const answer = await fetch(path, { ...request, headers, credentials: "same-origin", cache: "no-store" });
    const value = await answer.json();
    if (!answer.ok) throw new Refused(answer.status, value);
    return value;
  }
}

// Listens until it is told to go; a line that breaks is taken up again, one that is refused is for `refused` to judge.
export function listen(path, { on, lost, refused }) {
  const source = new EventSource(path);
  for (const [name, tell] of Object.entries(on)) {
    source.addEventListener(name, (event) => {
      lost(false);
      tell(JSON.parse(event.data));
    });
  }
  source.addEventListener("gone", () => {
    source.close();
    refused();
  });
  source.addEventListener("error", () => {
    lost(true);
    if (source.readyState === EventSource.CLOSED) setTimeout(refused, 1000);
  });
  return source;
}

export const find = (selector, within = document) => within.querySelector(selector);
export const all = (selector, within = document) => [...within.querySelectorAll(selector)];

export function show(element, visible) {
  element.hidden = !visible;
}

// A list's or table's children anew: texts only, never markup.
export function fill(parent, rows, make) {
  parent.replaceChildren(...rows.map(make));
}

export function made(tag, text = "", attributes = {}) {
  const element = document.createElement(tag);
  element.textContent = text;
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}
