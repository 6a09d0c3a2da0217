"""Where compiled kernels are kept, and for how long."""

import os
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
