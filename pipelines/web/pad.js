// A sheet to sign on: pointer, pen or finger, or the arrow keys. What is drawn stays in this page until it is compared.
// Value: JSON {"references": [drawing, ...], "questioned": drawing or null}; a drawing is a list of strokes, a stroke a
// list of [x px, y px (down), t ms, pressure].
const canvas = element.querySelector("canvas"), ink = canvas.getContext("2d");
const status = element.querySelector("[role=status]"), list = element.querySelector(".drawings");
const limit = 6000, most = 5;
let strokes = [], begun = null, pen = { x: 0, y: 0, down: false, step: 4 };
let kept = [];
const scale = () => canvas.width / canvas.getBoundingClientRect().width;
const count = () => strokes.reduce((n, stroke) => n + stroke.length, 0);

function fit() {
  const box = canvas.getBoundingClientRect();
  if (!box.width || strokes.length) return;
  const ratio = window.devicePixelRatio || 1;
  canvas.width = Math.round(box.width * ratio);
  canvas.height = Math.round(box.height * ratio);
  pen = { x: box.width / 8, y: box.height / 2, down: false, step: 4 };
  draw();
}

function line(context, stroke, factor, width) {
  context.beginPath();
  stroke.forEach(([x, y], i) => (i ? context.lineTo(x * factor, y * factor) : context.moveTo(x * factor, y * factor)));
  if (stroke.length === 1) context.lineTo(stroke[0][0] * factor + 0.5, stroke[0][1] * factor);
  context.lineWidth = width;
  context.lineCap = context.lineJoin = "round";
  context.strokeStyle = "#14213d";
  context.stroke();
}

function draw() {
  const factor = scale();
  ink.fillStyle = "#fff";
  ink.fillRect(0, 0, canvas.width, canvas.height);
  ink.strokeStyle = "#c9ced6";
  ink.lineWidth = factor;
  ink.beginPath();
  ink.moveTo(0.05 * canvas.width, 0.72 * canvas.height);
  ink.lineTo(0.95 * canvas.width, 0.72 * canvas.height);
  ink.stroke();
  strokes.forEach((stroke) => line(ink, stroke, factor, 2.6 * factor));
  if (canvas.matches(":focus-visible")) {
    ink.strokeStyle = pen.down ? "#d55e00" : "#0072b2";
    ink.lineWidth = 2 * factor;
    ink.strokeRect((pen.x - 4) * factor, (pen.y - 4) * factor, 8 * factor, 8 * factor);
  }
}

function add(x, y, time, pressure, start) {
  if (begun === null) begun = time;
  if (count() >= limit) return say("The sheet is full; start a new one.");
  const point = [Math.round(10 * x) / 10, Math.round(10 * y) / 10, Math.round(10 * (time - begun)) / 10, pressure];
  if (start || !strokes.length) strokes.push([point]);
  else strokes[strokes.length - 1].push(point);
}

function say(text) { status.textContent = text; }

let drawing = null;
canvas.addEventListener("pointerdown", (event) => {
  if (drawing !== null) return;
  drawing = event.pointerId;
  canvas.setPointerCapture(event.pointerId);
  const box = canvas.getBoundingClientRect();
  add(event.clientX - box.left, event.clientY - box.top, event.timeStamp, event.pressure || 0.5, true);
  draw();
});
canvas.addEventListener("pointermove", (event) => {
  if (event.pointerId !== drawing) return;
  const box = canvas.getBoundingClientRect();
  const all = event.getCoalescedEvents ? event.getCoalescedEvents() : [];
  (all.length ? all : [event]).forEach((one) =>
    add(one.clientX - box.left, one.clientY - box.top, one.timeStamp, one.pressure || 0.5, false));
  draw();
});
["pointerup", "pointercancel"].forEach((name) => canvas.addEventListener(name, () => { drawing = null; }));
["focus", "blur"].forEach((name) => canvas.addEventListener(name, draw));

const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
canvas.addEventListener("keydown", (event) => {
  const move = moves[event.key];
  if (event.key === " ") {
    pen.down = !pen.down;
    if (pen.down) add(pen.x, pen.y, event.timeStamp, 0.5, true);
    say(pen.down ? "Pen down: the arrow keys draw." : "Pen up: the arrow keys move without drawing.");
  } else if (move) {
    const box = canvas.getBoundingClientRect(), step = event.shiftKey ? 3 * pen.step : pen.step;
    pen.x = Math.min(Math.max(pen.x + move[0] * step, 2), box.width - 2);
    pen.y = Math.min(Math.max(pen.y + move[1] * step, 2), box.height - 2);
    if (pen.down) add(pen.x, pen.y, event.timeStamp, 0.5, false);
  } else return;
  event.preventDefault();
  draw();
});

function clear() { strokes = []; begun = null; pen.down = false; draw(); }

function thumbnail(one, label) {
  const small = document.createElement("canvas");
  small.width = 120;
  small.height = 60;
  const points = one.flat(), xs = points.map((p) => p[0]), ys = points.map((p) => p[1]);
  const left = Math.min(...xs), top = Math.min(...ys);
  const factor = Math.min(108 / Math.max(Math.max(...xs) - left, 1), 48 / Math.max(Math.max(...ys) - top, 1));
  const context = small.getContext("2d");
  context.fillStyle = "#fff";
  context.fillRect(0, 0, 120, 60);
  one.forEach((stroke) => line(context, stroke.map(([x, y]) => [6 + (x - left) * factor, 6 + (y - top) * factor]), 1, 1.6));
  small.setAttribute("role", "img");
  small.setAttribute("aria-label", label);
  return small;
}

function show() {
  list.replaceChildren(...kept.map((one, i) => thumbnail(one, "reference " + (i + 1))));
  element.querySelector(".compare").disabled = kept.length === 0;
  element.querySelector(".keep").disabled = kept.length >= most;
}

function big() {
  if (count() >= 12) return true;
  say("Draw a signature first; this is too short to compare.");
  return false;
}

element.querySelector(".keep").addEventListener("click", () => {
  if (!big()) return;
  kept.push(strokes);
  clear();
  show();
  say("Reference " + kept.length + " is kept in this page. " + (kept.length < 3 ? "Sign again; three are better than one." : "Now sign once more, or let somebody forge it, and compare."));
});
element.querySelector(".compare").addEventListener("click", () => {
  if (!big()) return;
  props.value = JSON.stringify({ references: kept, questioned: strokes });
  say("Comparing ...");
  trigger("submit");
});
element.querySelector(".clear").addEventListener("click", () => { clear(); say("The sheet is empty."); });
element.querySelector(".restart").addEventListener("click", () => {
  kept = [];
  props.value = "";
  clear();
  show();
  say("Everything is forgotten.");
});
watch("value", () => { if (!props.value) say("Compared. What was sent is already forgotten; your references stay in this page."); });
new ResizeObserver(fit).observe(canvas);
show();
