"""Speech prompts of the Asterisk telephone system as spectrograms; the class is the language (one voice each).

Every whole second of every 8 kHz recording is one 32x32 image: time to the right, pitch upwards on the mel
scale, bright is loud, 60 dB deep. Silent seconds are left out. The split is by recording.
"""

import io
import wave
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from lin_ft.data.archive import Archive
from lin_ft.data.packaged import Example, PackagedDataset, split_by_hash
from lin_ft.data.unpack import members

_RATE, _SIZE, _WINDOW, _DEPTH = 8000, 32, 512, 60.0
_LANGUAGES = {
    "en": ("2be3ea287d83299d143815fa804f11179a75b7affd4a758b98b55f5afc18a35d", 18272864),
    "es": ("9283a09a6d56fccdcc2bcfe86c48f0f844289cfbd46a3184d8785a6f7f569903", 23767256),
    "fr": ("8d4e1bc32ed5ba7fbda40841ca1825ed20cc6232724a473c90f8bb0e53e6073e", 18516060),
    "it": ("5a26638089e134b8ac39363fe249c5c93c50cd8bfdc9b2499ae61ec4a35e2fcb", 18262124),
    "ru": ("ccbfaebfa450b7a9ddf644ae0f3d1e9017d5df7c0aebe816e946345589d38201", 18788860),
}


def mel_filters() -> np.ndarray:
    """Triangular filters evenly spaced in mel = 2595 log10(1 + Hz/700), shape (32 bands, 257 frequencies)."""
    top = 2595 * np.log10(1 + _RATE / 2 / 700)
    hertz = 700 * (10 ** (np.linspace(0, top, _SIZE + 2) / 2595) - 1)
    frequencies = np.linspace(0, _RATE / 2, _WINDOW // 2 + 1)
    low, centre, high = hertz[:-2, None], hertz[1:-1, None], hertz[2:, None]
    # A band narrower than the frequency grid still gets its nearest bins: widen it to one bin on each side.
    bin_width = _RATE / _WINDOW
    low, high = np.minimum(low, centre - bin_width), np.maximum(high, centre + bin_width)
    return np.maximum(0, np.minimum((frequencies - low) / (centre - low), (high - frequencies) / (high - centre)))


_FILTERS = mel_filters()


def spectrogram(second: np.ndarray) -> np.ndarray:
    """8,000 samples in [-1, 1] -> 32x32 uint8 log-mel image, the loudest cell white."""
    padded = np.pad(second, (_WINDOW - _RATE // _SIZE) // 2, mode="reflect")
    starts = np.arange(_SIZE) * (_RATE // _SIZE)
    frames = padded[starts[:, None] + np.arange(_WINDOW)] * np.hanning(_WINDOW)
    power = np.abs(np.fft.rfft(frames)) ** 2 @ _FILTERS.T
    decibel = 10 * np.log10(np.maximum(power, 1e-10))
    image = 1 + (decibel - decibel.max()) / _DEPTH
    return np.rint(255 * np.clip(image.T[::-1], 0, 1)).astype(np.uint8)


def _examples(paths: Sequence[Path]) -> Iterator[Example]:
    for label, (language, path) in enumerate(zip(_LANGUAGES, paths, strict=True)):
        for name, content in members(path, lambda name: name.endswith(".wav") and "/silence/" not in name):
            recording = f"{language}/{name.split('/', 5)[-1]}"
            with wave.open(io.BytesIO(content)) as file:
                samples = np.frombuffer(file.readframes(file.getnframes()), "<i2") / 32768
            for second in samples[: len(samples) // _RATE * _RATE].reshape(-1, _RATE):
                if second.std() > 0.005:
                    yield Example(spectrogram(second), label, split_by_hash(recording), recording)


DATASET = PackagedDataset(
    name="speech_spectrograms",
    version="1.0.0",
    domain="spectrograms of speech",
    title="Language of a spoken second (Asterisk core sounds)",
    licence="CC BY-SA 3.0 / CC BY 3.0",
    kind="source",
    class_names=("English", "Spanish", "French", "Italian", "Russian"),
    archives=tuple(
        Archive(
            "apt",
            f"asterisk-core-sounds-{language}-wav",
            "1.6.1-1",
            f"asterisk-core-sounds-{language}-wav_1.6.1-1_all.deb",
            sha256,
            size,
        )
        for language, (sha256, size) in _LANGUAGES.items()
    ),
    examples=_examples,
)
