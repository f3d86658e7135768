// The console works without this script; it adds a key for the next step, words for screen readers,
// buttons that copy, and classes that follow.
"use strict";

const said = document.body.dataset;
const live = document.getElementById("live");
const newest = document.getElementById("newest");

/** Say something to everybody: it is shown, and screen readers read it. */
function tell(text) {
  if (live && text && live.textContent !== text) live.textContent = text;
}

/** Say what the newest step came to, and take whoever uses the keyboard there. */
function announce() {
  const outcome = document.getElementById("outcome");
  const heading = document.getElementById("newest");
  if (heading) heading.focus();
  if (heading && outcome) {
    const note = document.createElement("span");
    note.className = "unseen";
    note.textContent = `${heading.textContent} ${outcome.textContent}`;
    setTimeout(() => live.replaceChildren(note), 150);
  }
}

/** Only a step that was taken here moves the focus: who opens an address begins at its top. */
const STEP = "ecny-tax-step";
function remember(value) {
  try {
    if (value) sessionStorage.setItem(STEP, value);
    const found = sessionStorage.getItem(STEP);
    if (!value) sessionStorage.removeItem(STEP);
    return found;
  } catch {
    return null; // a browser may keep nothing
  }
}

document.addEventListener("click", (event) => {
  const copy = event.target.closest("[data-copy]");
  if (copy) {
    const text = document.getElementById(copy.dataset.copy).textContent;
    navigator.clipboard.writeText(text).then(
      () => tell(said.copied),
      () => getSelection().selectAllChildren(document.getElementById(copy.dataset.copy)), // by hand, then
    );
    return;
  }
  const link = event.target.closest("a[href]");
  if (!link || link.getAttribute("href").startsWith("#")) return;
  if (link.matches("[data-step]")) remember(link.href);
  if (navigator.onLine) return;
  // The page stays, so that nothing is lost; but a server on this very machine answers without network.
  event.preventDefault();
  fetch("/healthz").then(
    () => location.assign(link.href),
    () => tell(said.offline),
  );
});

document.addEventListener("keydown", (event) => {
  // Where somebody writes, the keys are letters: Alt and N is ń or ~ on some keyboards.
  if (event.repeat || event.target.closest?.("input")) return;
  if (event.altKey && !event.ctrlKey && !event.metaKey && event.code === "KeyN") {
    const next = document.getElementById("next");
    if (next) {
      event.preventDefault();
      next.click();
    }
  }
});

/** Take back that there is no connection. */
function connected() {
  if (live && live.textContent === said.offline) live.textContent = "";
}

window.addEventListener("online", connected);

// A page that the browser kept, as the back button shows it, has heard nothing meanwhile.
window.addEventListener("pageshow", (event) => {
  if (event.persisted && (said.lead || said.follow)) location.reload();
});

function wake() {
  for (const one of document.querySelectorAll(".keys")) one.hidden = false;
  if (navigator.clipboard) for (const one of document.querySelectorAll("[data-copy]")) one.hidden = false;
}

/** Show the class what its leader sees; again when the connection is back. */
function lead() {
  const again = () =>
    setTimeout(() => {
      tell(said.offline);
      lead();
    }, 3000);
  fetch(said.lead, { method: "POST", headers: { Accept: "application/json" } }).then((answer) => {
    if (answer.ok) connected();
    else if (answer.status < 500) tell(said.over);
    else again();
  }, again);
}

/** Show what the leader shows now; again until the connection is back, or the leader has gone on. */
let asked = 0;
async function goOn() {
  const mine = ++asked;
  const answer = await fetch(location.href).catch(() => null);
  if (mine !== asked) return;
  if (!answer || answer.status === 503) {
    if (!answer) tell(said.offline);
    setTimeout(() => mine === asked && goOn(), 2000);
    return;
  }
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  if (mine !== asked) return;
  if (!answer.ok) {
    tell(said.over);
    return;
  }
  connected();
  if (page.body.dataset.version === said.version) return;
  said.version = page.body.dataset.version;
  document.title = page.title;
  for (const part of ["header", ".banner", "#main"]) {
    document.querySelector(part).replaceWith(page.querySelector(part));
  }
  wake();
  announce();
}

/** Go on when the leader does; the browser connects anew by itself when the connection is lost. */
function follow() {
  const heard = new EventSource(`${said.follow}/events?after=${said.version}`);
  heard.addEventListener("open", connected);
  heard.addEventListener("step", goOn);
  heard.addEventListener("over", () => {
    heard.close();
    tell(said.over);
  });
  heard.addEventListener("error", () => {
    if (heard.readyState !== EventSource.CLOSED) {
      tell(said.offline);
      return;
    }
    // Refused: the class is over, or too many listen, and whoever asks now and then still follows.
    goOn().then(() => live.textContent === said.over || setTimeout(follow, 5000));
  });
}

wake();
if (newest && remember() === location.href) announce();
if (said.lead) lead();
if (said.follow) follow();
