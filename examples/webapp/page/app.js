// One job at a time. Its id is in the address (#…), so that a refreshed page finds it again; all
// else is known by the server. What comes from there is shown as text, never as markup.

const $ = (id) => document.getElementById(id);
const url = (path = "") => `/jobs/${encodeURIComponent(id)}${path}`;

let id = decodeURIComponent(location.hash.slice(1));
let job = null;
let news = null;

// ── talking to the server ───────────────────────────────────────────────────────────────────

async function ask(path, method = "GET", body = undefined) {
  const answer = await fetch(path, {
    method,
    headers: body === undefined ? {} : { "Content-Type": "application/json" },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  return checked(answer.status, await answer.text());
}

function checked(status, text) {
  let said = {};
  try { said = JSON.parse(text); } catch { /* some proxy's page */ }
  if (status >= 200 && status < 300) return said;
  const error = new Error(typeof said.detail === "string" ? said.detail : `HTTP ${status}`);
  error.status = status;
  throw error;
}

/** Do what the user asked for; if it fails, say so, and show how the job stands all the same. */
async function attempt(action) {
  try {
    trouble("");
    await action();
  } catch (error) {
    if (id) await ask(url()).then(show, () => { /* the first error says enough */ });
    trouble(error.message);
  }
}

let beginning = null;

/** Begin a job, once, however many files come at the same moment. */
function begun() {
  beginning ??= id ? Promise.resolve() : ask("/jobs", "POST").then((made) => {
    id = made.id;
    history.replaceState(null, "", `#${id}`);
  }).catch((error) => { beginning = null; throw error; });
  return beginning;
}

// fetch() does not tell how much of a file has been sent.
function send(role, file) {
  const bar = zone(role).querySelector("progress");
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("PUT", url(`/files/${role}?name=${encodeURIComponent(file.name.slice(-200))}`));
    request.upload.onprogress = (event) => { bar.value = event.loaded / (event.total || 1); };
    request.upload.onload = () => {
      bar.removeAttribute("value");
      zone(role).querySelector(".facts").textContent = "is looked at …";
    };
    request.onload = () => {
      try { resolve(checked(request.status, request.responseText)); } catch (error) { reject(error); }
    };
    request.onerror = () => reject(new Error("The file did not get through. Try it again."));
    bar.value = 0;
    bar.hidden = false;
    request.send(file);
  }).finally(() => { bar.hidden = true; });
}

function listen() {
  if (news) return;
  news = new EventSource(url("/events"));
  news.onmessage = (event) => {
    trouble("");
    show(JSON.parse(event.data));
    if (job.stage !== "running") hush();
  };
  news.onerror = () => {
    trouble("The server does not answer. The video goes on, and so will this page.");
    if (news.readyState !== EventSource.CLOSED) return; // it tries again by itself
    hush();
    setTimeout(listen, 2000);
  };
}

function hush() {
  news?.close();
  news = null;
}

// ── what is shown ───────────────────────────────────────────────────────────────────────────

function trouble(words) {
  $("trouble").textContent = words;
  $("trouble").hidden = !words;
}

const INVITATIONS = {
  image: "Drop a picture here, or choose one", motion: "Drop a video here, or choose one",
};

const zone = (role) => document.querySelector(`[data-role="${role}"]`);

function make(tag, className, ...content) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...content);
  return element;
}

function show(now) {
  job = now;
  const open = job.stage === "draft" || job.stage === "failed";
  for (const role of ["image", "motion"]) showFile(role, open);
  for (const [name, value] of Object.entries(job.choice)) $("choice").elements[name].value = value;
  for (const input of $("choice").elements) input.disabled = !open;
  showLook(open);
  showGo(open);
  showProgress();
  showOutcome();
  $("another").hidden = open && !job.image && !job.motion;
  if (job.stage === "failed") trouble(job.problem);
  if (job.stage === "running") listen();
}

function showFile(role, open) {
  const file = job[role];
  zone(role).classList.toggle("there", Boolean(file));
  zone(role).classList.toggle("locked", !open);
  zone(role).querySelector("input").disabled = !open;
  zone(role).querySelector(".says").textContent = file ? file.says || "a file" : INVITATIONS[role];
  const size = file && `${(file.size_bytes / 1e6).toFixed(1)} MB`;
  zone(role).querySelector(".facts").textContent =
    [job.look?.facts[role], size].filter(Boolean).join(", ");
}

function showLook(open) {
  const look = job.look;
  $("look").hidden = !look || !open;
  if (!look) return;
  $("findings").replaceChildren(...look.findings.map((found) => {
    const mended = found.severity === "error" && found.mendable;
    const item = make("li", mended ? "mended" : found.severity,
      `The ${found.subject}: ${found.message}.`);
    const hint = mended ? "It is going to be mended." : found.hint;
    if (hint) item.append(make("small", "", hint));
    return item;
  }));
  $("findings").hidden = look.findings.length === 0;
  $("fine").hidden = look.findings.length > 0;
  const sheet = url(`/sheet.png?look=${look.number}`);
  if ($("sheet").getAttribute("src") !== sheet) $("sheet").src = $("sheet-link").href = sheet;
}

function showGo(open) {
  $("go").hidden = !open;
  $("start").disabled = !job.look?.startable;
  const again = job.unsure ? "Try it again, and perhaps pay twice" : "Try it again";
  $("start").textContent = job.stage === "failed" ? again : "Make the video";
  $("cost").textContent = cost();
}

function cost() {
  const cny = job.look?.cost_cny;
  if (cny === 0) return "costs nothing: it was made before";
  return cny == null ? "" : `about ${cny.toFixed(2)} CNY`;
}

function showProgress() {
  $("progress").hidden = job.steps.length === 0;
  $("progress").classList.toggle("busy", job.stage === "running");
  $("stage").textContent =
    { running: "On its way", failed: "It failed", done: "How it went" }[job.stage] ?? "";
  $("steps").replaceChildren(...job.steps.map((step) => make("li", "",
    make("time", "", new Date(step.at * 1000).toLocaleTimeString("en-GB")),
    make("span", "", step.says))));
}

function showOutcome() {
  $("outcome").hidden = job.stage !== "done";
  if (job.stage !== "done") return;
  const result = url("/result.mp4");
  if ($("video").getAttribute("src") !== result) $("video").src = $("download").href = result;
  $("paid").textContent = cost();
}

// ── what the user does ──────────────────────────────────────────────────────────────────────

async function take(role, file) {
  if (!file || zone(role).classList.contains("locked")) return;
  await attempt(async () => {
    zone(role).querySelector(".says").textContent = file.name;
    await begun();
    show(await send(role, file));
  });
}

for (const role of ["image", "motion"]) {
  const input = zone(role).querySelector("input");
  input.addEventListener("change", async () => {
    await take(role, input.files[0]);
    input.value = "";
  });
  zone(role).addEventListener("dragover", (event) => {
    event.preventDefault();
    zone(role).classList.add("over");
  });
  zone(role).addEventListener("dragleave", () => zone(role).classList.remove("over"));
  zone(role).addEventListener("drop", (event) => {
    event.preventDefault();
    zone(role).classList.remove("over");
    take(role, event.dataTransfer.files[0]);
  });
}
for (const event of ["dragover", "drop"]) { // a file beside the zones is not to replace the page
  document.addEventListener(event, (dropped) => dropped.preventDefault());
}

$("choice").addEventListener("change", () => attempt(async () => {
  const { engine, background } = $("choice").elements;
  const choice = { engine: engine.value, background: background.value };
  await begun();
  $("start").disabled = true;
  show(await ask(url("/choice"), "PUT", choice));
}));

$("start").addEventListener("click", () => attempt(async () => {
  $("start").disabled = true;
  show(await ask(url(`/start?pay_again=${job.unsure}`), "POST"));
}));

$("another").addEventListener("click", () => {
  location.hash = "";
  location.reload();
});
window.addEventListener("hashchange", () => {
  if (location.hash.slice(1) !== id) location.reload();
});

// ── beginning ───────────────────────────────────────────────────────────────────────────────

const EMPTY = {
  stage: "draft", choice: { engine: "wan-std", background: "picture" }, image: null, motion: null,
  look: null, steps: [], problem: null, unsure: false,
};

show(EMPTY);
if (id) {
  await attempt(async () => {
    try {
      show(await ask(url()));
    } catch (error) {
      if (error.status !== 404) throw error;
      history.replaceState(null, "", location.pathname);
      id = "";
      throw error;
    }
  });
}
