"""The columns of catalogs and records: their names, types, meanings and units. docs/data.md shows them as a table.

This module imports nothing of the package, so that all other modules can import it.
"""

import dataclasses
from typing import Optional, Union

Kind = type[Union[int, float, str]]


@dataclasses.dataclass(frozen=True)
class Column:
    """One column.

    Attributes:
      name: name in catalogs and records.
      kind: Python type of the values. Records hold them as int64, float32 or bytes.
      meaning: meaning of the values, in a few words.
      unit: unit in catalogs; "" if the values have none.
      record_unit: unit in records, if it differs.
      in_catalog: whether make_catalog.py writes the column. Other columns are added when records are made.
    """

    name: str
    kind: Kind
    meaning: str
    unit: str = ""
    record_unit: Optional[str] = None
    in_catalog: bool = True


ROW_ID = "row_id"
TIC_ID = "tic_id"
TOI_ID = "toi_id"
DISPOSITION = "Disposition"
RA = "RA"
DEC = "Dec"
TMAG = "Tmag"
EPOCH = "Epoc"
PERIOD = "Period"
DURATION = "Duration"
DEPTH = "Transit_Depth"
SECTOR = "Sectors"
CAMERA = "camera"
CCD = "ccd"
STAR_RADIUS = "star_rad"
STAR_MASS = "star_mass"
TEFF = "teff"
LOGG = "logg"
SN = "SN"
INGRESS = "Qingress"
IS_MULTI = "is_multi"
STITCHED_SECTORS = "Stitched_Sectors"
EVENT_DENSITY = "Event_Density"
CAMERA_EVENT_DENSITY = "Camera_Event_Density"
DEPTH_CHANGE = "depth_change"
ODD_EVEN_DIFFERENCE = "Odd_Even_Difference"
ODD_EVEN_SIGNIFICANCE = "Odd_Even_Significance"
SECONDARY_DEPTH = "Secondary_Depth"
SECONDARY_PHASE = "Secondary_Phase"
SECONDARY_SIGNIFICANCE = "Secondary_Significance"
V_SHAPE = "V_Shape"
COMPANION_RADIUS = "Companion_Radius"
DURATION_RATIO = "Duration_Ratio"

COLUMNS = (
    Column(ROW_ID, int, "number of the row; with `tic_id` it names the TCE"),
    Column(TIC_ID, int, "TIC ID of the star"),
    Column(TOI_ID, str, "number of the TCE within the star"),
    Column(DISPOSITION, str, "PC planet candidate, EB eclipsing binary, V variable, IS instrumental, J junk, O other"),
    Column(RA, float, "right ascension", "degrees"),
    Column(DEC, float, "declination", "degrees"),
    Column(TMAG, float, "TESS magnitude", "mag"),
    Column(EPOCH, float, "mid-time of an event in BTJD; [other systems](#time-systems) are converted", "days"),
    Column(PERIOD, float, "period", "days"),
    Column(DURATION, float, "duration of the event", "**hours**", "**days**"),
    Column(DEPTH, float, "depth of the event", "ppm"),
    Column(SECTOR, int, "sector of the light curve"),
    Column(CAMERA, int, "camera that sees the star; 0 where none does"),
    Column(CCD, int, "CCD that sees the star; 0 where none does"),
    Column(STAR_RADIUS, float, "radius of the star: Gaia DR2's where known, else the TIC's", "solar radii"),
    Column(STAR_MASS, float, "mass of the star, from the TIC", "solar masses"),
    Column(TEFF, float, "temperature of the star: Gaia DR2's where known, else the TIC's", "K"),
    Column(LOGG, float, "surface gravity of the star, from the TIC", "dex (cgs)"),
    Column(SN, float, "signal to pink noise of the BLS peak"),
    Column(INGRESS, float, "duration of the ingress over the duration of the event"),
    Column(IS_MULTI, int, "1 where the star has more than one row in the table, else 0", in_catalog=False),
    Column(STITCHED_SECTORS, str, "with `--stitch`: the sectors that are folded together (`1,2,28`)", in_catalog=False),
    Column(
        EVENT_DENSITY, float, "[how crowded](event_densities.md) the sector is at the TCE's events", in_catalog=False
    ),
    Column(CAMERA_EVENT_DENSITY, float, "the same, of the sector's TCEs in this camera alone", in_catalog=False),
    # What follows is measured if a configuration reads it (event_columns.py), and NaN where it is not known.
    Column(
        DEPTH_CHANGE, float, "change of the depth from a small to a large aperture, over its scatter", in_catalog=False
    ),
    Column(ODD_EVEN_DIFFERENCE, float, "depth of odd events less that of even ones, over the depth", in_catalog=False),
    Column(ODD_EVEN_SIGNIFICANCE, float, "absolute difference over its error", in_catalog=False),
    Column(SECONDARY_DEPTH, float, "depth of the likeliest secondary eclipse, over the depth", in_catalog=False),
    Column(SECONDARY_PHASE, float, "phase of that eclipse, 0 to 1 of the period", in_catalog=False),
    Column(SECONDARY_SIGNIFICANCE, float, "depth of that eclipse over its error", in_catalog=False),
    Column(V_SHAPE, float, "ingress over duration of the best trapezoid: 0 a box, 0.5 a V", in_catalog=False),
    Column(COMPANION_RADIUS, float, "radius by depth and stellar radius", "Earth radii", in_catalog=False),
    Column(DURATION_RATIO, float, "duration over that of a central transit, circular orbit", in_catalog=False),
)

KIND_OF = {column.name: column.kind for column in COLUMNS}
CATALOG_COLUMNS = tuple(column.name for column in COLUMNS if column.in_catalog)
EVENT_DENSITIES = (EVENT_DENSITY, CAMERA_EVENT_DENSITY)
EVENT_MEASURES = (
    *(DEPTH_CHANGE, ODD_EVEN_DIFFERENCE, ODD_EVEN_SIGNIFICANCE, SECONDARY_DEPTH, SECONDARY_PHASE),
    *(SECONDARY_SIGNIFICANCE, V_SHAPE, COMPANION_RADIUS, DURATION_RATIO),
)

# Columns that are read from tables but not written to catalogs.
SOURCE = "src"
EPOCH_ERROR = "Epoc Err"  # standard deviation, days
PERIOD_ERROR = "Period Err"  # standard deviation, days


def names_of(kind: Kind) -> tuple[str, ...]:
    """Returns the names of the catalog's columns of a Python type.

    >>> names_of(int)
    ('row_id', 'tic_id', 'Sectors', 'camera', 'ccd')
    """
    return tuple(column.name for column in COLUMNS if column.in_catalog and column.kind is kind)
