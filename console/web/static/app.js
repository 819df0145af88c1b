// What the console does beyond its forms and links: lists that follow the server, countdowns, the player, copying.
// Every page works without it.
"use strict";

const all = (selector, root = document) => [...root.querySelectorAll(selector)];

// how long something still takes, in the words of the server
function span(us) {
  const seconds = Math.max(0, us) / 1e6;
  if (seconds < 120) return `${seconds < 10 ? seconds.toFixed(1) : Math.floor(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 120 ? `${minutes} min ${Math.floor(seconds % 60)} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

// the server's clock, for countdowns: the browser's may be wrong
const stamped = document.querySelector("[data-now]");
const ahead = stamped ? Number(stamped.dataset.now) - Date.now() * 1000 : 0;
function countdowns() {
  for (const item of all("[data-until]")) {
    const left = Number(item.dataset.until) - Date.now() * 1000 - ahead;
    item.textContent = left > 0 ? `${span(left)} left` : "over";
    item.classList.toggle("soon", left < 60e6);
  }
}
countdowns();
setInterval(countdowns, 500);

// on a phone the menu is one long row: the page that is open stands in sight
document.querySelector("nav [aria-current]")?.scrollIntoView({ inline: "center", block: "nearest" });

// lists that the server sends again when they change
for (const place of all("[data-live]")) {
  const source = new EventSource(place.dataset.live);
  source.onmessage = (message) => {
    const focused = document.activeElement && place.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
    place.innerHTML = message.data;
    if (focused) all("a", place).find((link) => link.getAttribute("href") === focused)?.focus();
    countdowns();
  };
  source.addEventListener("rows", (message) => {
    const body = place.querySelector("tbody");
    const paused = document.querySelector("[data-pause]");
    if (!body || (paused && paused.checked)) return;
    const template = document.createElement("template");
    template.innerHTML = message.data;
    for (const row of all("tr", template.content)) row.classList.add("new");
    body.prepend(template.content);
    while (body.rows.length > 300) body.deleteRow(-1);
    document.querySelector("[data-quiet]")?.remove();
  });
  addEventListener("pagehide", () => source.close());
}

// copying: the button says what happened
for (const button of all("[data-copy]")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    const text = document.getElementById(button.dataset.copy).textContent;
    try { await navigator.clipboard.writeText(text); button.textContent = "Copied"; } catch { button.textContent = "Select it and copy"; }
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  });
}

// work that takes a while says so
for (const form of all("form[data-busy]")) {
  form.addEventListener("submit", () => {
    const button = form.querySelector("button");
    button.textContent = form.dataset.busy;
    setTimeout(() => { button.disabled = true; });
  });
}

// ctrl-enter sends the form that one types in
for (const area of all("textarea[data-send]")) {
  area.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) area.form.requestSubmit();
  });
}

function player(root) {
  const length = Number(root.dataset.length);
  const steps = all(".story [data-at]");
  const find = (name) => root.querySelector(`[data-${name}]`);
  const [play, speed, seek, clock, line] = ["play", "speed", "seek", "clock", "now-line"].map(find);
  let at = length, running = false, before = 0;
  find("controls").hidden = false;

  function show() {
    for (const step of steps) step.classList.toggle("later", Number(step.dataset.at) > at);
    seek.value = at;
    const x = length ? (at / length) * 996 : 0;
    line.setAttribute("x1", x); line.setAttribute("x2", x);
    clock.textContent = `${span(at)} of ${span(length)}`;
    play.textContent = running ? "Pause" : "Play";
  }
  function tick(now) {
    if (!running) return;
    at = Math.min(length, at + (now - before) * 1000 * Number(speed.value));
    before = now;
    if (at >= length) running = false;
    show();
    const last = steps.filter((step) => step.tagName === "LI" && !step.classList.contains("later")).pop();
    last?.scrollIntoView({ block: "nearest" });
    requestAnimationFrame(tick);
  }
  function toggle() {
    if (!running && at >= length) at = 0;
    running = !running;
    before = performance.now();
    show();
    requestAnimationFrame(tick);
  }
  play.addEventListener("click", toggle);
  seek.addEventListener("input", () => { at = Number(seek.value); show(); });
  find("all").addEventListener("click", () => { running = false; at = length; show(); });
  for (const button of all("[data-jump]", root)) button.addEventListener("click", () => {
    const marks = all(`.story > [data-tone="${button.dataset.jump}"]`).filter((item) => length);
    const next = marks.find((item) => Number(item.dataset.at) > at) || marks[0];
    if (!next) { clock.textContent = "none in this session"; return; }
    at = Number(next.dataset.at); running = false; show();
    next.scrollIntoView({ block: "center" });
  });
  addEventListener("keydown", (event) => {
    if (event.key === " " && !event.target.closest("button, input, select, textarea, a")) { event.preventDefault(); toggle(); }
  });
  show();
}
all("[data-player]").forEach(player);
