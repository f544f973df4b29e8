"""Learns the convolutional network of `samplemind_worker/dsp/convolution.py` with PyTorch.

Method: mixtures of two sounds with labels in the same proportion (Zhang et al., "mixup", 2018), bands and columns left
out (Park et al., "SpecAugment", 2019), and what recordings differ in: tilted spectra, a missing top, noise, tuning.
"""

# ruff: noqa: PLR2004 -- the shares and ranges of random draws explain themselves where they stand
# PyTorch is needed here alone, and is no dependency of the project.

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from torch.nn import functional

from samplemind_worker.dsp.convolution import LIMIT, scaled

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]

_COLUMNS, _BANDS, _LAST_BANDS = 24, 40, 5
_UNITS, _WIDTHS, _HIDDEN = (48, 64, 64), (5, 3, 3), 128
_BATCH, _EPOCHS, _RATE, _DECAY, _DROPPED = 256, 10, 3e-3, 1e-2, 0.3
_NOISE, _SMOOTHED, _MIXED = 0.5, 0.05, 0.3
_FLOOR, _HIDDEN_LEVEL = -60.0, -45.0


class Picture(nn.Module):
    """The network as it learns; `dsp.convolution.ConvolutionalNetwork` is the same in NumPy."""

    def __init__(self, measures: int, outputs: int) -> None:
        super().__init__()
        inputs = (_COLUMNS, *_UNITS[:-1])
        self.layers = nn.ModuleList(
            nn.Conv1d(a, b, width, padding=width // 2) for a, b, width in zip(inputs, _UNITS, _WIDTHS, strict=True)
        )
        self.join = nn.Linear(_UNITS[-1] * _LAST_BANDS + measures, _HIDDEN)
        self.out = nn.Linear(_HIDDEN, outputs)
        self.drop = nn.Dropout(_DROPPED)

    def forward(self, pictures: Any, rows: Any) -> Any:
        """Give the logits of scaled pictures (n, columns, bands) and scaled rows."""
        x = pictures
        for layer in self.layers:
            x = functional.max_pool1d(functional.relu(layer(x)), 2)
        x = torch.cat([x.transpose(1, 2).flatten(1), rows], 1)
        return self.out(self.drop(functional.relu(self.join(self.drop(x)))))


class Learned:
    """A network that has learned, and how it scales its measures."""

    def __init__(self, net: Picture, centre: F32, scale: F32) -> None:
        self.net, self.centre, self.scale = net, centre, scale

    def logits(self, pictures: npt.NDArray[Any], rows: F32) -> F64:
        """Give the logits (n, k)."""
        out: list[F64] = []
        with torch.no_grad():
            for first in range(0, len(rows), 2048):
                part = slice(first, first + 2048)
                seen = torch.from_numpy(scaled(pictures[part].astype(np.float32))).transpose(1, 2)
                measures = torch.from_numpy(((rows[part] - self.centre) * self.scale).clip(-LIMIT, LIMIT))
                out.append(self.net(seen, measures).double().numpy())
        return np.concatenate(out)

    def to_arrays(self, part: str, *, divisor: float = 1.0) -> dict[str, npt.NDArray[np.float16]]:
        """Give the arrays of the network for its file, its logits divided by the temperature."""
        arrays: dict[str, Any] = {"centre": self.centre, "scale": self.scale}
        for k, layer in enumerate(self.net.layers):
            weights = layer.weight.detach().permute(2, 1, 0)  # type: ignore[operator]
            arrays |= {f"weights{k}": weights.flatten(0, 1).numpy(), f"bias{k}": layer.bias.detach().numpy()}  # type: ignore[union-attr]
        arrays |= {"join": self.net.join.weight.detach().numpy().T, "join_bias": self.net.join.bias.detach().numpy()}
        out, bias = self.net.out.weight.detach().numpy().T, self.net.out.bias.detach().numpy()
        arrays |= {"out": out / divisor, "out_bias": bias / divisor}
        return {f"{part}_{name}": np.ascontiguousarray(array, np.float16) for name, array in arrays.items()}


def _treated(x: Any, draw: torch.Generator) -> Any:
    """Treat pictures (n, columns, bands) in dB at random."""
    count = len(x)

    def uniform(*shape: int) -> Any:
        return torch.rand(*shape, generator=draw)

    def normal(*shape: int) -> Any:
        return torch.randn(*shape, generator=draw)

    place = torch.linspace(-1.0, 1.0, _BANDS)
    bump = torch.exp(-(((place - (2.0 * uniform(count, 1) - 1.0)) / (0.15 + 0.5 * uniform(count, 1))) ** 2))
    gain = (4.0 * normal(count, 1) * place + 3.0 * normal(count, 1) * bump) * (uniform(count, 1) < 0.6)
    x = x + gain[:, None, :]
    moved = torch.where(uniform(count) < 0.3, torch.sign(normal(count)), torch.zeros(count)).long()
    source = (torch.arange(_BANDS)[None] + moved[:, None]).clamp(0, _BANDS - 1)
    x = torch.gather(x, 2, source[:, None, :].expand(-1, _COLUMNS, -1))
    top = torch.where(uniform(count) < 0.15, 22.0 + 18.0 * uniform(count), torch.full((count,), 99.0))
    x = torch.where(torch.arange(_BANDS)[None, None] > top[:, None, None], torch.full_like(x, _FLOOR), x)
    level = torch.where(uniform(count) < 0.3, 40.0 * uniform(count) - 70.0, torch.full((count,), -90.0))
    noise = level[:, None] + 5.0 * normal(count, 1) * place
    x = 10.0 * torch.log10(10.0 ** (0.1 * x) + 10.0 ** (0.1 * noise[:, None, :]))
    x = x - x.amax((1, 2), keepdim=True)
    floor = _FLOOR + torch.where(uniform(count) < 0.5, 15.0 * uniform(count), torch.zeros(count))
    x = torch.maximum(x, floor[:, None, None])
    x = torch.where(_stretch(count, _BANDS, 5, 0.4, draw)[:, None, :], torch.full_like(x, _HIDDEN_LEVEL), x)
    return torch.where(_stretch(count, _COLUMNS, 3, 0.3, draw)[:, :, None], torch.full_like(x, _HIDDEN_LEVEL), x)


def _stretch(count: int, size: int, widest: int, share: float, draw: torch.Generator) -> Any:
    """Mark a stretch of up to ``widest`` - 1 places in some of the rows: (count, size)."""
    first = (torch.rand(count, generator=draw) * size).long()
    width = (torch.rand(count, generator=draw) * widest).long() * (torch.rand(count, generator=draw) < share)
    place = torch.arange(size)[None]
    return (place >= first[:, None]) & (place < (first + width)[:, None])


def fit(
    pictures: npt.NDArray[Any], rows: F32, right: npt.NDArray[np.int64], *, outputs: int, weight: F64, seed: int = 0
) -> Learned:
    """Learn from pictures (n, bands, columns) in dB, rows of measures and classes; draw them as ``weight`` says."""
    torch.manual_seed(seed)
    draw, rng = torch.Generator().manual_seed(seed), np.random.default_rng(seed)
    centre, scale = rows.mean(axis=0), 1.0 / (rows.std(axis=0) + 1e-3)
    seen = torch.from_numpy(pictures.astype(np.float32)).transpose(1, 2).contiguous()
    measures = torch.from_numpy(((rows - centre) * scale).clip(-LIMIT, LIMIT).astype(np.float32))
    wanted = functional.one_hot(torch.from_numpy(right), outputs).float() * (1.0 - _SMOOTHED) + _SMOOTHED / outputs
    net = Picture(rows.shape[1], outputs)
    steps, share = _EPOCHS * len(rows) // _BATCH, weight / weight.sum()
    optimizer = torch.optim.AdamW(net.parameters(), lr=_RATE, weight_decay=_DECAY)
    rates = torch.optim.lr_scheduler.OneCycleLR(optimizer, _RATE, total_steps=steps, pct_start=0.15)
    net.train()
    for _ in range(steps):
        chosen = torch.from_numpy(rng.choice(len(rows), _BATCH, p=share))
        x = torch.from_numpy(scaled(_treated(seen[chosen], draw).numpy()))
        r = measures[chosen] + _NOISE * torch.randn(_BATCH, rows.shape[1], generator=draw)
        y = wanted[chosen]
        part = torch.from_numpy(rng.beta(_MIXED, _MIXED, _BATCH).astype(np.float32))
        part, other = torch.maximum(part, 1.0 - part), torch.randperm(_BATCH, generator=draw)
        x = part[:, None, None] * x + (1.0 - part)[:, None, None] * x[other]
        r, y = (part[:, None] * a + (1.0 - part)[:, None] * a[other] for a in (r, y))
        loss = -(y * functional.log_softmax(net(x, r), 1)).sum(1).mean()
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
        rates.step()
    net.eval()
    return Learned(net, centre.astype(np.float32), scale.astype(np.float32))
