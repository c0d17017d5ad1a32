"""What a person may choose."""

from dataclasses import dataclass
from pathlib import Path

from .write import EXTERNAL_ABOVE

DTYPES = ("fp32", "fp16", "int8", "int4")


@dataclass
class Options:
    """`text`: weights of the text encoders, as `dtype` unless said; `split`: the transformer as head, body and tail;
    `vae`: graphs of the VAE for whole clips ("whole"), for clips piece by piece ("stream") or "both", where it has both;
    `max_text`: tokens of a prompt, as the pipeline has it unless said; `loras`: (folder or file, strength);
    `reuse`: packages whose graphs are taken over where they would come out the same."""

    dtype: str = "fp32"
    text: str | None = None
    split: bool = False
    vae: str = "both"
    loras: tuple[tuple[Path, float], ...] = ()
    max_text: int | None = None
    reuse: tuple[Path, ...] = ()
    external_above: int = EXTERNAL_ABOVE

    @property
    def text_dtype(self):
        return self.text or self.dtype
