"""Random timbres: drums and notes, no two kits alike.

Conventions: mono float64 at 22.05 kHz, peak 1; every sound draws its parameters from the generator that it is given.
"""

# ruff: noqa: D103, PLR2004 -- each drum is its own description, and its numbers are taste

import numpy as np
import numpy.typing as npt

F64 = npt.NDArray[np.float64]
Rng = np.random.Generator

SR = 22050


def peak(y: F64) -> F64:
    """Scale to a peak of 1."""
    return y / max(float(np.abs(y).max()), 1e-9)


def _envelope(n: int, attack: float, decay: float, curve: float = 1.0) -> F64:
    """Rise for ``attack`` seconds, then fall by 60 dB in ``decay`` seconds; both ends silent."""
    t = np.arange(n) / SR
    y = 10.0 ** (-3.0 * (np.maximum(t - attack, 0.0) / decay) ** curve)
    rise = max(2, round(attack * SR))
    y[:rise] *= np.linspace(0.0, 1.0, min(rise, n), endpoint=False)[: len(y[:rise])]
    edge = min(n, 64)
    y[n - edge :] *= np.linspace(1.0, 0.0, edge)
    return y


def band_noise(n: int, low: float, high: float, rng: Rng, *, order: float = 4.0) -> F64:
    """Noise between two frequencies, of peak 1."""
    size = 1 << (n - 1).bit_length()
    spectrum = np.fft.rfft(rng.normal(size=size))
    freqs = np.maximum(np.fft.rfftfreq(size, 1.0 / SR), 1.0)
    spectrum /= np.sqrt((1.0 + (low / freqs) ** order) * (1.0 + (freqs / high) ** order))
    return peak(np.fft.irfft(spectrum, size)[:n])


def _sweep(n: int, start: float, end: float, seconds: float) -> F64:
    t = np.arange(n) / SR
    return np.sin(2.0 * np.pi * (end * t + (start - end) * seconds * (1.0 - np.exp(-t / seconds))))


def _metal(n: int, low: float, high: float, rng: Rng, count: int = 6) -> F64:
    """Sum of inharmonic square-like partials, as in drum machines and cymbals."""
    t = np.arange(n) / SR
    y = np.zeros(n)
    for hz in rng.uniform(low, high, count):
        y += np.sign(np.sin(2.0 * np.pi * hz * t + rng.uniform(0, 6.28)))
    return peak(np.diff(y, prepend=0.0) + 0.2 * y)


def _u(rng: Rng, low: float, high: float) -> float:
    """Draw evenly on a logarithmic scale."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def kick(rng: Rng) -> F64:
    decay = _u(rng, 0.09, 0.9)
    n = round(min(decay, 0.7) * SR)
    body = _sweep(n, _u(rng, 110, 600), _u(rng, 38, 90), _u(rng, 0.008, 0.06)) * _envelope(n, 0.002, decay)
    click = band_noise(n, 300, _u(rng, 1500, 9000), rng) * _envelope(n, 0.0005, _u(rng, 0.008, 0.06))
    y = body + rng.choice([0.0, 0.1, 0.3, 0.8]) * click
    return peak(np.tanh(y * rng.choice([0.7, 2.0, 6.0])))


def snare(rng: Rng) -> F64:
    decay = _u(rng, 0.07, 0.6)
    n = round(min(decay, 0.5) * SR)
    tone = _sweep(n, _u(rng, 220, 500), _u(rng, 130, 260), 0.015) * _envelope(n, 0.001, _u(rng, 0.05, 0.3))
    rattle = band_noise(n, _u(rng, 200, 2500), _u(rng, 4000, 11000), rng) * _envelope(n, 0.001, decay)
    return peak(rng.uniform(0.0, 1.2) * tone + rng.uniform(0.3, 1.0) * rattle)


def clap(rng: Rng) -> F64:
    n = round(_u(rng, 0.12, 0.5) * SR)
    envelope = np.zeros(n)
    first = 0
    for _ in range(int(rng.integers(1, 5))):
        envelope[first:] += _envelope(n - first, 0.0005, 0.03)
        first += round(rng.uniform(0.006, 0.014) * SR)
    envelope[first:] += _envelope(n - first, 0.0005, _u(rng, 0.08, 0.4))
    return peak(band_noise(n, _u(rng, 500, 1400), _u(rng, 1800, 7000), rng) * envelope)


def _hat(rng: Rng, low: float, high: float) -> F64:
    decay = _u(rng, low, high)
    n = round(max(decay, 0.03) * SR)
    y = band_noise(n, _u(rng, 3000, 8000), 16000, rng)
    if rng.random() < 0.5:
        y = y + rng.uniform(0.2, 2.0) * _metal(n, 2500, 9000, rng)
    return peak(y * _envelope(n, 0.0007, decay, rng.uniform(0.6, 1.2)))


def hat(rng: Rng) -> F64:
    return _hat(rng, 0.02, 0.14)


def open_hat(rng: Rng) -> F64:
    return _hat(rng, 0.18, 0.9)


def ride(rng: Rng) -> F64:
    n = round(rng.uniform(0.5, 1.2) * SR)
    ping = np.sin(2.0 * np.pi * _u(rng, 900, 5000) * np.arange(n) / SR) * _envelope(n, 0.001, _u(rng, 0.05, 0.4))
    wash = band_noise(n, _u(rng, 2000, 5000), 15000, rng) + 0.4 * _metal(n, 1500, 8000, rng)
    return peak(ping * rng.uniform(0.2, 1.2) + 0.5 * wash * _envelope(n, 0.001, _u(rng, 0.5, 2.0)))


def shaker(rng: Rng) -> F64:
    attack, decay = _u(rng, 0.003, 0.04), _u(rng, 0.03, 0.12)
    n = round((attack + decay) * SR)
    return peak(band_noise(n, _u(rng, 2500, 6000), 13000, rng) * _envelope(n, attack, decay))


def tom(rng: Rng) -> F64:
    decay, base = _u(rng, 0.1, 0.7), _u(rng, 70, 300)
    n = round(min(decay, 0.6) * SR)
    y = _sweep(n, base * rng.uniform(1.1, 1.8), base, 0.03) * _envelope(n, 0.002, decay)
    return peak(y + rng.uniform(0.0, 0.3) * band_noise(n, 300, 6000, rng) * _envelope(n, 0.001, 0.04))


def conga(rng: Rng) -> F64:
    decay, base = _u(rng, 0.06, 0.35), _u(rng, 160, 700)
    n = round(decay * SR)
    y = np.sin(2.0 * np.pi * base * np.arange(n) / SR) * _envelope(n, 0.001, decay)
    return peak(y + rng.uniform(0.1, 0.7) * band_noise(n, 500, 5000, rng) * _envelope(n, 0.0005, 0.03))


def rim(rng: Rng) -> F64:
    n = round(_u(rng, 0.03, 0.15) * SR)
    y = np.sin(2.0 * np.pi * _u(rng, 350, 2500) * np.arange(n) / SR) * _envelope(n, 0.0005, n / SR)
    return peak(y + rng.uniform(0.0, 0.8) * band_noise(n, 900, 9000, rng) * _envelope(n, 0.0005, 0.015))


def cowbell(rng: Rng) -> F64:
    n = round(_u(rng, 0.08, 0.4) * SR)
    base, t = _u(rng, 400, 1100), np.arange(n) / SR
    y = np.sign(np.sin(2.0 * np.pi * base * t)) + np.sign(np.sin(2.0 * np.pi * base * rng.uniform(1.3, 1.6) * t))
    return peak(y * _envelope(n, 0.001, n / SR))


def perc(rng: Rng) -> F64:
    kinds = (conga, rim, tom, clap, shaker, cowbell)
    return kinds[int(rng.integers(len(kinds)))](rng)


def crash(rng: Rng) -> F64:
    n = round(rng.uniform(0.8, 2.0) * SR)
    return peak(band_noise(n, _u(rng, 800, 4000), 14000, rng) * _envelope(n, 0.002, _u(rng, 0.8, 2.5)))


DRUMS = {
    "kick": kick,
    "snare": snare,
    "clap": clap,
    "hat": hat,
    "open": open_hat,
    "ride": ride,
    "shaker": shaker,
    "tom": tom,
    "conga": conga,
    "rim": rim,
    "cowbell": cowbell,
    "perc": perc,
    "crash": crash,
}


class Voice:
    """A random instrument: harmonics, an envelope, some vibrato."""

    def __init__(self, rng: Rng, *, low: bool = False) -> None:
        self.rng = rng
        self.count = int(rng.choice([1, 3, 8, 16, 30]))
        self.slope = rng.uniform(0.6, 2.4)
        self.odd = rng.random() < 0.25
        self.stretch = float(rng.choice([0.0, 0.0, 0.0, 0.0, 0.01]))
        self.count = min(self.count, 6) if self.stretch else self.count
        self.held = rng.random() < 0.5
        self.attack = _u(rng, 0.002, 0.02) if rng.random() < 0.75 else _u(rng, 0.02, 0.15)
        self.decay = _u(rng, 0.15, 2.5)
        self.damping = rng.uniform(0.0, 0.6)
        self.vibrato = float(rng.choice([0.0, 0.0, 0.003, 0.008]))
        self.detune = float(rng.choice([0.0, 0.0, 0.004, 0.008])) * (not low)
        self.click = float(rng.choice([0.0, 0.0, 0.1, 0.4]))
        self.cache: dict[tuple[int, int], F64] = {}

    def note(self, midi: int, seconds: float) -> F64:
        """Give a note; its length is rounded to a fiftieth of a second."""
        key = (midi, max(3, round(seconds * 50)))
        if key not in self.cache:
            self.cache[key] = self._note(440.0 * 2.0 ** ((midi - 69) / 12.0), key[1] / 50)
        return self.cache[key]

    def _note(self, hz: float, seconds: float) -> F64:
        release = 0.03 if self.held else 0.0
        n = round((seconds + release) * SR)
        t = np.arange(n) / SR
        t = t + self.vibrato * np.sin(2.0 * np.pi * 5.5 * t) / 34.0
        y = np.zeros(n)
        for side in (1.0,) if self.detune == 0.0 else (1.0 - self.detune, 1.0 + self.detune):
            # Powers of one rotation are all harmonics, and all their envelopes.
            turn = np.exp(t * (2j * np.pi * hz * side - self.damping))
            partial = np.ones(n, np.complex128)
            for k in range(1, self.count + 1):
                if hz * side * k > 0.45 * SR:
                    break
                partial *= turn
                if self.odd and k % 2 == 0:
                    continue
                if self.stretch:
                    f = hz * side * k * np.sqrt(1.0 + self.stretch * k * k)
                    y += k**-self.slope * np.sin(2.0 * np.pi * f * t) * np.exp(-self.damping * k * t)
                else:
                    y += k**-self.slope * (partial * np.exp(1.7j * k)).imag
        if self.click:
            y += self.click * band_noise(n, 800, 6000, self.rng) * _envelope(n, 0.001, 0.02)
        if not self.held:
            return peak(y * _envelope(n, self.attack, self.decay))
        gate = np.minimum(np.arange(n) / max(self.attack * SR, 2.0), 1.0)
        fall = max(2, round(0.03 * SR))
        gate[-fall:] *= np.linspace(1.0, 0.0, fall)
        return peak(y * gate * (0.5 + 0.5 * np.exp(-t / self.decay)))


def reverb(y: F64, rng: Rng) -> F64:
    """Add a room: noise that dies away."""
    n = round(rng.uniform(0.15, 1.2) * SR)
    tail = rng.normal(size=n) * 10.0 ** (-3.0 * np.arange(n) / n)
    size = 1 << (len(y) + n - 1).bit_length()
    wet = np.fft.irfft(np.fft.rfft(y, size) * np.fft.rfft(tail, size), size)[: len(y)]
    return y + rng.uniform(0.05, 0.5) * wet * np.sqrt(np.square(y).mean() / max(np.square(wet).mean(), 1e-12))


def echo(y: F64, delay: float, rng: Rng) -> F64:
    """Add four repetitions, each softer."""
    out, shift, gain = y.copy(), round(delay * SR), rng.uniform(0.2, 0.6)
    for k in range(1, 5):
        if k * shift < len(y):
            out[k * shift :] += gain**k * y[: -k * shift]
    return out


def colour(y: F64, rng: Rng) -> npt.NDArray[np.float32]:
    """Treat the whole as recordings are treated."""
    y = peak(y)
    if rng.random() < 0.25:
        y = reverb(y, rng)
    if rng.random() < 0.3:
        size = 1 << len(y).bit_length()
        freqs = np.maximum(np.fft.rfftfreq(size, 1.0 / SR), 1.0)
        low, high = (0.0, np.exp(rng.uniform(6.2, 9.0))) if rng.random() < 0.6 else (np.exp(rng.uniform(4.6, 7.5)), 1e6)
        slope = np.sqrt((1.0 + (low / freqs) ** 4) * (1.0 + (freqs / high) ** 4))
        y = np.fft.irfft(np.fft.rfft(y, size) / slope, size)[: len(y)]
        y = peak(y)
    if rng.random() < 0.35:
        y = np.tanh(y * rng.uniform(1.0, 6.0))
    if rng.random() < 0.3:
        y = y + rng.normal(0.0, 10.0 ** rng.uniform(-4.5, -1.7), len(y))
    return np.asarray(y, dtype=np.float32)
