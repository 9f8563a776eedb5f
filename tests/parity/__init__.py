"""Parity with other frameworks, live: each file is skipped where its peer is missing.

Install one with ``pip install torch`` (or onnx, onnxruntime, openvino, ncnn,
nnef_tools, opencv-python-headless, tensorflow-cpu) and run ``pytest tests/parity``.
"""
