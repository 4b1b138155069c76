import numpy as np
import pytest

from astronet.flares import energy, flare_fit

STEP = 120 / 86400


def simulate(random, amplitude, rise, decay, noise=0.002):
    time = 1325 + STEP * np.arange(500)
    peak_time = time[250] + random.uniform(-0.5, 0.5) * STEP
    star = 1 + 0.01 * np.sin(2 * np.pi * time / 1.5)
    flux = star + amplitude * flare_fit.shape(time, peak_time, rise, decay, STEP) + random.normal(0, noise, len(time))
    return time, flux / np.median(flux), peak_time


def test_shape_has_the_integral_of_its_equivalent_duration():
    time = np.arange(0, 1, STEP / 10)
    total = flare_fit.shape(time, 0.4, 0.002, 0.01, STEP / 10).sum() * STEP / 10 * 86400
    assert total == pytest.approx(flare_fit.equivalent_duration(1.0, 0.002, 0.01), rel=1e-6)


def test_fits_recover_flares_within_their_uncertainties():
    random, pulls = np.random.default_rng(0), []
    for _ in range(60):
        amplitude, rise, decay = random.uniform(0.03, 0.3), random.uniform(1, 4) * STEP, random.uniform(2, 15) * STEP
        time, flux, peak_time = simulate(random, amplitude, rise, decay)
        fitted = flare_fit.fit(time, flux, slice(248, 258))
        truth = {
            "peak_time": peak_time,
            "amplitude": amplitude,
            "rise": rise,
            "decay": decay,
            "equivalent_duration": flare_fit.equivalent_duration(amplitude, rise, decay),
        }
        pulls.append([(getattr(fitted, name) - value) / fitted.errors[name] for name, value in truth.items()])
    pulls = np.array(pulls)
    assert np.all(np.abs(np.median(pulls, axis=0)) < 0.6)  # the star's own variation shifts them a little
    spread = np.diff(np.percentile(pulls, [16, 84], axis=0), axis=0)[0] / 2
    assert np.all((spread > 0.5) & (spread < 1.6)), spread


def test_a_flare_of_a_single_cadence_has_finite_uncertainties():
    time, flux, _ = simulate(np.random.default_rng(1), 0.05, 0.1 * STEP, 0.2 * STEP)
    fitted = flare_fit.fit(time, flux, slice(250, 251))
    assert fitted.equivalent_duration == pytest.approx(0.05 * (0.1 * 1.2533 + 0.2) * 120, rel=0.3)
    assert all(0 < fitted.errors[name] < 10 * abs(getattr(fitted, name)) for name in fitted.errors)


def test_too_few_cadences_beside_a_flare_give_no_fit():
    time = 1325 + STEP * np.arange(20)
    assert flare_fit.fit(time, np.ones(20), slice(5, 12)) is None


def test_another_flare_nearby_is_left_out():
    random = np.random.default_rng(2)
    time, flux, peak_time = simulate(random, 0.05, 2 * STEP, 5 * STEP)
    flux = flux + 0.3 * flare_fit.shape(time, time[290], 2 * STEP, 5 * STEP, STEP)
    alone = flare_fit.fit(time, flux, slice(248, 260), [slice(280, 330)])
    assert alone.peak_time == pytest.approx(peak_time, abs=STEP) and alone.amplitude == pytest.approx(0.05, rel=0.15)


def test_energy_grows_with_the_star():
    assert energy.energy(1.0, 3388, 0.4) * 2**2 == pytest.approx(energy.energy(1.0, 3388, 0.8))
    assert energy.energy(1.0, 5800, 1.0) > energy.energy(1.0, 3000, 1.0)


def test_energy_is_that_of_a_black_body_integrated_over_the_band():
    """By astropy's black body, for a star of 3400 K and 0.4 solar radii and an equivalent duration of 10 s."""
    from astropy import constants, units
    from astropy.modeling.models import BlackBody

    def in_band(teff):
        wavelength = np.linspace(600, 1000, 4001) * units.nm
        radiance = BlackBody(teff * units.K, scale=1 * units.W / units.m**3 / units.sr)(wavelength)
        return np.mean(radiance.value)

    area = np.pi * (0.4 * constants.R_sun) ** 2 * in_band(3400) / in_band(9000)
    expected = (constants.sigma_sb * (9000 * units.K) ** 4 * area * 10 * units.s).to_value(units.erg)
    assert energy.energy(10.0, 3400, 0.4) == pytest.approx(expected, rel=2e-3)


def test_energies_are_those_of_guenther_et_al(shared):
    from astropy.io import ascii

    table = ascii.read(shared / "data/other/flares/catalogues/gunther2020_flares_all.txt", format="cds").to_pandas()
    table = table.dropna(subset=["Ebol", "Teff", "Radius"])
    # Their flares have the shape of Davenport et al. 2014, of which amplitude times width is 1 / 1.827 of the integral.
    durations = 1.827 * table.Amp * table.FWHM * 86400
    ratios = [energy.energy(*of_flare) for of_flare in zip(durations, table.Teff, table.Radius)] / table.Ebol
    assert len(ratios) == 7118
    assert np.median(ratios) == pytest.approx(1, abs=0.02)
    assert np.all(np.abs(np.percentile(ratios, [16, 84]) - 1) < 0.15)


def test_a_flare_of_a_constant_light_curve_has_no_nan():
    time = 1325 + STEP * np.arange(500)
    fitted = flare_fit.fit(time, np.ones(500), slice(250, 254))
    assert fitted is None or np.isfinite([fitted.significance, *fitted.errors.values()]).all()
