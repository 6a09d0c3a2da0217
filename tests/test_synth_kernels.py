"""Where compiled kernels are kept, and for how long."""

import os
import subprocess
import sys
import time

from synth.kernels import forget_old


def test_old_versions_kernels_go_and_recent_ones_and_strangers_stay(tmp_path):
    for name, days in (("kernels-old", 31), ("kernels-new", 29), ("other", 400)):
        (tmp_path / name / "inner").mkdir(parents=True)
        (tmp_path / name / "inner" / "a.nbc").write_bytes(b"machine code")
        then = time.time() - days * 86_400
        os.utime(tmp_path / name, (then, then))
    forget_old(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["kernels-new", "other"]


def test_what_is_compiled_beside_is_all_that_drawing_a_batch_needs():
    code = (
        "from synth import World; from synth.acts import genuine_act; from synth import render_batch\n"
        "from synth.render import _draw_images, compile_drawing\n"
        "from synth.kernels import none_compiled\n"
        "compile_drawing(); before = len(_draw_images.signatures)\n"
        "render_batch([genuine_act(World(0)[0], 0)], height=32, width=64)\n"
        "print(before, len(_draw_images.signatures), none_compiled())"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.split() == ["1", "1", "False"]
