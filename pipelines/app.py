"""The local web demo: draw a signer, sign yourself, verify images, learn what a threshold does.

For this machine only. There is no share link: whoever tries the page shows it signatures, and those stay here.
"""

import atexit
import html
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .app_desk import NO_RUN, Desk
from .app_guard import forget_folder, launch_options, private_folder, set_environment
from .app_widgets import asset, message
from .runs import RunError

TITLE = "Paraph"
MISSING = 'the web demo needs Gradio; install it with `python -m pip install -e ".[cpu,app]" -c constraints.txt`'


def build(desk: Desk) -> Any:
    """Return the page as Gradio blocks, not yet served.

    Args:
        desk: With its run opened, if there is one.
    """
    import gradio as gr

    from .app_draw import draw_tab
    from .app_learn import learn_tab
    from .app_sign import sign_tab
    from .app_verify import verify_tab

    with gr.Blocks(title=TITLE, analytics_enabled=False, delete_cache=(60, 60), mode="paraph") as page:
        gr.HTML(value=_head(desk), elem_id="head")
        if desk.bench is None:
            _offer(desk)
        with gr.Tabs():
            with gr.Tab("Draw", id="draw"):
                show, inputs, outputs = draw_tab()
            with gr.Tab("Sign", id="sign"):
                sign_tab(desk)
            with gr.Tab("Verify", id="verify"):
                verify_tab(desk)
            with gr.Tab("Learn", id="learn"):
                learn_tab(desk)
        page.load(show, inputs, outputs, show_progress="hidden", api_visibility="private")
    page.queue(api_open=False, default_concurrency_limit=4, max_size=200)
    return page


def _head(desk: Desk) -> str:
    notice = desk.bench.notice if desk.bench else "What you see is drawn or fitted on synthetic signers; no evidence."
    return (
        f"<h1>{TITLE}</h1><p class='notice'>{html.escape(notice)} Everything stays on this machine and in memory.</p>"
    )


def _offer(desk: Desk) -> None:
    """Offer to train the smoke preset, and say how it goes."""
    import gradio as gr

    said = gr.HTML(value=message(f"{NO_RUN} Train a small one? It takes a minute or two and learns little.", "unsure"),
                   elem_id="offer")  # fmt: skip
    button = gr.Button("Train the smoke preset", elem_id="train")

    def train() -> Iterator[str]:
        try:
            for line in desk.train():
                yield message(line, "unsure")
            yield message("Trained. Reload this page to use it.", "fine")
        except RunError as error:
            yield message(str(error))

    button.click(train, None, said, api_visibility="private", concurrency_limit=1, show_progress="hidden")


def theme() -> Any:
    """Return the looks: the system's own fonts, dark words on light ground."""
    import gradio as gr

    fonts = [gr.themes.Font("system-ui"), gr.themes.Font("sans-serif")]
    return gr.themes.Base(
        primary_hue=gr.themes.colors.blue, font=fonts, font_mono=[gr.themes.Font("monospace")], text_size="lg"
    ).set(
        button_primary_background_fill="#0b5c92", button_primary_text_color="white", block_label_text_color="#1f2937",
        block_title_text_color="#1f2937", body_text_color="#1f2937", block_info_text_color="#374151",
    )  # fmt: skip


def start(run: str | Path, *, port: int | None = None, block: bool = True) -> tuple[Any, str]:
    """Serve the page on this machine; return it and its address.

    Args:
        run: The run folder; without one the page offers to train the smoke preset.
        port: A free one if left out.
        block: Wait until interrupted.

    Raises:
        RunError: If the run cannot be used, the port is none, or Gradio is not installed.
    """
    if port is not None and not 1 <= port <= 65535:
        raise RunError(f"--port is {port}; use a number from 1 to 65535, or leave it out")
    set_environment()
    folder = private_folder()
    atexit.register(forget_folder, folder)
    try:
        import gradio  # noqa: F401
    except ImportError as error:
        raise RunError(MISSING) from error
    desk = Desk(run)
    desk.open()
    page = build(desk)
    light = "() => { document.body.classList.remove('dark'); }"
    _, address, _ = page.launch(
        **launch_options(port), theme=theme(), css=asset("app.css"), js=light, prevent_thread_lock=True
    )
    if block:
        print(f"Paraph is at {address} (this machine only; Ctrl-C stops it)", flush=True)
        try:
            page.block_thread()
        finally:
            forget_folder(folder)
    return page, address
