"""The forward pass of trained models in NumPy, for prediction without TensorFlow."""
