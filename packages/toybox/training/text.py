"""The text encoder: a small bidirectional transformer, pretrained on what captions say and then frozen.

Every sentence begins with four slot tokens (`captions.SLOTS`). Pretraining makes the encoder write there
what it read: the scene's facts into the first, those of each shape, in the order they are named, into the
others. So the denoiser need not spend its time learning to read, nor which colour goes with which shape.
Masked words are filled in as well, so that the vectors of the words mean something too.
"""

import math
from dataclasses import asdict, dataclass

import torch
import torch.nn.functional as F
from torch import nn

import captions


@dataclass
class TextConfig:
    vocabulary: int = 640
    width: int = 128
    layers: int = 3
    heads: int = 4


def sinusoids(positions, width, longest=10_000.0):
    """Sine and cosine features [..., width] of positions (arXiv:1706.03762, 3.5)."""
    rates = torch.exp(torch.arange(width // 2, device=positions.device) * (-math.log(longest) / (width // 2)))
    angles = positions[..., None].float() * rates
    return torch.cat([angles.sin(), angles.cos()], dim=-1)


class TextBlock(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x, bias):
        b, l, d = x.shape
        q, k, v = self.qkv(self.norm1(x)).reshape(b, l, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4).unbind(0)
        weights = (q @ k.transpose(-1, -2) * (d // self.heads) ** -0.5 + bias).softmax(-1)
        x = x + self.out((weights @ v).transpose(1, 2).reshape(b, l, d))
        return x + self.down(F.gelu(self.up(self.norm2(x)), approximate="tanh"))


class TextEncoder(nn.Module):
    """input_ids, attention_mask int64 [B, L] -> last_hidden_state float32 [B, L, D]."""

    def __init__(self, config=None):
        super().__init__()
        self.config = config or TextConfig()
        self.embedding = nn.Embedding(self.config.vocabulary, self.config.width)
        self.blocks = nn.ModuleList(TextBlock(self.config.width, self.config.heads) for _ in range(self.config.layers))
        self.norm = nn.LayerNorm(self.config.width)
        nn.init.normal_(self.embedding.weight, std=0.5)

    def forward(self, input_ids, attention_mask):
        positions = torch.arange(input_ids.shape[1], device=input_ids.device)
        x = self.embedding(input_ids) + sinusoids(positions, self.config.width)
        bias = (1.0 - attention_mask[:, None, None, :].float()) * -1e4
        for block in self.blocks:
            x = block(x, bias)
        return self.norm(x)


def slots(hidden):
    """What the encoder wrote at the slot tokens, end to end: [B, L, D] -> [B, 4 D]."""
    return hidden[:, 1 : 1 + len(captions.SLOTS)].flatten(1)


class Heads(nn.Module):
    """Read-outs for pretraining only: each slot says its own facts."""

    def __init__(self, config):
        super().__init__()
        self.scene_columns, self.shape_columns = len(captions.SCENE_FACTS), len(captions.SHAPE_FACTS)
        self.facts = nn.ModuleList(nn.Linear(config.width, count + 1) for count in captions.COUNTS)
        self.words = nn.Linear(config.width, config.vocabulary)

    def forward(self, hidden):
        """Logits of every fact, in the order of captions.COUNTS."""
        place = lambda column: 1 if column < self.scene_columns else 2 + (column - self.scene_columns) // self.shape_columns
        return [head(hidden[:, place(column)]) for column, head in enumerate(self.facts)]


def pretraining_loss(encoder, heads, tokenizer, batch, device):
    """`batch`: (caption, its facts) pairs. Facts for the first three quarters, masked words for the rest. Also the share of captions read without a fault."""
    ids, mask = (torch.from_numpy(a).to(device) for a in captions.encode(tokenizer, [caption for caption, _ in batch]))
    read = len(batch) * 3 // 4
    hide = (torch.rand(ids.shape, device=device) < 0.15) & (mask == 1) & (ids > captions.MASK + len(captions.SLOTS))
    hide[:read] = False
    hidden = encoder(torch.where(hide, captions.MASK, ids), mask)
    facts = torch.tensor([facts for _, facts in batch[:read]], device=device)
    logits = heads(hidden[:read])
    loss = sum(F.cross_entropy(logit, facts[:, column]) for column, logit in enumerate(logits))
    right = torch.stack([logit.argmax(-1) == facts[:, column] for column, logit in enumerate(logits)])
    return loss + 0.5 * F.cross_entropy(heads.words(hidden[hide]), ids[hide]), float(right.all(0).float().mean())


def save(encoder, path):
    torch.save({"config": asdict(encoder.config), "state": encoder.state_dict()}, path)


def load(path, device="cpu"):
    saved = torch.load(path, map_location=device, weights_only=True)
    encoder = TextEncoder(TextConfig(**saved["config"])).to(device)
    encoder.load_state_dict(saved["state"])
    return encoder.eval().requires_grad_(False)
