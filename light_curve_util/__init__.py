"""Reading, folding and binning light curves. NumPy, h5py and astropy only: no TensorFlow, no pandas."""
