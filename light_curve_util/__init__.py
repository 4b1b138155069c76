"""Reads, folds and bins light curves. Needs NumPy, h5py and astropy, but neither TensorFlow nor pandas."""
