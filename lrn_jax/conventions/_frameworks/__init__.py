r"""One function for each framework: its parameters in, those of `lrn` out.

Throughout, the formula is

.. math:: y_i = x_i \, (k + \alpha' \sum_{j \in W(i)} x_j^2)^{-\beta}

and a docstring says what the framework means by :math:`\alpha'` and by :math:`W`. "The
sum" is that of the squares over the window, "the mean" that sum divided by the nominal
number of elements in the window, at the borders too. "Checked against" says in which
version that was seen, and whether the code was run (`tests/parity`) or read.
"""

from ._apple import coreml as coreml
from ._apple import metal_cross_channel as metal_cross_channel
from ._apple import metal_spatial as metal_spatial
from ._caffe import caffe as caffe
from ._caffe import ncnn as ncnn
from ._caffe import opencv as opencv
from ._cuda_convnet import cuda_convnet_cmrnorm as cuda_convnet_cmrnorm
from ._cuda_convnet import cuda_convnet_rnorm as cuda_convnet_rnorm
from ._exchange import nnef as nnef
from ._exchange import onnx as onnx
from ._exchange import openvino as openvino
from ._libraries import arm_compute as arm_compute
from ._libraries import cudnn as cudnn
from ._libraries import directml as directml
from ._libraries import onednn as onednn
from ._libraries import tensorrt as tensorrt
from ._matlab import matconvnet as matconvnet
from ._matlab import matlab as matlab
from ._matlab import wolfram as wolfram
from ._tensorflow import neupy as neupy
from ._tensorflow import tensorflow as tensorflow
from ._tensorflow import tensorflow_js as tensorflow_js
from ._tensorflow import tflite as tflite
from ._theano import keras as keras
from ._theano import lasagne as lasagne
from ._theano import pylearn2 as pylearn2
from ._training import chainer as chainer
from ._training import cntk as cntk
from ._training import darknet as darknet
from ._training import deeplearning4j as deeplearning4j
from ._training import mxnet as mxnet
from ._training import torch as torch
