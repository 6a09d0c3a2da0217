// Plays pen movements at their own speed. Value: JSON [{"title": text, "rows": [[x, y (up), t s, pressure], ...]}, ...].
const canvas = element.querySelector("canvas"), pen = canvas.getContext("2d"), button = element.querySelector("button");
const slider = element.querySelector("input");
const calm = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
let acts = [], clock = 0, last = null, running = false;

function read() {
  try { acts = JSON.parse(props.value || "[]"); } catch (error) { acts = []; }
  const box = canvas.getBoundingClientRect(), ratio = window.devicePixelRatio || 1;
  canvas.width = Math.max(300, Math.round(box.width * ratio));
  canvas.height = Math.max(120, Math.round(box.height * ratio));
  clock = 0;
  last = null;
  running = !calm;
  if (calm) clock = end();
  draw();
  if (running) requestAnimationFrame(frame);
}

const end = () => Math.max(0.1, ...acts.map((act) => act.rows.length ? act.rows[act.rows.length - 1][2] : 0));

// In two lines, the second from the first bracket on, where one is too wide.
function heading(title, x, width, unit) {
  const at = title.indexOf(" ("), fits = at < 0 || pen.measureText(title).width <= width;
  const lines = fits ? [title] : [title.slice(0, at), title.slice(at + 1)];
  lines.forEach((line, k) => pen.fillText(line, x, (18 + 16 * k) * unit, width));
}

function draw() {
  pen.fillStyle = "#fff";
  pen.fillRect(0, 0, canvas.width, canvas.height);
  const wide = canvas.width / Math.max(acts.length, 1), unit = Math.min(canvas.height / 200, canvas.width / 400);
  const thin = Math.min(canvas.height / 200, wide / 400);
  acts.forEach((act, i) => {
    const xs = act.rows.map((r) => r[0]), ys = act.rows.map((r) => r[1]);
    const left = Math.min(...xs), top = Math.max(...ys);
    const width = Math.max(Math.max(...xs) - left, 1), height = Math.max(top - Math.min(...ys), 1);
    const factor = Math.min((wide - 40 * unit) / width, (canvas.height - 70 * unit) / height);
    const x = (r) => i * wide + (wide - factor * width) / 2 + (r[0] - left) * factor;
    const y = (r) => 40 * unit + (canvas.height - 50 * unit - factor * height) / 2 + (top - r[1]) * factor;
    pen.fillStyle = "#333";
    pen.font = 13 * unit + "px system-ui, sans-serif";
    heading(act.title, i * wide + 10 * unit, wide - 20 * unit, unit);
    pen.lineCap = "round";
    let now = act.rows[0];
    for (let k = 1; k < act.rows.length && act.rows[k][2] <= clock; k++) {
      const [a, b] = [act.rows[k - 1], act.rows[k]];
      now = b;
      const up = a[3] <= 0 || b[3] <= 0;
      pen.strokeStyle = up ? "#dfe3ea" : "#14213d";
      pen.lineWidth = up ? thin : thin * (1.2 + 3 * b[3]);
      pen.beginPath();
      pen.moveTo(x(a), y(a));
      pen.lineTo(x(b), y(b));
      pen.stroke();
    }
    if (now && clock < end()) {
      pen.fillStyle = now[3] > 0 ? "#d55e00" : "#0072b2";
      pen.beginPath();
      pen.arc(x(now), y(now), 4 * unit, 0, 7);
      pen.fill();
    }
  });
  slider.value = Math.round((1000 * clock) / end());
  slider.setAttribute("aria-valuetext", clock.toFixed(1) + " seconds");
  button.textContent = running ? "Pause" : "Play";
}

function frame(time) {
  if (!running || !element.isConnected) return;
  clock += last === null ? 0 : Math.min((time - last) / 1000, 0.1);
  last = time;
  if (clock >= end()) { clock = end(); running = false; }
  draw();
  if (running) requestAnimationFrame(frame);
}

button.addEventListener("click", () => {
  running = !running;
  if (running && clock >= end()) clock = 0;
  last = null;
  draw();
  if (running) requestAnimationFrame(frame);
});
slider.addEventListener("input", () => { running = false; clock = (end() * slider.value) / 1000; draw(); });
watch("value", read);
read();
