"""Parity with other frameworks, live: each file is skipped where its peer is missing.

Install one with ``pip install torch`` (or onnx, onnxruntime, openvino,
opencv-python-headless, ncnn, nnef_tools, tensorflow-cpu) and run ``pytest tests/parity``.
"""
