"""Recipes by name, one a file: where they come from, and what to expect of them."""

from ..config import Preset, RecipeName
from . import (
    alexnet,
    article,
    caffe_full,
    caffe_quick,
    conv_local,
    resnet20,
    tf_tutorial,
)

PRESETS: dict[RecipeName, Preset] = {
    "article": article.PRESET,
    "caffe_quick": caffe_quick.PRESET,
    "caffe_full": caffe_full.PRESET,
    "conv_local": conv_local.PRESET,
    "tf_tutorial": tf_tutorial.PRESET,
    "alexnet": alexnet.PRESET,
    "resnet20": resnet20.PRESET,
}

DESCRIPTIONS: dict[RecipeName, str] = {
    "article": article.__doc__ or "",
    "caffe_quick": caffe_quick.__doc__ or "",
    "caffe_full": caffe_full.__doc__ or "",
    "conv_local": conv_local.__doc__ or "",
    "tf_tutorial": tf_tutorial.__doc__ or "",
    "alexnet": alexnet.__doc__ or "",
    "resnet20": resnet20.__doc__ or "",
}
