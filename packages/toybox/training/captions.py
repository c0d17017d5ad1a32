"""Captions of scenes, and the tokenizer trained on them.

`canonical` is the wording that is evaluated, the same in `src/world/captions.ts`. Training mixes in
other words for the same things, short and long captions, captions that leave something unsaid, and a
few sentences about other things, so that odd prompts give some clip of the world instead of noise.
Beside its text every caption has its facts: what it says, as class numbers, for the text encoder to learn.
"""

import numpy as np
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

import world

COLOURS, SHAPES = tuple(world.COLOURS), (*world.SHAPES, "box")
MOTIONS = (*world.MOTIONS, "collides")
#: What facts are about: one row of classes for the scene and one for each of three shapes.
SCENE_FACTS = {"kind": tuple(world.KINDS), "background": world.BACKGROUNDS, "style": world.STYLES, "camera": world.CAMERAS,
               "relation": (*world.RELATIONS, "right", "below")}
SHAPE_FACTS = {"shape": SHAPES, "colour": COLOURS, "size": world.SIZES, "motion": MOTIONS, "other colour": COLOURS,
               "order": ("turn move", "move turn", "move move"), "second move": world.STRAIGHT, "change": ("bite", "paint")}
#: Classes of each column of the four rows, laid end to end; the class after the last name means "not said".
COUNTS = tuple(len(names) for names in (*SCENE_FACTS.values(), *(3 * [*SHAPE_FACTS.values()])))

SYNONYMS = {
    "small": ("small", "little", "tiny"), "medium": ("medium", "medium-sized", "mid-size"), "large": ("large", "big", "huge"),
    "circle": ("circle", "ball", "disc", "dot"), "square": ("square", "block"), "ring": ("ring", "hoop", "donut"),
    "box": ("box", "cuboid", "crate"), "gray": ("gray", "grey"), "navy": ("navy", "dark blue"), "sand": ("sand", "beige"),
    "moves right": ("moves right", "moves to the right", "slides right", "is moving to the right", "travels from left to right", "drifts right"),
    "moves left": ("moves left", "moves to the left", "slides left", "is moving to the left", "travels from right to left", "drifts left"),
    "moves up": ("moves up", "moves upwards", "rises", "is moving up", "goes up"),
    "moves down": ("moves down", "moves downwards", "sinks", "is moving down", "goes down"),
    "bounces": ("bounces", "falls and bounces", "is bouncing", "drops and bounces"),
    "spins": ("spins", "is spinning", "rotates", "turns around"),
    "stays still": ("stays still", "is still", "does not move", "stands still", "rests"),
    "rolls right": ("rolls right", "rolls to the right", "tumbles right"), "rolls left": ("rolls left", "rolls to the left", "tumbles left"),
    "orbits": ("orbits", "moves in a circle", "circles around", "goes round and round"),
    "swings": ("swings", "swings from side to side", "moves back and forth", "sways left and right"),
    "grows": ("grows", "gets bigger", "becomes larger", "expands"), "shrinks": ("shrinks", "gets smaller", "becomes smaller"),
    "leaves to the right and comes back": ("leaves to the right and comes back", "goes out of the frame on the right and returns"),
    "leaves to the left and comes back": ("leaves to the left and comes back", "goes out of the frame on the left and returns"),
    "collide": ("collide", "bump into each other", "meet and bounce off each other"),
    "wall": ("wall", "brown wall", "pillar"),
    "gets a bite taken out of it": ("gets a bite taken out of it", "is bitten", "loses a bite"),
    "paints": ("paints", "draws", "leaves behind"),
    "turns": ("turns", "becomes", "changes to"),
}
for _name in world.MOTIONS:
    if " and to the " in _name:
        SYNONYMS[_name] = (_name, _name.replace("moves", "is moving"), _name.replace("moves", "slides"), _name.replace(" and to the ", " and "))
GROUNDS = ("on a {} background", "on a {} background", "over a {} background", "in front of a {} background", ", {} background", "on {}")
OPENINGS = ("a video of ", "a clip of ", "video: ", "")
STYLE_WORDS = {"outline": ("in outline style", "as an outline", "line art"), "watercolour": ("in watercolour style", "in watercolor", "as a watercolour"),
               "neon": ("in neon style", "in glowing neon", "neon"), "pencil": ("in pencil style", "drawn in pencil", "pencil drawing")}
CAMERA_WORDS = {
    "pans left": ("the camera pans left", "the camera moves to the left", "camera pan left"),
    "pans right": ("the camera pans right", "the camera moves to the right", "camera pan right"),
    "zooms in": ("the camera zooms in", "zooming in", "camera zoom in"),
    "zooms out": ("the camera zooms out", "zooming out", "camera zoom out"),
    "orbits left": ("the camera orbits left", "the camera circles to the left"),
    "orbits right": ("the camera orbits right", "the camera circles to the right"),
}
OTHER_WORDS = ("cat dog man woman city forest river mountain car train walks runs sings video photo of the in with and a an "
               "beautiful cinematic slow blurry low quality worst noise text watermark sky sea light dark night sun 4k style").split()

MAX_LENGTH = 80
PAD, BEGIN, END, MASK = 0, 1, 2, 3
#: Places that every sentence begins with, after BEGIN; there the encoder writes what it read, see text.py.
SLOTS = ("<scene>", "<first>", "<second>", "<third>")


def ground_of(background):
    """The canonical words for a background."""
    if background in world.TONES:
        return f"on a {background} background"
    return f"on a {background} gradient" if background in world.GRADIENTS else f"on a {background} floor"


def event_of(event):
    return f"turns {event['colour']}" if event["what"] == "turn" else f"moves {event['direction']}"


def noun_of(body):
    words = " ".join(word for word in (body["size"], body["colour"], body["shape"]) if word)
    return ("an " if words[0] in "aeiou" else "a ") + words


def canonical(scene):
    """The canonical caption: everything the scene is made of, in one order, flat style and a still camera unsaid."""
    bodies, kind = scene["objects"], scene["kind"]
    nouns = [noun_of(body) for body in bodies]
    if kind == "single":
        said = f"{nouns[0]} {bodies[0]['motion']}"
    elif kind in ("pair", "camera") and len(bodies) == 2:
        if all(body["motion"] == "stays still" for body in bodies):
            said = f"{nouns[0]} {'to the left of' if scene['relation'] == 'left' else 'above'} {nouns[1]}"
        else:
            places = ("on the left", "on the right") if scene["relation"] == "left" else ("at the top", "at the bottom")
            said = f"{nouns[0]} {bodies[0]['motion']} {places[0]} and {nouns[1]} {bodies[1]['motion']} {places[1]}"
    elif kind == "camera":
        said = nouns[0]
    elif kind == "trio":
        said = f"{nouns[0]}, {nouns[1]} and {nouns[2]} from left to right"
    elif kind == "events":
        said = f"{nouns[0]} {event_of(bodies[0]['events'][0])}, then {event_of(bodies[0]['events'][1])}"
    elif kind == "wall":
        said = f"{nouns[0]} {bodies[0]['motion']} behind a wall"
    elif kind == "bite":
        moves = "" if bodies[0]["motion"] == "stays still" else f"{bodies[0]['motion']} and "
        said = f"{nouns[0]} {moves}gets a bite taken out of it"
    elif kind == "paint":
        said = f"{nouns[0]} {bodies[0]['motion']} and paints a{'n' if bodies[0]['paint'][0] in 'aeiou' else ''} {bodies[0]['paint']} line"
    elif kind == "collide":
        said = f"{nouns[0]} and {nouns[1]} collide"
    else:
        said = f"a{'n' if scene['box']['colour'][0] in 'aeiou' else ''} {scene['box']['colour']} box"
    if scene["style"] != "pencil":
        said += " " + ground_of(scene["background"])
    if scene["style"] != "flat":
        said += f", in {scene['style']} style"
    if scene["camera"] != "still":
        said += f", the camera {scene['camera']}"
    return said


def facts_of(scene):
    """Everything a scene is, as two kinds of dicts: (scene facts, [shape facts])."""
    about = {"kind": scene["kind"], "background": scene["background"] if scene["style"] != "pencil" else None, "style": scene["style"],
             "camera": scene["camera"], "relation": scene["relation"]}
    shapes = []
    for body in scene["objects"]:
        facts = {"shape": body["shape"], "colour": body["colour"], "size": body["size"], "motion": body["motion"]}
        if "events" in body:
            moves = [event["direction"] for event in body["events"] if event["what"] == "move"]
            turned = [event["colour"] for event in body["events"] if event["what"] == "turn"]
            facts.update({"motion": f"moves {moves[0]}", "order": " ".join(event["what"] for event in body["events"])})
            facts["second move"] = moves[1] if len(moves) > 1 else None
            facts["other colour"] = turned[0] if turned else None
        if "bite" in body:
            facts["change"] = "bite"
        if "paint" in body:
            facts.update({"change": "paint", "other colour": body["paint"]})
        shapes.append(facts)
    if scene["box"]:
        shapes.append({"shape": "box", "colour": scene["box"]["colour"]})
    return about, shapes


def _row(about, shapes):
    """Class numbers in the order of COUNTS."""
    number = lambda names, value: names.index(value) if value is not None else len(names)
    row = [number(names, about.get(name)) for name, names in SCENE_FACTS.items()]
    for i in range(3):
        facts = shapes[i] if i < len(shapes) else {}
        row += [number(names, facts.get(name)) for name, names in SHAPE_FACTS.items()]
    return row


def is_swapped(row):
    """Whether a caption names the shapes the other way round than its scene lists them."""
    return row[list(SCENE_FACTS).index("relation")] in (2, 3)


NOTHING_SAID = _row({}, [])


class Wording:
    """One way of saying a scene: `rng` (random.Random) chooses the words and what is left out."""

    def __init__(self, rng, scene):
        self.rng, self.scene = rng, scene
        self.about, self.shapes = facts_of(scene)

    def other(self, name):
        words = SYNONYMS.get(name)
        return self.rng.choice(words) if words else name

    def chance(self, share):
        return self.rng.random() < share

    def leave_out(self, facts, name, share):
        if facts.get(name) is not None and self.chance(share):
            facts[name] = None

    def noun(self, i):
        facts = self.shapes[i]
        self.leave_out(facts, "size", 0.2)
        self.leave_out(facts, "colour", 0.06)
        self.leave_out(facts, "shape", 0.04)
        shape = self.other(facts["shape"]) if facts.get("shape") else self.rng.choice(("shape", "object", "thing"))
        words = " ".join(self.other(word) for word in (facts.get("size"), facts.get("colour")) if word)
        words = f"{words} {shape}".strip()
        return ("an " if words[0] in "aeiou" else "a ") + words

    def motion(self, i, share=0.08):
        facts = self.shapes[i]
        self.leave_out(facts, "motion", share)
        return self.other(facts["motion"]) if facts.get("motion") else ""

    def event(self, event):
        return f"{self.other('turns')} {event['colour']}" if event["what"] == "turn" else self.other("moves " + event["direction"])

    def ground(self):
        self.leave_out(self.about, "background", 0.15)
        name = self.about["background"]
        if name is None:
            return ""
        if name in world.TONES:
            return self.rng.choice(GROUNDS).format(self.other(name))
        words = " ".join(self.other(word) for word in name.split())
        kind = "gradient" if name in world.GRADIENTS else "floor"
        return self.rng.choice((f"on a {words} {kind}", f"over a {words} {kind}", f", {words} {kind}"))

    def action(self):
        """(what is seen, what it does): the second part may be empty."""
        scene, kind, bodies = self.scene, self.scene["kind"], self.scene["objects"]
        if kind == "box":
            return self.noun(0), ""
        nouns = [self.noun(i) for i in range(len(bodies))]
        if kind == "single":
            return nouns[0], self.motion(0)
        if kind in ("pair", "camera") and len(bodies) == 2:
            left = scene["relation"] == "left"
            between = ("to the left of", "left of") if left else ("above", "over")
            swapped = ("to the right of", "right of") if left else ("below", "under")
            places = ("on the left", "on the right") if left else ("at the top", "at the bottom")
            if all(body["motion"] == "stays still" for body in bodies):
                if self.chance(0.3):
                    # The other way round: the facts follow the order in which the shapes are named.
                    nouns.reverse(), self.shapes.reverse()
                    self.about["relation"] = "right" if left else "below"
                    return f"{nouns[0]} {self.rng.choice(swapped)} {nouns[1]}", ""
                if self.chance(0.25):
                    return f"{nouns[0]} {places[0]} and {nouns[1]} {places[1]}", ""
                return f"{nouns[0]} {self.rng.choice(between)} {nouns[1]}", ""
            if self.chance(0.3):
                return f"{places[0]} {nouns[0]} {self.motion(0, 0)} and {places[1]} {nouns[1]} {self.motion(1, 0)}", ""
            return f"{nouns[0]} {self.motion(0, 0)} {places[0]} and {nouns[1]} {self.motion(1, 0)} {places[1]}", ""
        if kind == "camera":
            return nouns[0], ""
        if kind == "trio":
            form = self.rng.choice(("{}, {} and {} from left to right", "from left to right: {}, {} and {}", "{}, {} and {} in a row"))
            return form.format(*nouns), ""
        if kind == "events":
            first, second = (self.event(event) for event in bodies[0]["events"])
            return nouns[0], self.rng.choice((f"{first}, then {second}", f"{first} and then {second}", f"first {first}, then {second}"))
        if kind == "wall":
            return nouns[0], f"{self.motion(0, 0)} behind a {self.other('wall')}"
        if kind == "bite":
            bitten = self.other("gets a bite taken out of it")
            return nouns[0], bitten if bodies[0]["motion"] == "stays still" else f"{self.motion(0, 0)} and {bitten}"
        if kind == "paint":
            return nouns[0], f"{self.motion(0, 0)} and {self.other('paints')} a {bodies[0]['paint']} line"
        return f"{nouns[0]} and {nouns[1]} {self.other('collide')}", ""

    def text(self):
        seen, does = self.action()
        ground = self.ground()
        style = self.rng.choice(STYLE_WORDS[self.scene["style"]]) if self.scene["style"] != "flat" else ""
        camera = self.rng.choice(CAMERA_WORDS[self.scene["camera"]]) if self.scene["camera"] != "still" else ""
        if self.chance(0.2):
            # Several sentences.
            sentences = [self.rng.choice(("there is ", "we see ", "the clip shows ")) + seen + "."]
            if does:
                sentences.append(f"it {does}.")
            if ground:
                name = " ".join(self.other(word) for word in self.about["background"].split())
                kind = "background" if name in world.TONES or self.about["background"] in world.TONES else ground.split()[-1]
                sentences.append(self.rng.choice((f"the background is a {name} {kind}.", f"behind it is a {name} {kind}.")) if kind != "background"
                                 else f"the background is {name}.")
            sentences += [part + "." for part in (style, camera) if part]
            return " ".join(sentences)
        text = f"{seen} {does}".strip()
        text = (text + ground if ground.startswith(",") else f"{text} {ground}").strip()
        for part in (style, camera):
            if part:
                text += f", {part}"
        if self.chance(0.12):
            text = text.removeprefix("an ").removeprefix("a ")
        elif self.chance(0.15):
            text = self.rng.choice(OPENINGS) + text
        return text + "." if self.chance(0.2) else text


def random_caption(rng, scene, canonical_share=0.4, other_share=0.02):
    """(caption, its facts as class numbers): one of the wordings."""
    if rng.random() < canonical_share:
        return canonical(scene), _row(*facts_of(scene))
    if rng.random() < other_share:
        return " ".join(rng.choice(OTHER_WORDS) for _ in range(rng.randrange(9))), NOTHING_SAID
    wording = Wording(rng, scene)
    text = wording.text()
    return text, _row(wording.about, wording.shapes)


def vocabulary():
    """What a prompt can say: the names of each topic, and every word of every wording that was trained."""
    topics = {"shape": list(SHAPES), "colour": list(COLOURS), "size": list(world.SIZES), "motion": list(MOTIONS[:-1]),
              "background": list(world.BACKGROUNDS), "style": list(world.STYLES), "camera": list(world.CAMERAS)}
    import random
    rng, words = random.Random(0), set()
    for seed in range(20_000):
        for word in random_caption(rng, world.random_scene(seed), 0.2, 0.0)[0].replace(",", " ").replace(":", " ").replace(".", " ").split():
            words.add(word)
    return {"topics": topics, "words": sorted(words)}


def train_tokenizer(path, size=640, seed=7):
    """Byte-level BPE (any text has tokens) over captions; saved in the format of Hugging Face tokenizers."""
    import random
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    tokenizer.decoder = decoders.ByteLevel()
    rng = random.Random(seed)
    sentences = [random_caption(rng, world.random_scene(i), 0.1)[0] for i in range(20_000)]
    special = ["<pad>", "<s>", "</s>", "<mask>", *SLOTS]
    trainer = trainers.BpeTrainer(vocab_size=size, special_tokens=special, show_progress=False,
                                  initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    tokenizer.train_from_iterator(sentences, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"<s> {' '.join(SLOTS)} $A </s>", special_tokens=[(name, special.index(name)) for name in ("<s>", "</s>", *SLOTS)])
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
