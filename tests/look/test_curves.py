import subprocess
import sys

import numpy as np
import pytest

from workbench.errors import ParameterError
from workbench.look.curves import KNEE, apply_tone, black_limit, invert_tone
from workbench.look.stages import AnyTone, Eq, Flat, Log, NoTone

CURVES = ("logc3", "logc4", "slog3", "canonlog3", "acescct", "cineon")
LOGS = [Log.model_validate({"curve": curve}) for curve in CURVES]
TONES: list[AnyTone] = [
    NoTone(),
    Flat(),
    Eq(contrast=1.3, saturation=1.2, brightness=-0.1),
    *LOGS,
    *(log.model_copy(update={"rolloff": 3.0}) for log in LOGS),
]


def colours(count: int) -> np.ndarray:
    return np.random.default_rng(7).random((count, 3))


def encoded(reflectance: float, tone: AnyTone) -> np.ndarray:
    """Return the code value of a grey at this level of the display."""
    return apply_tone(np.full(3, reflectance ** (1 / 2.4)), tone, "bt709")


@pytest.mark.parametrize(
    ("curve", "reflectance", "published"),
    [
        # ARRI, ALEXA Log C Curve - Usage in VFX, EI 800: 400 of 1023, and f for black
        ("logc3", 0, 0.092809),
        ("logc3", 0.18, 0.391007),
        # ARRI, LogC4 Logarithmic Color Space Specification: black at 95 of 1023
        ("logc4", 0, 95 / 1023),
        ("logc4", 0.18, 0.278396),
        # Sony, Technical Summary for S-Gamut3.Cine/S-Log3: table of 10-bit code values
        ("slog3", 0, 95 / 1023),
        ("slog3", 0.18, 420 / 1023),
        ("slog3", 0.9, 598 / 1023),
        # Canon, Canon Log Gamma Curves: 12.5 % and 34.3 %, 128 and 351 of 1023
        ("canonlog3", 0, 128 / 1023),
        ("canonlog3", 0.18, 351 / 1023),
        # Academy S-2016-001: the constant B, and the value that it gives for 0.18
        ("acescct", 0, 0.0729055),
        ("acescct", 0.18, 0.4135884),
        # Kodak's reference black and white; grey follows from 300 codes for a factor of 10
        ("cineon", 0, 95 / 1023),
        ("cineon", 0.18, 0.4573),
        ("cineon", 1, 685 / 1023),
    ],
)
def test_grey_black_and_white_are_at_the_maker_s_code_values(
    curve: str, reflectance: float, published: float
) -> None:
    found = encoded(reflectance, Log.model_validate({"curve": curve}))
    assert found == pytest.approx(published, abs=0.5 / 1023)
    rolled = encoded(reflectance, Log.model_validate({"curve": curve, "rolloff": 2.0}))
    assert reflectance > KNEE or (rolled == found).all()


@pytest.mark.parametrize(
    ("curve", "published"),
    [
        # ARRI, ALEXA Log C Curve - Usage in VFX, inverted: ALEXA Wide Gamut to ITU-R BT.709
        (
            "logc3",
            np.linalg.inv(
                [
                    [1.617523, -0.537287, -0.080237],
                    [-0.070573, 1.334613, -0.264040],
                    [-0.021102, -0.226954, 1.248056],
                ]
            ),
        ),
        # ACES, sRGB to AP1 as its reference rendering has it (Bradford)
        (
            "acescct",
            [
                [0.613097, 0.339523, 0.047379],
                [0.070194, 0.916354, 0.013452],
                [0.020616, 0.109570, 0.869815],
            ],
        ),
        ("cineon", np.eye(3)),
    ],
)
def test_primaries_are_converted_to_the_camera_s(curve: str, published: np.ndarray) -> None:
    rgb = colours(50)
    tone = Log.model_validate({"curve": curve})
    in_camera = rgb**2.4 @ np.asarray(published).T
    as_grey = np.stack([encoded(x, tone)[0] for x in in_camera.ravel()]).reshape(-1, 3)
    assert apply_tone(rgb, tone, "bt709") == pytest.approx(as_grey, abs=2e-5)


@pytest.mark.parametrize("tone", LOGS, ids=lambda tone: tone.curve)
def test_grey_stays_grey_and_brighter_stays_brighter(tone: Log) -> None:
    greys = np.repeat(np.linspace(0, 1, 877)[:, None], 3, axis=1)
    found = apply_tone(greys, tone.model_copy(update={"rolloff": 4.0}), "bt709")
    assert np.ptp(found, axis=1).max() < 1e-9
    assert (np.diff(found, axis=0) > 0).all()


@pytest.mark.parametrize("stops", [1.0, 4.0])
def test_a_roll_off_raises_light_above_its_knee(stops: float) -> None:
    """Cineon keeps the Rec.709 primaries and is a plain logarithm, so the light follows from it."""

    def light(level: float) -> float:
        tone = Log(curve="cineon", rolloff=stops)
        black = 10 ** ((95 - 685) / 300)
        code = encoded(level, tone)[0] * 1023
        return float((10 ** ((code - 685) / 300) - black) / (1 - black))

    assert light(1) == pytest.approx(2**stops)
    assert light(KNEE - 0.01) == pytest.approx(KNEE - 0.01)
    slope = (light(KNEE + 1e-5) - light(KNEE - 1e-5)) / 2e-5
    assert slope == pytest.approx(1, abs=1e-3), "no kink at the knee"


def test_a_roll_off_keeps_the_hue() -> None:
    """A dark channel stays dark, and a channel of half the light of another keeps that ratio."""
    orange = np.array([1, 0.5 ** (1 / 2.4), 0])
    found = apply_tone(orange, Log(curve="cineon", rolloff=2), "bt709")
    plain = [encoded(level, Log(curve="cineon"))[0] for level in (4, 2, 0)]
    assert found == pytest.approx(plain)


@pytest.mark.parametrize("tone", TONES, ids=str)
@pytest.mark.parametrize("matrix", ["bt709", "smpte170m"])
def test_every_tone_has_an_inverse(tone: AnyTone, matrix: str) -> None:
    rgb = colours(2000).reshape(40, 50, 3)
    assert invert_tone(apply_tone(rgb, tone, matrix), tone, matrix) == pytest.approx(rgb, abs=1e-6)


def test_values_outside_the_display_range_have_an_inverse() -> None:
    rgb = np.array([[-0.05, 0.4, 1.1]])
    tone = Log(rolloff=2.0)
    assert invert_tone(apply_tone(rgb, tone, "bt709"), tone, "bt709") == pytest.approx(
        rgb, abs=1e-6
    )


def test_flat_equals_eq_in_luma_and_chroma() -> None:
    """Convert from Y'CbCr with the usual rounded factors of ITU-R BT.709."""

    def rgb(luma: np.ndarray, cb: np.ndarray, cr: np.ndarray) -> np.ndarray:
        y, b, r = (luma - 16) / 219, (cb - 128) / 224, (cr - 128) / 224
        return np.stack([y + 1.5748 * r, y - 0.1873 * b - 0.4681 * r, y + 1.8556 * b], axis=-1)

    luma, cb, cr = np.random.default_rng(3).integers(16, 236, (3, 500))
    expected = rgb(luma * 0.9 + 17, cb * 0.85 + 19, cr * 0.85 + 19)
    for tone in (Flat(), Eq(contrast=0.9, saturation=0.85, brightness=0.03)):
        assert apply_tone(rgb(luma, cb, cr), tone, "bt709") == pytest.approx(expected, abs=2e-4)


@pytest.mark.parametrize(
    ("tone", "gone"), [(Eq(contrast=0), "tones"), (Eq(saturation=0), "colours")]
)
def test_a_tone_that_removes_everything_has_no_inverse(tone: Eq, gone: str) -> None:
    with pytest.raises(ParameterError, match=f"removes all {gone}"):
        invert_tone(np.zeros(3), tone, "bt709")


def test_importing_colour_science_keeps_numpy_s_and_the_warnings_settings() -> None:
    program = (
        "import numpy as np, warnings, sys\n"
        "from workbench.look.curves import apply_tone\n"
        "from workbench.look.stages import Log\n"
        "assert 'colour' not in sys.modules, 'a second before anybody asked'\n"
        "before = np.get_printoptions(), list(warnings.filters)\n"
        "apply_tone(np.zeros(3), Log(), 'bt709')\n"
        "assert before == (np.get_printoptions(), list(warnings.filters))\n"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True)
    assert (done.returncode, done.stderr.decode()) == (0, "")


@pytest.mark.parametrize("tone", [*LOGS, NoTone(), Flat(), Eq(contrast=0.9, brightness=0.03)])
def test_black_is_within_the_black_limit_and_dark_grey_is_not(tone: AnyTone) -> None:
    black, nearly, dark = (
        64 + 876 * float(apply_tone(np.full(3, level), tone, "bt709") @ [0.2126, 0.7152, 0.0722])
        for level in (0, 0.1, 0.15)
    )
    limit = black_limit(tone)
    assert black < limit < dark
    assert limit == pytest.approx(nearly, abs=0.5)


def test_a_tone_without_black_has_the_usual_limit() -> None:
    for tone in (Eq(contrast=-1.0), Eq(contrast=0.0), Eq(brightness=1.0)):
        assert black_limit(tone) == black_limit(NoTone()) == 152
    assert black_limit(Eq(contrast=1000.0)) == 0, "all that is darker than mid grey is black"
