"""What others call this operation, as arguments of `lrn`, and the way back.

Each function takes its source's own parameters, by its own names and with its own
defaults, and returns the keyword arguments of `lrn_jax.lrn` and of the modules that
mean the same: ``lrn(x, **torch(size=5))``. Parameters that change nothing in the source
(a name, Caffe's `engine`) change nothing here.

It refuses what its source refuses, where the parameters tell; limits that depend on the
array (its rank, its dtype, a window longer than the axis) are not checked, and `lrn`
has none of them. A size may be a whole number of any type, another number a real one,
each also in a NumPy array with one element. Text is refused. A JAX array is returned as
an array, so that it can be learned, or changed without a new compilation. What is
refused raises a ValueError, or a TypeError if it is of the wrong kind.

The axis is that of the source's own layout: where the array was transposed on the way,
replace it, ``arguments["axis"] = -1``. What is returned is what a source computes, in
the version its docstring names; implementations known to be wrong are not imitated.
``python -m lrn_jax.conventions`` prints all of it as one table, which is in
`docs/semantics.md` too, and with a name, such as torch, one of them. `read` finds the
layers of a model file, and calls the function of its framework.
"""

from ._arguments import Arguments as Arguments
from ._frameworks import arm_compute as arm_compute
from ._frameworks import caffe as caffe
from ._frameworks import chainer as chainer
from ._frameworks import cntk as cntk
from ._frameworks import coreml as coreml
from ._frameworks import cuda_convnet_cmrnorm as cuda_convnet_cmrnorm
from ._frameworks import cuda_convnet_rnorm as cuda_convnet_rnorm
from ._frameworks import cudnn as cudnn
from ._frameworks import darknet as darknet
from ._frameworks import deeplearning4j as deeplearning4j
from ._frameworks import directml as directml
from ._frameworks import keras as keras
from ._frameworks import lasagne as lasagne
from ._frameworks import matconvnet as matconvnet
from ._frameworks import matlab as matlab
from ._frameworks import metal_cross_channel as metal_cross_channel
from ._frameworks import metal_spatial as metal_spatial
from ._frameworks import mxnet as mxnet
from ._frameworks import ncnn as ncnn
from ._frameworks import neupy as neupy
from ._frameworks import nnef as nnef
from ._frameworks import onednn as onednn
from ._frameworks import onnx as onnx
from ._frameworks import opencv as opencv
from ._frameworks import openvino as openvino
from ._frameworks import pylearn2 as pylearn2
from ._frameworks import tensorflow as tensorflow
from ._frameworks import tensorflow_js as tensorflow_js
from ._frameworks import tensorrt as tensorrt
from ._frameworks import tflite as tflite
from ._frameworks import torch as torch
from ._frameworks import wolfram as wolfram
from ._presets import alexnet_as_printed as alexnet_as_printed
from ._presets import alexnet_as_trained as alexnet_as_trained
from ._presets import caffe_alexnet as caffe_alexnet
from ._presets import cuda_convnet_cifar10 as cuda_convnet_cifar10
from ._presets import whole_map as whole_map
from ._read import Layer as Layer
from ._read import ModelFileError as ModelFileError
from ._read import read as read
from ._reverse import CaffeArguments as CaffeArguments
from ._reverse import OnnxArguments as OnnxArguments
from ._reverse import TensorFlowArguments as TensorFlowArguments
from ._reverse import TorchArguments as TorchArguments
from ._reverse import to_caffe as to_caffe
from ._reverse import to_onnx as to_onnx
from ._reverse import to_tensorflow as to_tensorflow
from ._reverse import to_torch as to_torch
from ._table import describe as describe
