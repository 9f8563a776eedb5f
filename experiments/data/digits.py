"""The digits that come with scikit-learn: 1,797 images, 8x8, sixteen shades of grey.

Source: E. Alpaydin, C. Kaynak, Optical Recognition of Handwritten Digits, UCI Machine
Learning Repository, 1998; its test part, as `sklearn.datasets.load_digits` has it.
"""

import numpy as np
from sklearn.datasets import load_digits

WHITE = 16
CLASS_NAMES = tuple("0123456789")


def load() -> tuple[np.ndarray, np.ndarray]:
    """Returns the images (n, 8, 8, 1) uint8 and the labels (n,) int32."""
    images, labels = load_digits(return_X_y=True)
    return images.reshape(-1, 8, 8, 1).astype(np.uint8), labels.astype(np.int32)
