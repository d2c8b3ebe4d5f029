// The customer's pad: shows the newest state and sends the holder's keys, one by one. It remembers none of them.
import { Entry, Keypad, put, showTyped } from "./keys.js";
import { Refused, Wire, all, find, listen, show } from "./wire.js";

const CODE_DIGITS = 6;
const AGAIN_MS = 1000;
const words = Object.fromEntries(all("#words li").map((item) => [item.dataset.word, item.textContent]));
const wire = new Wire("");
let isPaired = false;
let code = "";
let source = null;

const keypad = new Keypad(find("#keypad"), {
  digit: (digit) => (isPaired ? entry.digit(digit) : typeCode(code + digit)),
  clear: () => (isPaired ? entry.clear() : typeCode("")),
  ok: () => (isPaired ? entry.finish("ok") : pair()),
  cancel: () => entry.finish("cancel"),
});
const entry = new Entry(wire, "/pad", keypad, { render, refused });

// The state ------------------------------------------------------------------------------------------------

function render(next) {
  if (!isPaired || !entry.take(next)) return;
  document.body.className = next.tone;
  put("#purpose", next.purpose_says);
  put("#line", next.line);
  put("#says", next.says);
  put("#tries", next.tries);
  put("#amount", next.amount ?? "");
  put("#amount-says", next.amount_says);
  show(find("#amount-line"), next.amount);
  showTyped(next);
  notice("");
}

function refused(error) {
  if (!(error instanceof Refused)) lost(true);
  else if (error.status === 401 || error.status === 403) begin();
  else {
    notice(error.message);
    wire.get("/pad/state").then(again).catch(() => lost(true));
  }
}

// A refusal's sentence stays, while the state is shown anew.
function again(next) {
  const said = find("#notice").textContent;
  render(next);
  notice(said);
}

function notice(text) {
  put("#notice", text);
}

function lost(isLost) {
  if (isLost) notice(words["page.line-lost-here"]);
  else if (find("#notice").textContent === words["page.line-lost-here"]) notice("");
}

// Pairing --------------------------------------------------------------------------------------------------

function typeCode(next) {
  code = next.slice(0, CODE_DIGITS);
  put("#code", code.padEnd(CODE_DIGITS, "–"));
  keypad.allow({ digit: code.length < CODE_DIGITS, clear: code.length > 0, ok: code.length === CODE_DIGITS }, "code");
}

function askCode() {
  isPaired = false;
  entry.forget();
  document.body.className = "";
  for (const id of ["#purpose", "#says", "#tries", "#amount"]) put(id, "");
  show(find("#amount-line"), false);
  showTyped({ digits: 0, typed: "" });
  put("#line", words["pad.code"]);
  show(find("#code"), true);
  typeCode("");
}

async function pair() {
  const typed = code;
  typeCode("");
  notice("");
  try {
    await wire.post("/pad/pair", { code: typed });
    begin();
  } catch (error) {
    if (error instanceof Refused) notice(error.message);
    else lost(true);
  }
}

async function begin() {
  source?.close();
  try {
    const first = await wire.get("/pad/state");
    wire.csrf = first.csrf;
    isPaired = true;
    entry.forget();
    show(find("#code"), false);
    render(first);
    source = listen("/pad/events", { on: { pad: render, state: render }, lost, refused: begin });
  } catch (error) {
    if (error instanceof Refused) askCode();
    else {
      lost(true);
      setTimeout(begin, AGAIN_MS);
    }
  }
}

addEventListener("pageshow", (event) => event.persisted && begin());
begin();
