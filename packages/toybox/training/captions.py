"""Captions of the world, and the tokenizer trained on them.

The canonical wording, "a small red circle moves right on a navy background", is the one evaluated.
Training mixes in other words for the same things, captions that leave attributes unsaid, and a few
sentences about other things, so that odd prompts give some clip of the world instead of noise.
"""

import numpy as np
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

from world import BACKGROUND_NAMES, COLOUR_NAMES, MOTIONS, SHAPES, SIZES, is_held_out, CIRCLE, SPINS

#: Order of the columns of an attribute row. An index equal to the count means "not said".
ATTRIBUTES = ("colour", "shape", "size", "motion", "background")
WORDS = (COLOUR_NAMES, SHAPES, SIZES, MOTIONS, BACKGROUND_NAMES)
COUNTS = tuple(len(words) for words in WORDS)

SYNONYMS = {
    "small": ("small", "little", "tiny"), "large": ("large", "big", "huge"),
    "circle": ("circle", "ball", "disc", "dot"), "square": ("square", "box", "block"), "triangle": ("triangle",),
    "gray": ("gray", "grey"), "navy": ("navy", "dark blue"), "sand": ("sand", "beige", "sandy"),
    "moves right": ("moves right", "moves to the right", "moving right", "slides right", "is moving to the right", "travels from left to right"),
    "moves left": ("moves left", "moves to the left", "moving left", "slides left", "is moving to the left", "travels from right to left"),
    "moves up": ("moves up", "moves upwards", "moving up", "rises", "is moving up", "goes up"),
    "moves down": ("moves down", "moves downwards", "moving down", "sinks", "is moving down", "goes down"),
    "bounces": ("bounces", "is bouncing", "bouncing", "jumps up and down", "bounces up and down"),
    "spins": ("spins", "is spinning", "spinning", "rotates", "turns around"),
    "stays still": ("stays still", "is still", "does not move", "stands still", "rests"),
}
GROUNDS = ("on a {} background", "on a {} background", "on {}", "over a {} background", "in front of a {} background", ", {} background")
OTHER_WORDS = ("cat dog man woman city forest river mountain car train walks runs sings video photo of the in with and a an "
               "beautiful cinematic slow blurry low quality worst noise text watermark sky sea light dark night sun 4k style").split()

MAX_LENGTH = 64
PAD, BEGIN, END, MASK = 0, 1, 2, 3


def attributes_of(scenes):
    """Scenes -> int64 [B, 5] attribute rows."""
    return np.stack([scenes[name] for name in ATTRIBUTES], axis=1)


def canonical(attributes):
    """The canonical caption of an attribute row, all attributes said."""
    colour, shape, size, motion, background = (words[i] for words, i in zip(WORDS, attributes))
    return f"a {size} {colour} {shape} {motion} on a {background} background"


def random_attributes(rng):
    while True:
        row = [int(rng.integers(count)) for count in COUNTS]
        if row[1] == CIRCLE and row[3] == SPINS or is_held_out(row[0], row[1], row[3]):
            continue
        return row


def random_caption(rng, attributes, canonical_share=0.4, other_share=0.03):
    """(caption, what it says): one of the wordings, with the attribute row where unsaid parts hold their count."""
    if rng.random() < canonical_share:
        return canonical(attributes), list(attributes)
    if rng.random() < other_share:
        return " ".join(rng.choice(OTHER_WORDS, rng.integers(0, 9))), list(COUNTS)
    said = list(attributes)
    for column, share in enumerate((0.08, 0.05, 0.2, 0.1, 0.15)):
        if rng.random() < share:
            said[column] = COUNTS[column]

    def word(column):
        if said[column] == COUNTS[column]:
            return ""
        name = WORDS[column][said[column]]
        return str(rng.choice(SYNONYMS.get(name, (name,))))

    noun = word(1) or str(rng.choice(("shape", "object", "thing")))
    ground = word(4)
    parts = [word(2), word(0), noun, word(3), str(rng.choice(GROUNDS)).format(ground) if ground else ""]
    sentence = " ".join(part for part in parts if part).replace(" ,", ",")
    if rng.random() < 0.85:
        sentence = ("an " if sentence[0] in "aeiou" else "a ") + sentence
    if rng.random() < 0.15:
        sentence = "a video of " + sentence
    if rng.random() < 0.2:
        sentence += "."
    return sentence, said


def vocabulary():
    """What a prompt can say: the names of each topic, and every word of every wording that was trained."""
    topics = {name: list(words) for name, words in zip(ATTRIBUTES, WORDS)}
    phrases = [*GROUNDS, "a", "an", "the", "a video of", "shape", "object", "thing"]
    for words in WORDS:
        for name in words:
            phrases += [name, *SYNONYMS.get(name, ())]
    return {"topics": topics, "words": sorted({word for phrase in phrases for word in phrase.replace("{}", "").replace(",", "").split()})}


def train_tokenizer(path, vocabulary=640, seed=7):
    """Byte-level BPE (any text has tokens) over captions; saved in the format of Hugging Face tokenizers."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    tokenizer.decoder = decoders.ByteLevel()
    rng = np.random.default_rng(seed)
    sentences = [random_caption(rng, random_attributes(rng), canonical_share=0.1)[0] for _ in range(8000)]
    trainer = trainers.BpeTrainer(vocab_size=vocabulary, special_tokens=["<pad>", "<s>", "</s>", "<mask>"], show_progress=False,
                                  initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    tokenizer.train_from_iterator(sentences, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A </s>", special_tokens=[("<s>", BEGIN), ("</s>", END)])
    tokenizer.enable_truncation(MAX_LENGTH)
    tokenizer.save(str(path))
    return tokenizer


def load_tokenizer(path):
    return Tokenizer.from_file(str(path))


def encode(tokenizer, sentences, length=None):
    """Sentences -> (input_ids, attention_mask), int64 [B, L], padded on the right to the longest, or to (and cut at) `length`."""
    rows = [encoding.ids[:length] for encoding in tokenizer.encode_batch(list(sentences))]
    length = length or max(map(len, rows))
    ids = np.array([row + [PAD] * (length - len(row)) for row in rows], dtype=np.int64)
    mask = np.array([[1] * len(row) + [0] * (length - len(row)) for row in rows], dtype=np.int64)
    return ids, mask
