"""The denoiser in OpenVINO: in bf16, or in eight bits (see `to_openvino.py`).

It is converted by a process of its own, so that what that leaves behind takes no memory here. In eight bits,
what is not quantised runs in bf16, which is faster than f32.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import openvino as ov


def prepare(case: dict):
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, Path(__file__).parent / "to_openvino.py", folder]
        subprocess.run(command, input=json.dumps(case), text=True, check=True)
        work = compiled(Path(folder, "model.xml")).create_infer_request()
        for index, name in enumerate(("latents", "sinusoids", "context")):
            work.set_input_tensor(index, ov.Tensor(np.load(Path(folder, f"{name}.npy"))))
    if "output" in case:
        work.infer()
        work.get_output_tensor().data.tofile(case["output"])
    return work.infer, None


def compiled(model: Path) -> ov.CompiledModel:
    settings = {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_NUM_THREADS": int(os.environ["OMP_NUM_THREADS"]),
        "INFERENCE_PRECISION_HINT": "bf16",
    }
    return ov.Core().compile_model(model, "CPU", settings)
