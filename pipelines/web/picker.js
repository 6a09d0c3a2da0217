// Chooses images and hands their bytes over in memory. Value: JSON [{"name": file name, "content": base64}, ...].
const input = element.querySelector("input"), list = element.querySelector(".drawings");
const status = element.querySelector("[role=status]");
const most = Number(element.querySelector(".picker").dataset.most), bytes = Number(element.querySelector(".picker").dataset.bytes);

function content(file) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result).split(",")[1] || "");
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(file);
  });
}

async function take(files) {
  list.replaceChildren();
  const large = files.find((file) => file.size > bytes);
  if (files.length > most || large) {
    status.textContent = large ? large.name + " is larger than " + bytes / 1e6 + " MB." : "At most " + most + " images, please.";
    props.value = "";
    trigger("change");
    return;
  }
  try {
    const found = await Promise.all(files.map(async (file) => ({ name: file.name, content: await content(file) })));
    found.forEach((one) => {
      const picture = document.createElement("img");
      picture.alt = one.name;
      picture.src = "data:" + (one.name.toLowerCase().match(/jpe?g$/) ? "image/jpeg" : "image/png") + ";base64," + one.content;
      picture.onerror = () => picture.remove();
      list.append(picture);
    });
    status.textContent = found.map((one) => one.name).join(", ");
    props.value = found.length ? JSON.stringify(found) : "";
  } catch (error) {
    status.textContent = "The browser could not read that file.";
    props.value = "";
  }
  trigger("change");
}

input.addEventListener("change", () => take(Array.from(input.files)));
["dragover", "drop"].forEach((name) => element.addEventListener(name, (event) => {
  event.preventDefault();
  if (name === "drop") take(Array.from(event.dataTransfer.files));
}));
