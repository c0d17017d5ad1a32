"""The Toybox world: up to three coloured shapes that move, meet, hide and change, before a camera.

The same specification is written in TypeScript in `src/world/`; golden frames hold the two equal. A
scene is a plain dict (JSON) that says everything; `random_scene` makes one from an integer seed,
`pictures.render` draws scenes, `captions` says them in words. All are pure functions.

Units: lengths along x are fractions of the frame's width, along y of its height, radii of its
shorter side; time is counted in frames (8 per second); angles in radians, clockwise on screen.
"""

import math

COLOURS = {
    "red": (220, 40, 40), "green": (40, 180, 60), "blue": (50, 80, 220), "yellow": (235, 210, 40),
    "purple": (150, 50, 190), "orange": (240, 140, 30), "white": (240, 240, 240), "cyan": (40, 200, 210),
}
SHAPES = ("circle", "square", "triangle", "star", "ring")
SIZES = ("small", "medium", "large")
RADIUS_RANGES = {"small": (0.10, 0.115), "medium": (0.14, 0.155), "large": (0.19, 0.205)}
STYLES = ("flat", "outline", "watercolour", "neon", "pencil")
CAMERAS = ("still", "pans left", "pans right", "zooms in", "zooms out", "orbits left", "orbits right")
RELATIONS = ("left", "above")
#: Direction words and their unit steps, x to the right and y down.
DIRECTIONS = {
    "right": (1, 0), "left": (-1, 0), "up": (0, -1), "down": (0, 1),
    "up and to the right": (1, -1), "up and to the left": (-1, -1),
    "down and to the right": (1, 1), "down and to the left": (-1, 1),
}
STRAIGHT = ("right", "left", "up", "down")
MOTIONS = (
    *(f"moves {direction}" for direction in DIRECTIONS),
    "stays still", "bounces", "spins", "rolls right", "rolls left", "orbits", "swings", "grows", "shrinks",
    "leaves to the right and comes back", "leaves to the left and comes back",
)
#: Plain colours, gradients from top to bottom, and the two tones of a checkerboard floor before a plain wall.
TONES = {
    "black": (12, 12, 16), "gray": (110, 110, 115), "navy": (20, 25, 70), "sand": (205, 180, 130),
}
GRADIENTS = {
    "black to gray": ("black", "gray"), "gray to black": ("gray", "black"),
    "navy to sand": ("navy", "sand"), "sand to navy": ("sand", "navy"),
}
FLOORS = {
    "gray checkerboard": ((110, 110, 115), (62, 62, 68), (12, 12, 16)),
    "sand checkerboard": ((205, 180, 130), (150, 126, 84), (20, 25, 70)),
}
BACKGROUNDS = (*TONES, *GRADIENTS, *FLOORS)
WALL_COLOUR = (120, 72, 40)

FPS = 8
DEFAULT_FRAME_COUNT = 17
#: Seeds from here on are for evaluation only; training draws its seeds below.
FIRST_EVALUATION_SEED = 1 << 31

#: Constants of falling and bouncing: fractions of the height per frame squared, and speed after ÷ before.
GRAVITY, RESTITUTION = 0.02, 0.8
#: Frames of one orbit and of one swing there and back.
PERIOD = 16
#: How far any shape reaches from its centre, in radii.
REACH = 1.3
#: Sizes of a growing or shrinking shape.
SMALLEST, LARGEST = 0.10, 0.21
#: Shapes that cannot be seen to turn.
ROUND = ("circle", "ring")

#: Kinds of scene and how often each is drawn when the kind is left open.
KINDS = {"single": 0.40, "pair": 0.22, "trio": 0.05, "events": 0.10, "wall": 0.06, "bite": 0.03, "paint": 0.03,
         "collide": 0.03, "camera": 0.05, "box": 0.03}


def mix32(h):
    """The 32-bit finaliser of MurmurHash3 (public domain)."""
    h ^= h >> 16
    h = h * 0x85EBCA6B & 0xFFFFFFFF
    h ^= h >> 13
    h = h * 0xC2B2AE35 & 0xFFFFFFFF
    return h ^ h >> 16


class Draws:
    """Uniform numbers of a seed (0 <= seed < 2^32), one after another."""

    def __init__(self, seed):
        self.key, self.counter = mix32(seed & 0xFFFFFFFF), 0

    def next(self):
        """The next number in [0, 1)."""
        self.counter = self.counter + 0x9E3779B9 & 0xFFFFFFFF
        return mix32(self.key + self.counter & 0xFFFFFFFF) / 4294967296.0

    def between(self, low, high):
        return low + (high - low) * self.next()

    def pick(self, values):
        return values[int(self.next() * len(values))]

    def weighted(self, weights):
        """A key of `weights`, whose values sum to 1."""
        mark, names = self.next(), list(weights)
        for name in names[:-1]:
            mark -= weights[name]
            if mark < 0:
                return name
        return names[-1]


def exists(shape, motion):
    """Every combination the world contains: what is round cannot be seen to turn."""
    return not (shape in ROUND and motion in ("spins", "rolls right", "rolls left"))


def is_held_out(colour, shape, motion):
    """Whether a single shape's triple is kept out of training, to see whether the model composes; about one in ten is."""
    c, s, m = list(COLOURS).index(colour), SHAPES.index(shape), MOTIONS.index(motion)
    return exists(shape, motion) and (3 * c + 7 * s + m + c // 4 + m // 5) % 10 == 0


def _body(draws, fixed=None, sizes=SIZES, shapes=SHAPES):
    """Shape, colour, size and radius, in this order of draws; what `fixed` says is kept."""
    fixed = fixed or {}
    shape, colour, size = draws.pick(shapes), draws.pick(tuple(COLOURS)), draws.pick(sizes)
    shape, colour, size = fixed.get("shape", shape), fixed.get("colour", colour), fixed.get("size", size)
    radius = draws.between(*RADIUS_RANGES[size])
    return {"shape": shape, "colour": colour, "size": size, "radius": radius, "motion": "stays still", "x": 0.5, "y": 0.5,
            "vx": 0.0, "vy": 0.0, "angle": 0.0, "spin": 0.0, "amount": 0.0, "phase": 0.0}


def _within(mark, low, high, travel):
    """The start in [low, high], chosen by `mark` in [0, 1), from which `travel` (signed) stays inside."""
    return low + max(0.0, -travel) + max(0.0, high - low - abs(travel)) * mark


def _other_colour(draws, colour):
    return draws.pick([name for name in COLOURS if name != colour])


def _move(body, draws, motion, span, low_x, high_x, low_y, high_y):
    """Set `body` on its way: `motion` over `span` frames with the centre inside the given area."""
    body["motion"] = motion
    amount, across, down = draws.next(), draws.next(), draws.next()
    reach = REACH * body["radius"]
    dx = dy = 0.0
    if motion.startswith("moves "):
        sx, sy = DIRECTIONS[motion[6:]]
        travel = (0.30 + 0.12 * amount) * (0.8 if sx and sy else 1.0)
        dx = sx * min(travel, high_x - low_x)
        dy = sy * min(travel, high_y - low_y)
    elif motion.startswith("rolls "):
        dx = (1 if motion == "rolls right" else -1) * min(0.30 + 0.12 * amount, high_x - low_x)
    elif motion == "bounces":
        body["amount"] = min(0.28 + 0.12 * amount, high_y - low_y)
        low_y += body["amount"]
    elif motion == "spins":
        body["spin"] = (0.13 + 0.07 * amount) * (-1 if draws.next() < 0.5 else 1)
        body["angle"] = 2 * math.pi * draws.next()
    elif motion == "orbits":
        body["amount"] = min(0.28, 0.49 - reach)
        body["phase"] = 2 * math.pi * amount
        low_x = high_x = low_y = high_y = 0.5
    elif motion == "swings":
        body["amount"] = min(0.18 + 0.04 * amount, (high_x - low_x) / 2)
        body["phase"] = 2 * math.pi * draws.next()
        low_x, high_x = low_x + body["amount"], high_x - body["amount"]
    elif motion in ("grows", "shrinks"):
        grows = motion == "grows"
        body["size"], body["radius"] = None, SMALLEST if grows else LARGEST
        body["amount"] = LARGEST / SMALLEST if grows else SMALLEST / LARGEST
        edge = REACH * LARGEST
        low_x, high_x, low_y, high_y = edge, 1 - edge, edge, 1 - edge
    elif motion.startswith("leaves "):
        right = motion == "leaves to the right and comes back"
        body["amount"] = (0.36 + 2 * reach) * (1 if right else -1)
        low_x = high_x = 0.85 - reach if right else 0.15 + reach
    body["vx"], body["vy"] = dx / span, dy / span
    body["x"], body["y"] = _within(across, low_x, high_x, dx), _within(down, low_y, high_y, dy)


def random_scene(seed, frame_count=DEFAULT_FRAME_COUNT, kind=None, fixed=None, styled=None):
    """A scene for an integer seed.

    `kind` (a key of KINDS) may be chosen; `fixed` may hold shape, colour, size, motion and background of a
    single shape (background of any); `styled` False leaves the style flat, True makes it another.
    Longer clips than the default move more slowly, shorter ones as fast, so that shapes stay inside.
    """
    draws, fixed = Draws(seed), fixed or {}
    drawn = draws.weighted(KINDS)
    kind = kind or drawn
    background = draws.pick(BACKGROUNDS) if draws.next() < 0.5 else draws.pick(tuple(TONES))
    background = fixed.get("background", background)
    mark, style = draws.next(), draws.pick(STYLES[1:])
    may = kind in ("single", "pair") if styled is None else styled
    if not may or (styled is None and mark >= 0.15):
        style = "flat"
    last = max(1, frame_count - 1)
    span = max(DEFAULT_FRAME_COUNT, frame_count) - 1
    scene = {"kind": kind, "style": style, "background": background, "camera": "still", "relation": None,
             "frameCount": frame_count, "objects": [], "wall": None, "box": None}
    make = {"single": _single, "pair": _pair, "trio": _trio, "events": _events, "wall": _wall, "bite": _bite,
            "paint": _paint, "collide": _collide, "camera": _camera, "box": _box}[kind]
    make(scene, draws, fixed, span, last)
    return scene


def _area(body):
    edge = REACH * body["radius"]
    return edge, 1 - edge, edge, 1 - edge


def _single(scene, draws, fixed, span, last):
    able = tuple(shape for shape in SHAPES if exists(shape, fixed.get("motion")))
    body = _body(draws, fixed, shapes=able)
    motion = draws.pick(MOTIONS)
    again = draws.pick([other for other in MOTIONS if exists(body["shape"], other)])
    if not exists(body["shape"], motion):
        motion = again
    _move(body, draws, fixed.get("motion", motion), span, *_area(body))
    scene["objects"].append(body)


def _pair(scene, draws, fixed, span, last):
    first = _body(draws)
    second = _body(draws, sizes=SIZES[:2] if first["size"] == "large" else SIZES)
    scene["relation"] = relation = draws.pick(RELATIONS)
    both_still = draws.next() < 0.4
    # Beside each other they keep to their columns, above each other to their rows, so they never meet.
    along = ("moves up", "moves down") if relation == "left" else ("moves right", "moves left")
    if relation == "left":
        along += ("bounces",)
    a, b = REACH * first["radius"], REACH * second["radius"]
    free = 1 - 2 * a - 2 * b - 0.02
    starts = (0.005 + a + free * 0.5 * draws.next(), 0.995 - b - free * 0.5 * draws.next())
    for body, at, edge in ((first, starts[0], a), (second, starts[1], b)):
        motion = draws.pick(("stays still", *along, *(("spins",) if body["shape"] not in ROUND else ())))
        area = (at, at, edge, 1 - edge) if relation == "left" else (edge, 1 - edge, at, at)
        _move(body, draws, "stays still" if both_still else motion, span, *area)
        scene["objects"].append(body)


def _trio(scene, draws, fixed, span, last):
    bodies = [_body(draws, sizes=SIZES[:1]) for _ in range(3)]
    free = 1 - sum(2 * REACH * body["radius"] for body in bodies)
    gaps = [draws.next() for _ in range(4)]
    at = 0.0
    for body, gap in zip(bodies, gaps):
        edge = REACH * body["radius"]
        at += free * gap / sum(gaps) + edge
        _move(body, draws, "stays still", span, at, at, edge, 1 - edge)
        at += edge
    scene["objects"] = bodies


def _events(scene, draws, fixed, span, last):
    """Two events, one in each half: a change of colour or a move, in either order."""
    body = _body(draws, fixed)
    both = draws.pick(("turn move", "move turn", "move move")).split()
    low_x, high_x, low_y, high_y = _area(body)
    events, dx, dy, corners = [], 0.0, 0.0, [(0.0, 0.0)]
    for half, what in enumerate(both):
        start, end = last * half / 2, last * (half + 1) / 2
        colour, direction = _other_colour(draws, body["colour"]), draws.pick(STRAIGHT)
        other = draws.pick([name for name in STRAIGHT if name != direction])
        travel = draws.between(0.26, 0.32)
        if what == "turn":
            events.append({"what": "turn", "colour": colour, "from": (start + end) / 2, "to": (start + end) / 2, "dx": 0.0, "dy": 0.0})
            continue
        if events and direction == events[-1].get("direction"):
            direction = other
        sx, sy = DIRECTIONS[direction]
        events.append({"what": "move", "direction": direction, "from": start, "to": end, "dx": sx * travel, "dy": sy * travel})
        dx, dy = dx + sx * travel, dy + sy * travel
        corners.append((dx, dy))
    inside = lambda low, high, offsets: (low - min(offsets), high - max(offsets))
    (x0, x1), (y0, y1) = inside(low_x, high_x, [c[0] for c in corners]), inside(low_y, high_y, [c[1] for c in corners])
    body["x"], body["y"] = draws.between(x0, max(x0, x1)), draws.between(y0, max(y0, y1))
    body["events"] = events
    scene["objects"].append(body)


def _wall(scene, draws, fixed, span, last):
    """A small shape passes behind a wall, from one side to the other."""
    body = _body(draws, {**fixed, "size": "small"})
    right = draws.next() < 0.5
    travel = 0.72
    middle, width = draws.between(0.48, 0.52), draws.between(0.38, 0.44)
    scene["wall"] = [middle - width / 2, middle + width / 2]
    edge = REACH * body["radius"]
    body["motion"] = "moves right" if right else "moves left"
    body["x"] = 0.14 if right else 0.86
    body["vx"] = (travel if right else -travel) / last
    body["y"] = draws.between(edge, 1 - edge)
    scene["objects"].append(body)


def _bite(scene, draws, fixed, span, last):
    """A bite is taken out of a disc and stays out."""
    body = _body(draws, {**fixed, "shape": "circle"}, sizes=SIZES[1:])
    motion = draws.pick(("stays still", "moves right", "moves left"))
    _move(body, draws, motion, span, *_area(body))
    body["bite"] = {"from": last * draws.between(0.3, 0.55), "angle": 2 * math.pi * draws.next()}
    scene["objects"].append(body)


def _paint(scene, draws, fixed, span, last):
    """A shape leaves a line of paint where it has been."""
    body = _body(draws, fixed, sizes=SIZES[:2])
    _move(body, draws, "moves " + draws.pick(STRAIGHT), span, *_area(body))
    body["paint"] = _other_colour(draws, body["colour"])
    scene["objects"].append(body)


def _collide(scene, draws, fixed, span, last):
    """Two shapes of one size meet and go back, each as fast as it came."""
    first = _body(draws, sizes=SIZES[:2])
    second = _body(draws, {"size": first["size"]})
    second["radius"] = first["radius"]
    edge = REACH * first["radius"]
    y = draws.between(edge, 1 - edge)
    touch, start = draws.between(0.42, 0.58) * last, draws.between(0.02, 0.08)
    for body, side in ((first, 1), (second, -1)):
        body["motion"], body["y"] = "collides", y
        body["x"] = edge + start if side == 1 else 1 - edge - start
        body["phase"] = touch
        body["vx"] = side * (0.5 - edge - edge - start) / touch
        scene["objects"].append(body)


def _camera(scene, draws, fixed, span, last):
    """One or two shapes that stay, before a camera that moves."""
    scene["camera"] = draws.pick(CAMERAS[1:5])
    floor = draws.pick(tuple(FLOORS))
    if draws.next() < 0.6 and "background" not in fixed:
        scene["background"] = floor
    two = draws.next() < 0.6
    first, second = _body(draws, sizes=SIZES[:1]), _body(draws, sizes=SIZES[:1])
    if two:
        scene["relation"] = "left"
        first["x"], second["x"] = draws.between(0.26, 0.36), draws.between(0.64, 0.74)
        first["y"], second["y"] = draws.between(0.32, 0.68), draws.between(0.32, 0.68)
        scene["objects"] = [first, second]
    else:
        first["x"], first["y"] = draws.between(0.35, 0.65), draws.between(0.32, 0.68)
        scene["objects"] = [first]


def _box(scene, draws, fixed, span, last):
    """A box on a plain ground; the camera orbits around it."""
    left = draws.next() < 0.5
    scene["camera"] = "orbits left" if left else "orbits right"
    if scene["background"] not in TONES:
        scene["background"] = scene["background"].split()[0]
    scene["box"] = {"colour": draws.pick(tuple(COLOURS)), "side": draws.between(0.19, 0.23), "height": draws.between(0.26, 0.36),
                    "angle": 2 * math.pi * draws.next(), "turn": draws.between(1.0, 1.5) * (1 if left else -1) / span}


def pose(body, f, last, span, aspect):
    """(x, y, radius, angle) of a shape in frame `f`; `aspect` is width ÷ shorter side of the frame."""
    motion, amount = body["motion"], body["amount"]
    x, y = body["x"] + body["vx"] * f, body["y"] + body["vy"] * f
    radius, angle = body["radius"], body["angle"] + body["spin"] * f
    if motion == "bounces":
        y -= bounce_height(amount, f)
    elif motion.startswith("rolls "):
        angle += body["vx"] * f * aspect / radius
    elif motion == "orbits":
        x += amount * math.cos(body["phase"] + 2 * math.pi * f / PERIOD)
        y += amount * math.sin(body["phase"] + 2 * math.pi * f / PERIOD)
    elif motion == "swings":
        x += amount * math.sin(body["phase"] + 2 * math.pi * f / PERIOD)
    elif motion in ("grows", "shrinks"):
        radius *= 1 + (amount - 1) * min(1.0, f / span)
    elif motion.startswith("leaves "):
        x += amount * (1 - abs(1 - 2 * f / last))
    elif motion == "collides":
        x = body["x"] + body["vx"] * (f if f <= body["phase"] else 2 * body["phase"] - f)
    for event in body.get("events", ()):
        if event["what"] == "move":
            done = min(1.0, max(0.0, (f - event["from"]) / (event["to"] - event["from"])))
            x, y = x + event["dx"] * done, y + event["dy"] * done
    return x, y, radius, angle


def bounce_height(drop, f):
    """Height above the ground, `f` frames after a fall from rest at height `drop`."""
    fall = math.sqrt(2 * drop / GRAVITY)
    if f < fall:
        return drop - GRAVITY * f * f / 2
    t, speed = f - fall, RESTITUTION * math.sqrt(2 * drop * GRAVITY)
    while speed > 0.004:
        flight = 2 * speed / GRAVITY
        if t < flight:
            return speed * t - GRAVITY * t * t / 2
        t, speed = t - flight, speed * RESTITUTION
    return 0.0


def colour_at(body, f):
    """The colour's name in frame `f`."""
    name = body["colour"]
    for event in body.get("events", ()):
        if event["what"] == "turn" and f >= event["from"]:
            name = event["colour"]
    return name


def view_at(camera, f, span):
    """(pan, zoom) of the camera in frame `f`: a point (x, y) of the world is seen at (0.5 + (x - 0.5 - pan) * zoom, 0.5 + (y - 0.5) * zoom)."""
    done = min(1.0, f / span)
    if camera == "pans right":
        return 0.26 * (done - 0.5), 1.0
    if camera == "pans left":
        return 0.26 * (0.5 - done), 1.0
    if camera == "zooms in":
        return 0.0, 1 + 0.45 * done
    if camera == "zooms out":
        return 0.0, 1.45 - 0.45 * done
    return 0.0, 1.0


def training_scenes(first_seed, count, frame_count=DEFAULT_FRAME_COUNT, **options):
    """The first `count` scenes at or after `first_seed` that are not held out; (scenes, next seed)."""
    scenes, seed = [], first_seed
    while len(scenes) < count:
        if seed >= FIRST_EVALUATION_SEED:
            raise ValueError("training seeds ran into the seeds kept for evaluation")
        scene = random_scene(seed, frame_count, **options)
        seed += 1
        body = scene["objects"][0] if scene["objects"] else None
        if scene["kind"] == "single" and is_held_out(body["colour"], body["shape"], body["motion"]):
            continue
        scenes.append(scene)
    return scenes, seed
