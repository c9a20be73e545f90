// Shows the devices of the person one is: what the directory asks on them, an approver's codes, where they are signed
// in, and the mail to their address on file. The workspace tells of none of it, so it is looked up again and again.

import { inWords, loadPhone, post } from "./api.js";
import { h, icon, iconButton, put } from "./dom.js";
import { count, slackDate } from "./format.js";
import { nameOf, store } from "./store.js";

const LOOK_MS = 1500;
const FACTORS = { totp: "Authenticator app", push: "Push to the phone", sms: "Text messages", security_key: "Security key" };
const ENDS = {
  confirmed: "You confirmed that it was you.",
  asked: "That is not the number.",
  expired: "The time for an answer was over.",
};
const NO = { typed: "That was the third wrong number, which counts as a no.", pressed: "You said that it was not you." };

/** Make the phone: `button` opens and closes `panel`, `announce` tells a screen reader; `draw()` follows the person. */
export function createPhone(button, panel, announce) {
  const typed = new Map();
  let seen = { owner: "", data: null, error: "" };
  let said = "";
  let drawn = "";
  let held = false;
  let looking = null;

  const isOpen = () => !panel.hidden;
  const waiting = () => seen.data?.challenges || [];

  /** Look at the phone once for all who ask meanwhile. */
  function look() {
    if (document.hidden || !store.data?.has_phones) return null;
    looking ||= read().finally(() => { looking = null; });
    return looking;
  }

  async function read() {
    const owner = store.me;
    const { ok, error, ...data } = await loadPhone(owner);
    if (owner !== store.me) return;
    const before = new Set(seen.owner === owner ? waiting().map((one) => one.key) : []);
    seen = { owner, data: ok ? data : seen.owner === owner ? seen.data : null, error: ok ? "" : inWords(error) };
    if (ok && data.challenges.some((one) => !before.has(one.key))) announce("Your phone asks whether it was you.");
    draw();
  }

  async function answer(path, key, more, no) {
    const result = await post(`phone/${path}`, { user: store.me, key, ...more });
    await looking; // it may have begun before the answer
    said = result.ok ? (result.state === "refused" ? no : ENDS[result.state]) : inWords(result.error);
    if (result.state !== "asked") typed.delete(key);
    await look();
    announce(said);
    const box = panel.querySelector("input");
    if (box && result.state === "asked") box.select();
    else if (!box) panel.querySelector("button")?.focus();
  }

  function open(now) {
    panel.hidden = !now;
    button.setAttribute("aria-expanded", String(now));
    said = "";
    drawn = "";
    draw();
    (now ? panel.querySelector("input") || panel.querySelector("button") : button)?.focus();
  }

  function draw() {
    button.hidden = !store.data?.has_phones;
    if (button.hidden) panel.hidden = true;
    if (seen.owner !== store.me) {
      seen = { owner: store.me, data: null, error: "" };
      said = "";
      look();
    }
    const asks = waiting().length;
    button.setAttribute("aria-label", asks ? `Phone, ${count(asks, "question")} to answer` : "Phone");
    const signature = JSON.stringify([isOpen(), said, seen]);
    if (signature === drawn || held) return;
    drawn = signature;
    put(button, icon("phone"), h("span", { class: "channel-name" }, "Phone"), asks > 0 && h("span", { class: "badge", "aria-hidden": "true" }, String(asks)));
    if (isOpen()) drawPanel();
  }

  function drawPanel() {
    const key = panel.contains(document.activeElement) ? document.activeElement.dataset.key : null;
    put(
      panel,
      h("header", {}, h("h2", { id: "phone-title" }, `${nameOf(store.me).split(" ")[0]}’s phone`), iconButton("close", "Close the phone", () => open(false), { "data-key": "close" })),
      h("p", { class: "phone-said", role: "status", "data-testid": "phone-said" }, said || seen.error),
      seen.data && (seen.data.account ? parts(seen.data) : [codeView(seen.data.code), h("p", { class: "muted" }, "The directory has no account of theirs.")]),
    );
    if (key) panel.querySelector(`[data-key="${CSS.escape(key)}"]`)?.focus();
  }

  function parts({ challenges, code, devices, notices, account }) {
    return [
      ...challenges.map(challengeView),
      codeView(code),
      part("Signed in on", devices.map((one) => h("li", { "data-testid": "device" }, h("strong", {}, one.device), h("span", { class: "muted small" }, [one.place, slackDate(one.since, "{ago}")].filter(Boolean).join(", ")))), "No device is signed in."),
      part("Second factors", account.factors.map((one) => h("li", { "data-testid": "factor" }, FACTORS[one] || one)), "None is enrolled."),
      part(`Mail to ${account.address}`, notices.map((one) => h("li", { "data-testid": "notice" }, h("span", {}, one.text), h("time", { class: "muted small" }, slackDate(one.at, "{date_short}, {time}")))), "No mail yet."),
    ];
  }

  function challengeView(one) {
    const box = h("input", { inputmode: "numeric", autocomplete: "off", maxlength: "5", required: true, value: typed.get(one.key) || "", "data-key": one.key, "data-testid": "challenge-number", oninput: (event) => typed.set(one.key, event.target.value) });
    const confirm = (event) => {
      event.preventDefault();
      answer("answer", one.key, { number: box.value }, NO.typed);
    };
    return h(
      "form",
      { class: "challenge", "data-testid": "challenge", onsubmit: confirm },
      h("h3", {}, "Is it you?"),
      h("p", {}, "Somebody wants a second factor of your account reset. If it is you, type the number that Deskhand has told you in Slack."),
      h("label", {}, h("span", {}, "Number"), box),
      one.tries_left < 3 && h("p", { class: "phone-wrong" }, `${count(one.tries_left, "try", "tries")} left.`),
      h("div", { class: "row" }, h("button", { type: "submit", class: "button button-primary", "data-testid": "challenge-yes" }, "It is me"), h("button", { type: "button", class: "button button-danger", "data-testid": "challenge-no", onclick: () => answer("refuse", one.key, {}, NO.pressed) }, "That was not me")),
      h("p", { class: "muted small" }, `${FACTORS[one.factor] || one.factor}, until ${slackDate(one.expires_at, "{time}")}`),
    );
  }

  panel.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    open(false);
  });
  for (const type of ["pointerdown", "keydown"]) panel.addEventListener(type, (event) => { held ||= type === "pointerdown" || event.key === " "; }, true);
  for (const type of ["pointerup", "pointercancel", "keyup", "blur"]) {
    addEventListener(type, () => {
      if (held) setTimeout(draw, 0);
      held = false;
    }, true);
  }
  button.addEventListener("click", () => open(!isOpen()));
  setInterval(look, LOOK_MS);
  return { draw };
}

function part(title, items, none) {
  return h("section", {}, h("h3", {}, title), items.length ? h("ul", {}, ...items) : h("p", { class: "muted" }, none));
}

function codeView(code) {
  if (!code) return null;
  const digits = `${code.digits.slice(0, 3)} ${code.digits.slice(3)}`;
  return h("section", {}, h("h3", {}, "Authenticator: Deskhand approvals"), h("p", { class: "code-digits", "data-testid": "code" }, digits), h("p", { class: "muted small" }, `until ${slackDate(code.until, "{time_secs}")}, for one use`));
}
