"""The forward pass of trained models in NumPy alone: prediction where TensorFlow is not installed, or not worth it."""
