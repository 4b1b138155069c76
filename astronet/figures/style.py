"""The colors, labels and resolution of all figures."""

# The palette of Okabe and Ito, which color-blind readers can tell apart.
BLUE = "#0072B2"
ORANGE = "#D55E00"
COLORS = (BLUE, ORANGE, "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")

TIME_LABEL = "Time (BJD - 2457000, days)"
DPI = 110
