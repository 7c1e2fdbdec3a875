// What a browser with scripts adds to the page; without it everything works by forms. It sends one cell at a time and
// keeps what is typed, takes files that are dropped and cells that are pasted, and shows how the sending stands.
// It makes no HTML: what it puts in the place of <main> is a page that the server has answered with. It has no words
// of its own either; they come with the page.
"use strict";
{
  const byId = (id) => document.getElementById(id);
  const find = (what, within = document) => within.querySelector(what);
  const all = (what, within = document) => [...within.querySelectorAll(what)];

  // ---- What is said to who does not see the page. The element stays where it is when <main> is replaced, since a
  // new one is not always listened to. What must not be missed is shown, too.
  const status = byId("status");
  find("main").before(status);
  let saying;
  function say(text, shown = false) {
    clearTimeout(saying);
    status.textContent = "";
    saying = setTimeout(() => { // so that the same is heard twice when it happens twice
      status.className = shown && text ? "toast" : "visually-hidden";
      status.textContent = text;
    }, 50);
  }
  const offline = () => say(status.dataset.offline, true);

  // ---- A page in place of another.
  const parse = (html) => new DOMParser().parseFromString(html, "text/html");

  function show(page) {
    const main = find("main", page);
    find("#status", page)?.remove();
    find("main").replaceWith(main);
    document.title = page.title;
    begin();
  }

  // Who does nothing for half an hour is signed out, and is told before.
  let idle;
  function awake() {
    clearTimeout(idle);
    const text = document.body.dataset.idle;
    if (text) idle = setTimeout(() => say(text, true), 25 * 60_000);
  }

  // begin is for each page, and each that takes its place.
  function begin() {
    awake();
    for (const e of all("[data-hint], [data-drop-hint]")) e.hidden = false;
    for (const c of cells()) c.classList.toggle("unsaved", changed(c));
  }

  // ---- Forms are sent once. A button is disabled after its form was read, else it would be missing from it.
  const sent = new Map(); // the buttons of each form that is being sent
  function release() {
    for (const button of [...sent.values()].flat()) button.disabled = false;
    sent.clear();
  }
  function once(event) {
    const form = event.target;
    if (sent.has(form)) return event.preventDefault();
    sent.set(form, all("button:enabled", form));
    setTimeout(() => { for (const button of sent.get(form) ?? []) button.disabled = true; });
    setTimeout(release, 15_000); // the person may have stopped it
  }
  addEventListener("pageshow", release);

  document.addEventListener("submit", (event) => {
    const form = event.target, button = event.submitter;
    if (event.defaultPrevented) return;
    if (form.matches("[data-cells]")) {
      event.preventDefault();
      if (button?.name === "alike") save(cells().find((c) => c.name === `t.${button.value}`), false, true);
      else send(form, new FormData(form, button), cells());
    } else if (form.matches("[data-undo]")) {
      event.preventDefault();
      undo(form, button);
    } else if (form.matches("[data-drop] form[enctype='multipart/form-data']")) {
      event.preventDefault();
      upload(form);
    } else once(event);
  });

  // ---- The table of problems. A cell is three fields: what is typed (t.), what was shown (o.), its version (v.).
  const cells = () => all("form[data-cells] input[name^='t.']");
  const isCell = (e) => e instanceof HTMLInputElement && e.name.startsWith("t.") && e.form?.matches("[data-cells]");
  const field = (cell, kind) => cell.form.elements[kind + cell.name.slice(1)];
  const changed = (cell) => cell.value !== field(cell, "o").value;
  const shownTable = () => find("form[data-cells]")?.elements.table.value;
  const bad = (e) => e?.matches("[aria-invalid=true]");

  function go(e) {
    e?.focus();
    if (isCell(e)) e.select();
  }

  // next is the problem after a cell, or before it, in the order that the cells had; else the first, or the last.
  function next(order, id, back) {
    const at = order.indexOf(id);
    const ids = back ? order.slice(0, Math.max(at, 0)).reverse() : order.slice(at + 1);
    const left = cells().filter(bad);
    return ids.map(byId).find(bad) ?? left.at(back ? -1 : 0) ?? byId("problems-title");
  }

  function save(cell, back = false, alike = false) {
    const body = new URLSearchParams();
    for (const f of [cell, field(cell, "o"), field(cell, "v"), cell.form.elements.table, cell.form.elements.code, cell.form.elements.page]) body.append(f.name, f.value);
    if (alike) body.append("alike", cell.name.slice(2));
    send(cell.form, body, [cell], cell, back);
  }

  function undo(form, button) {
    const from = isCell(document.activeElement) ? document.activeElement : find("input[name^='t.']", button?.closest("td") ?? form);
    const body = new FormData(form, button);
    if (!button) body.append("batch", "0");
    send(form, body, [], from, false, true);
  }

  // send posts cells, or takes a change back, and shows what the server makes of it. Whatever goes wrong, what was
  // typed stays.
  let sending = false;
  async function send(form, body, posted, from, back = false, stay = false) {
    if (sending) return;
    sending = true;
    find("main").setAttribute("aria-busy", "true");
    const values = new Map(posted.map((c) => [c.id, c.value]));
    try {
      const answer = await fetch(form.getAttribute("action"), {
        method: "POST", body: new URLSearchParams(body), headers: { Accept: "text/html" }, signal: AbortSignal.timeout(60_000),
      });
      if (new URL(answer.url).pathname.startsWith("/sign-in")) return location.assign(answer.url);
      const page = parse(await answer.text());
      if (find("#problems-title", page)) swap(page, answer, values, from, back, stay);
      else if (answer.ok) location.assign(answer.url);
      else if (find(".mistakes li", page)) say(all(".mistakes li", page).map((e) => e.textContent.trim()).join(" "), true);
      else offline();
    } catch {
      offline();
    } finally {
      sending = false;
      find("main").removeAttribute("aria-busy");
    }
  }

  function swap(page, answer, values, from, back, stay) {
    const order = cells().map((c) => c.id), active = document.activeElement, table = shownTable();
    // What was typed and not sent, or typed on while it was being sent.
    const typed = cells().filter((c) => values.has(c.id) ? c.value !== values.get(c.id) : changed(c))
      .map((c) => ({ id: c.id, text: c.value, shown: field(c, "o").value, version: field(c, "v").value, own: values.has(c.id) }));
    const moved = isCell(active) && (active !== from || typed.some((t) => t.own && t.id === from.id)) && { id: active.id, start: active.selectionStart, end: active.selectionEnd };
    const block = byId("block")?.value, wide = find(".scroll:has(.cells)")?.scrollLeft ?? 0;
    const top = from && byId(from.id)?.getBoundingClientRect().top;

    show(page);
    if (answer.redirected) history.replaceState(null, "", answer.url.replace(/[?&]said=[^&]*/, ""));
    if (shownTable() !== table) typed.length = 0; // the file is read otherwise: they were other cells
    for (const { id, text, shown, version, own } of typed) {
      const cell = byId(id);
      if (!isCell(cell)) continue;
      cell.value = text;
      // Somebody else has changed it: with the version that was seen, the server will say so and show both.
      if (!own && field(cell, "o").value !== shown) field(cell, "v").value = version;
    }
    if (block && byId("block")) byId("block").value = block;
    begin();
    const scroll = find(".scroll:has(.cells)");
    if (scroll) scroll.scrollLeft = wide;
    const same = from && byId(from.id);
    if (same) scrollBy(0, same.getBoundingClientRect().top - top); // the row stays where it was on the screen

    const wrong = bad(same) && values.has(same.id) ? `${same.getAttribute("aria-label")}: ${byId(`${same.id}-wrong`)?.innerText ?? ""}` : "";
    const mistakes = find("[data-focus]");
    say(""); // mistakes are read by themselves
    if (mistakes) return mistakes.focus();
    const count = find("p.fine strong") ?? find("h1");
    say([find(".said")?.textContent, count?.textContent, wrong].filter(Boolean).map((t) => t.replace(/[.]?$/, ".")).join(" "));
    if (moved && isCell(byId(moved.id))) {
      byId(moved.id).focus();
      return byId(moved.id).setSelectionRange(moved.start, moved.end);
    }
    if (stay) return go(same ?? find("form[data-undo] button") ?? byId("problems-title"));
    go(next(order, from?.id, back));
  }

  document.addEventListener("input", ({ target }) => {
    if (isCell(target)) target.classList.toggle("unsaved", changed(target));
  });

  document.addEventListener("keydown", (event) => {
    const cell = event.target;
    if (!isCell(cell) || event.isComposing || event.altKey) return;
    const control = event.ctrlKey || event.metaKey;
    if (event.key === "Enter" && !control) {
      event.preventDefault();
      if (changed(cell)) save(cell, event.shiftKey);
      else if (!sending) go(next(cells().map((c) => c.id), cell.id, event.shiftKey));
    } else if (event.key === "Escape" && changed(cell)) {
      event.preventDefault();
      cell.value = field(cell, "o").value;
      cell.classList.remove("unsaved");
      cell.select();
    } else if (event.key.toLowerCase() === "z" && control && !event.shiftKey && !changed(cell)) {
      const form = find("form[data-undo]:has(button)"); // there is something to take back
      if (!form) return;
      event.preventDefault();
      undo(form);
    }
  });

  addEventListener("beforeunload", (event) => {
    if (!cells().some(changed)) return;
    event.preventDefault();
    setTimeout(release); // it runs when the person stays
  });

  // ---- What is pasted: a block into a cell is shown by the server first, and is a new file where no field is.
  const isBlock = (text) => /[\t\r\n]/.test(text);

  document.addEventListener("paste", (event) => {
    const target = event.target, text = event.clipboardData?.getData("text/plain") ?? "", one = text.replace(/\r?\n$/, "");
    if (isCell(target)) {
      if (!isBlock(one)) {
        if (one === text) return;
        event.preventDefault(); // a spreadsheet program ends one cell with a line end, too
        document.execCommand("insertText", false, one); // can be taken back by the browser, which setting it cannot
        return;
      }
      const form = find("form[data-paste]");
      if (!form) return;
      event.preventDefault();
      form.elements.from.value = target.name.slice(2);
      form.elements.block.value = text;
      form.closest("details").open = true;
      form.requestSubmit();
      return;
    }
    if (!find("[data-drop]") || target.closest?.("input, textarea, select")) return;
    // Text comes first: a spreadsheet program offers a picture of its cells as well.
    const file = isBlock(text) ? new File([text], "pasted.tsv", { type: "text/tab-separated-values" }) : event.clipboardData?.files[0];
    if (!file) return;
    event.preventDefault();
    take([file]);
  });

  // ---- Files that are dropped. Beside the place for them they are taken as well: the browser would leave the page.
  const carriesFiles = (event) => find("[data-drop]") && event.dataTransfer?.types.includes("Files");
  const over = (yes) => find("[data-drop]")?.classList.toggle("over", yes);

  document.addEventListener("dragover", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = "copy";
    over(true);
  });
  document.addEventListener("dragleave", (event) => { if (!event.relatedTarget) over(false); });
  document.addEventListener("drop", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    over(false);
    take(event.dataTransfer.files);
  });

  function take(files) {
    const drop = find("[data-drop]"), input = byId("file");
    if (files.length !== 1) return say(drop.dataset.single, true);
    const list = new DataTransfer();
    list.items.add(files[0]);
    input.files = list.files;
    say("");
    const account = find("select[name=account]", input.form);
    if (account) account.focus(); // which of them, a person says
    else input.form.requestSubmit();
  }

  function upload(form) {
    const button = find("button", form), label = button.textContent, ask = new XMLHttpRequest();
    const percent = new Intl.NumberFormat(document.documentElement.lang, { style: "percent" });
    const again = () => {
      button.disabled = false;
      button.textContent = label;
      button.focus();
      offline();
    };
    if (button.disabled) return;
    ask.upload.onprogress = (e) => { if (e.lengthComputable) button.textContent = `${label} ${percent.format(e.loaded / e.total)}`; };
    ask.onload = () => {
      const page = parse(ask.responseText);
      if (ask.status < 400) return location.assign(ask.responseURL);
      if (!find(".mistakes", page)) return again();
      show(page);
      find("[data-focus]")?.focus();
    };
    ask.onerror = ask.onabort = again;
    ask.open("POST", form.getAttribute("action"));
    ask.send(new FormData(form));
    button.disabled = true;
  }

  // ---- How the sending stands: one stream, and none while nobody looks, since a browser has few connections to a
  // server; a question every three seconds where the stream does not come through.
  function follow(place) {
    const url = place.dataset.live;
    let stream, asking, hiding, milestone, silent = false, left = false;

    const reload = () => {
      stop();
      left = true;
      location.replace(`${url}/progress`); // a reload, also of a page that a form was answered with
    };
    const stop = () => {
      stream?.close();
      clearTimeout(asking);
      stream = asking = null;
    };
    const draw = (now) => {
      if (left) return;
      if (silent) say("");
      silent = false;
      if (now.state !== place.dataset.state || !now.moving || now.canary > 0 !== place.dataset.canary > 0) return reload();
      for (const e of all("[data-text]", place)) {
        const text = now.texts[e.dataset.text] ?? "";
        if (e.textContent !== text) e.textContent = text;
        e.hidden = text === "";
      }
      const bar = find("progress", place);
      if (now.due > 0) bar.max = now.due;
      bar.value = now.done;
      if (milestone !== undefined && milestone !== now.milestone) say(now.milestone);
      milestone = now.milestone;
    };
    const ask = async () => {
      asking = setTimeout(ask, 3000);
      try {
        const answer = await fetch(`${url}/progress.json`, { signal: AbortSignal.timeout(10_000) });
        if ([401, 403, 404, 410].includes(answer.status)) return reload(); // the server says why, on a page
        draw(await answer.json());
      } catch {
        if (!silent && asking) offline();
        silent = true;
      }
    };
    const start = () => {
      if (stream || asking || left || document.hidden) return;
      stream = new EventSource(`${url}/events`);
      stream.onmessage = (event) => draw(JSON.parse(event.data));
      stream.onerror = () => {
        stop();
        if (!left) ask();
      };
    };
    document.addEventListener("visibilitychange", () => {
      clearTimeout(hiding);
      if (document.hidden) hiding = setTimeout(stop, 1000);
      else start();
    });
    addEventListener("pagehide", stop);
    addEventListener("pageshow", start);
    start();
  }

  // ---- The page as it comes.
  document.addEventListener("focusin", ({ target }) => { if (target.matches("[data-select]")) target.select(); });
  begin();
  find("[data-focus]")?.focus();
  for (const place of all("[data-live]").slice(0, 1)) follow(place);
  find("form[data-submit-at-once]")?.requestSubmit();
}
