// Looks at the emulator once a second and shows what it sees. Everything that came from a request
// is put on the page as text, never as markup.

const LOOK_MS = 1000;
const AT = "/_page";
const ENDED = { SUCCEEDED: "good", FAILED: "bad", CANCELED: "bad", UNKNOWN: "bad" };

const $ = (id) => document.getElementById(id);

function make(tag, attributes = {}, ...content) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value != null) element.setAttribute(name, value);
  }
  element.append(...content.filter((part) => part != null));
  return element;
}

// ── talking to the emulator ─────────────────────────────────────────────────────────────────

async function ask(path, method = "GET", body = undefined) {
  const json = { "Content-Type": "application/json" };
  const answer = await fetch(AT + path, {
    method,
    headers: method === "GET" ? {} : json,
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const said = await answer.json();
  if (!answer.ok) throw new Error(said.detail);
  return said;
}

async function look() {
  try {
    show(await ask("/state"));
    $("lost").hidden = true;
  } catch {
    $("lost").hidden = false;
  }
}

async function change(path, method, body) {
  show(await ask(path, method, body));
}

// ── what is shown ───────────────────────────────────────────────────────────────────────────

const shown = {};

/** Build a part of the page anew, but only if what it shows has changed. */
function part(id, facts, build) {
  const now = JSON.stringify(facts);
  if (shown[id] === now) return;
  shown[id] = now;
  build(facts);
}

function show(state) {
  const url = state.base_url;
  part("base-url", url, () => {
    $("base-url").textContent = url;
    $("how-to").textContent =
      `export DASHSCOPE_HTTP_BASE_URL=${url}\nexport DASHSCOPE_API_KEY=sk-emulated`;
  });
  $("now").textContent = new Date(state.now * 1000).toLocaleString([], {
    dateStyle: "medium", timeStyle: "medium",
  });
  $("ahead").textContent = state.ahead_s > 0 ? `(turned by ${lasting(state.ahead_s)})` : "";
  $("paid").textContent = state.paid_submits;
  $("leaks").textContent = state.leaks;
  $("leaks").classList.toggle("alarm", state.leaks > 0);
  part("pace", [state.queue_s, state.run_s], ([queue, run]) => {
    $("pace").elements.queue_s.value = queue;
    $("pace").elements.run_s.value = run;
  });
  rows("tasks", state.tasks, (task) => taskRow(task, state.now));
  rows("requests", state.requests, requestRow);
  rows("uploads", state.uploads, uploadRow);
  $("no-tasks").hidden = state.tasks.total > 0;
  part("live", state.faults, showLive);
}

function rows(id, list, build) {
  $(`${id}-count`).textContent = list.total || "";
  part(id, list.rows.map((row) => [row, id === "tasks" && waiting(row)]), () => {
    $(id).replaceChildren(...list.rows.map(build));
  });
}

/** Tell a number that changes each second while a task is under way, so that its row is redrawn. */
function waiting(task) {
  return task.status in ENDED ? 0 : Math.floor(Date.now() / LOOK_MS);
}

function taskRow(task, now) {
  const started = task.started_at ?? task.ended_at;
  const queued = (started ?? now) - task.submitted_at;
  const ran = task.started_at == null ? null : (task.ended_at ?? now) - task.started_at;
  const times = [`queued ${lasting(queued)}`, ran == null ? null : `ran ${lasting(ran)}`];
  return make("div", { class: "row task" },
    make("span", {}, make("strong", {}, task.operation), " ",
      make("span", { class: "faint" }, task.model)),
    make("span", { class: `chip ${ENDED[task.status] ?? "busy"}` }, task.status),
    make("span", { class: "faint" }, [task.id, ...times].filter(Boolean).join(" · ")),
    task.film
      ? make("button", { onclick: () => showFilm(task), "aria-label": `Watch ${task.id}` }, "Watch")
      : make("span"),
    task.code && make("div", { class: "note" }, `${task.code}: ${task.message}`));
}

function requestRow(request) {
  const status = request.status ?? "none";
  const kind = request.leak || !request.status || request.status >= 400 ? "bad" : "good";
  return make("button", { class: "row request", onclick: () => showRequest(request) },
    make("span", { class: "faint mono" }, clock(request.at)),
    make("span", { class: "mono" }, request.method),
    make("span", {}, make("strong", {}, request.operation), " ", request.model ?? "",
      request.leak ? make("strong", { class: "bad" }, " brought a key") : null),
    make("span", { class: `mono ${kind}` }, String(status)),
    make("span", { class: "path mono faint" }, request.path));
}

function uploadRow(upload) {
  return make("div", { class: "row upload" },
    make("span", { class: "mono" }, upload.url),
    make("span", { class: "faint" }, size(upload.size_bytes)),
    make("span", { class: "faint" }, `for ${upload.model}, at ${clock(upload.uploaded_at)}`));
}

// ── one thing, large ────────────────────────────────────────────────────────────────────────

function view(title, ...content) {
  $("viewer-title").textContent = title;
  $("viewed").replaceChildren(...content);
  $("viewer").showModal();
}

function showFilm(task) {
  const video = make("video", {
    src: `${AT}/films/${encodeURIComponent(task.film)}`, controls: true, autoplay: true,
    loop: true, playsinline: true,
  });
  video.muted = true;
  video.addEventListener("error", () => video.replaceWith("The film is gone: its URL ran out."));
  view(`What ${task.operation} made`, video);
}

async function showRequest(request) {
  const title = `${request.method} ${request.path}`;
  try {
    const whole = await ask(`/requests/${request.number}`);
    const said = (heading, facts) => Object.keys(facts).length === 0 ? [] : [
      make("h3", {}, heading),
      make("pre", {}, Object.entries(facts).map(([name, value]) => `${name}: ${value}`).join("\n")),
    ];
    view(title, ...said("Query", whole.query), ...said("Headers", whole.headers),
      ...(whole.body ? [make("h3", {}, "Body"), make("pre", {}, whole.body)] : []));
  } catch (error) {
    view(title, error.message);
  }
}

// ── faults ──────────────────────────────────────────────────────────────────────────────────

function faultRow(fault) {
  const id = `fault-${fault.kind}`;
  const form = faultForm(fault);
  const live = make("p", { class: "live", id: `${id}-live`, hidden: true });
  const problem = make("p", { class: "problem", role: "alert" });
  const toggle = make("input", { type: "checkbox", role: "switch", class: "switch", id });
  async function set() {
    problem.textContent = "";
    try {
      if (toggle.checked) await change(`/faults/${fault.kind}`, "PUT", options(form));
      else await change(`/faults/${fault.kind}`, "DELETE");
    } catch (error) {
      problem.textContent = error.message;
      toggle.checked = false;
    }
  }
  toggle.addEventListener("change", set);
  form.addEventListener("change", () => toggle.checked && set());
  form.addEventListener("submit", (event) => event.preventDefault());
  return make("div", { class: "fault" },
    make("label", { class: "head", for: id }, toggle,
      make("span", {}, make("strong", {}, fault.kind), make("div", { class: "says" }, fault.says))),
    live,
    make("details", {}, make("summary", {}, "options"), form), problem);
}

function faultForm(fault) {
  const lasting = make("select", { name: "lasting" },
    ...["until switched off", "once", "so many times", "for so many seconds"].map((words, index) =>
      make("option", { value: ["always", "once", "times", "for_s"][index] }, words)));
  const often = make("input", { name: "often", type: "number", min: 1, step: "any", value: 3 });
  const oftenLabel = make("label", { hidden: true }, make("span", {}, "how many"), often);
  lasting.addEventListener("change", () => {
    oftenLabel.hidden = !["times", "for_s"].includes(lasting.value);
  });
  return make("form", {},
    make("label", {}, make("span", {}, "how long"), lasting), oftenLabel,
    fault.at.length < 2 ? null : make("label", {}, make("span", {}, "on"),
      make("select", { name: "on" }, make("option", { value: "" }, "all of these"),
        ...fault.at.map((operation) => make("option", { value: operation }, operation)))),
    ...fault.fields.map((field) => make("label", { title: field.says },
      make("span", {}, field.name.replaceAll("_", " ")), control(field))));
}

function control(field) {
  const name = `own.${field.name}`;
  if (field.choices) {
    return make("select", { name, "data-type": "string" }, ...field.choices.map((choice) =>
      make("option", { value: choice, selected: choice === field.default }, choice)));
  }
  if (field.type === "boolean") {
    return make("input", { name, type: "checkbox", "data-type": "boolean", checked: field.default });
  }
  const number = field.type !== "string";
  return make("input", {
    name, type: number ? "number" : "text", step: field.type === "integer" ? 1 : "any",
    "data-type": field.type, value: field.default ?? "", placeholder: field.optional ? "none" : "",
  });
}

function options(form) {
  const asked = {};
  const { lasting, often, on } = form.elements;
  if (lasting.value === "always") asked.for_s = "inf";
  if (lasting.value === "once") asked.times = 1;
  if (lasting.value === "times" || lasting.value === "for_s") asked[lasting.value] = +often.value;
  if (on?.value) asked.on = [on.value];
  for (const input of form.querySelectorAll("[name^='own.']")) {
    const type = input.dataset.type;
    if (type === "boolean") asked[input.name.slice(4)] = input.checked;
    else if (type === "string") asked[input.name.slice(4)] = input.value;
    else if (input.value !== "") asked[input.name.slice(4)] = +input.value;
  }
  return asked;
}

function showLive(faults) {
  for (const toggle of document.querySelectorAll(".switch")) {
    const kind = toggle.id.slice("fault-".length);
    const live = faults.filter((fault) => fault.kind === kind);
    toggle.checked = live.length > 0;
    const says = $(`${toggle.id}-live`);
    says.hidden = live.length === 0;
    const struck = live.length ? `; struck ${live[0].hits} ×` : "";
    says.textContent = live.map((fault) => fault.says).join("; ") + struck;
  }
}

// ── words for numbers ───────────────────────────────────────────────────────────────────────

function lasting(seconds) {
  if (seconds < 60) return `${seconds < 10 ? Math.round(seconds * 10) / 10 : Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  return `${Math.round(minutes / 6) / 10} h`;
}

function clock(moment) {
  return new Date(moment * 1000).toLocaleTimeString("en-GB");
}

function size(bytes) {
  if (bytes < 1e6) return `${Math.ceil(bytes / 1e3)} kB`;
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

// ── beginning ───────────────────────────────────────────────────────────────────────────────

for (const button of document.querySelectorAll("[data-turn-s]")) {
  button.addEventListener("click", () =>
    change("/clock", "POST", { seconds: +button.dataset.turnS }));
}
$("pace").addEventListener("submit", (event) => {
  event.preventDefault();
  const { queue_s, run_s } = event.target.elements;
  change("/pace", "PUT", { queue_s: +queue_s.value, run_s: +run_s.value });
});
$("forget").addEventListener("click", () => change("/requests", "DELETE"));
$("clear").addEventListener("click", () => change("/faults", "DELETE"));
$("close").addEventListener("click", () => $("viewer").close());
$("viewer").addEventListener("close", () => $("viewed").replaceChildren());

for (const group of await ask("/catalogue")) {
  $("faults").append(make("h3", {}, group.heading), ...group.faults.map(faultRow));
}
await look();
setInterval(() => document.hidden || look(), LOOK_MS);
document.addEventListener("visibilitychange", () => document.hidden || look());
