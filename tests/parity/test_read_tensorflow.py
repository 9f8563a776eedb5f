"""TensorFlow: the files that it writes itself."""

import pytest

from lrn_jax import conventions

tensorflow = pytest.importorskip("tensorflow", reason="TensorFlow is not installed")

GIVEN = {"depth_radius": 2, "bias": 1.5, "alpha": 2e-5, "beta": 0.75}
SHAPE = (None, 13, 13, 8)


class Network(tensorflow.Module):
    @tensorflow.function(
        input_signature=[tensorflow.TensorSpec(SHAPE, tensorflow.float32)]
    )
    def __call__(self, x):
        x = tensorflow.nn.relu(x)
        return tensorflow.nn.relu(tensorflow.nn.lrn(x, **GIVEN, name="norm1"))


def check(path, framework, name):
    (layer,) = conventions.read(path)
    assert layer.framework == framework
    assert name in layer.name
    assert layer.arguments == conventions.tensorflow(**GIVEN)
    assert not layer.warnings
    return layer


@pytest.mark.parametrize("text", [False, True])
def test_graph(text, tmp_path):
    graph = (
        Network().__call__.get_concrete_function().graph.as_graph_def(add_shapes=True)
    )
    tensorflow.io.write_graph(graph, str(tmp_path), "graph", as_text=text)
    assert check(tmp_path / "graph", "TensorFlow", "norm1").input_shape == SHAPE


def test_saved_model(tmp_path):
    tensorflow.saved_model.save(Network(), tmp_path)
    assert check(tmp_path, "TensorFlow", "norm1").input_shape == SHAPE


def test_tflite(tmp_path):
    pytest.importorskip("tflite", reason="tflite is not installed")
    network = Network()
    converter = tensorflow.lite.TFLiteConverter.from_concrete_functions(
        [network.__call__.get_concrete_function()], network
    )
    path = tmp_path / "model"
    path.write_bytes(converter.convert())
    assert check(path, "TensorFlow Lite", "norm1").input_shape == SHAPE
