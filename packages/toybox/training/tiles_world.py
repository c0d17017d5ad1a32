"""The tile world: an agent on a board of tiles, moved by one action per frame, that can change the board.

The same specification is written in TypeScript in `src/tiles/`; `golden/tiles.*` hold the two equal.
Everything is batched: a board is a dict of arrays with one entry (or one row) per board.

  theme  [B]        one of THEMES: the palette
  kinds  [B, R, C]  what each tile is, one of KINDS
  row, column, facing [B]   the agent; facing is an index into ACTIONS[1:5]
  clock  [B]        frame number modulo 4: coins turn, water runs, the agent's lamp blinks

Rules of one frame: a direction turns the agent that way and moves it one tile if the tile there can be
walked on (bare ground, grass, a coin, which is then collected). `act` works on the tile the agent faces: a
crate is broken (bare ground is left), on bare ground or grass a crate is put. Walls, water, coins
and the edge of the board let neither move nor act do anything. The clock always goes on.
"""

import numpy as np

#: Seeds from here on are for evaluation only; training draws its seeds below.
FIRST_EVALUATION_SEED = 1 << 31

TILE = 8
ACTIONS = ("none", "left", "right", "up", "down", "act")
ACT = ACTIONS.index("act")
#: (row, column) step of each facing, in the order left, right, up, down.
STEPS = np.array([(0, -1), (0, 1), (-1, 0), (1, 0)])
KINDS = ("bare", "grass", "wall", "crate", "coin", "water")
BARE, GRASS, WALL, CRATE, COIN, WATER = range(6)
PHASES = 4
DEFAULT_ROWS, DEFAULT_COLUMNS = 8, 8

#: Palettes: what a letter of a sprite means in each theme.
THEMES = {
    "meadow": {".": (96, 150, 70), ",": (84, 136, 62), "'": (40, 96, 44), "*": (236, 214, 96), "#": (122, 118, 116), "=": (84, 80, 82),
               "+": (148, 144, 140), "c": (120, 76, 36), "C": (176, 122, 66), "~": (52, 104, 190), "-": (128, 178, 236)},
    "desert": {".": (222, 190, 128), ",": (208, 174, 112), "'": (120, 128, 52), "*": (224, 84, 120), "#": (168, 92, 62), "=": (120, 60, 44),
               "+": (196, 122, 88), "c": (86, 66, 60), "C": (134, 110, 98), "~": (34, 142, 150), "-": (120, 216, 208)},
    "snow": {".": (228, 234, 242), ",": (208, 218, 232), "'": (112, 160, 150), "*": (180, 40, 60), "#": (70, 88, 124), "=": (46, 58, 88),
             "+": (104, 124, 162), "c": (104, 62, 44), "C": (160, 104, 72), "~": (120, 186, 226), "-": (190, 232, 255)},
    "cave": {".": (58, 50, 66), ",": (48, 40, 54), "'": (70, 132, 124), "*": (150, 240, 200), "#": (24, 22, 30), "=": (10, 10, 14),
             "+": (40, 36, 50), "c": (150, 96, 40), "C": (206, 150, 76), "~": (188, 66, 24), "-": (250, 156, 52)},
}
THEME_NAMES = tuple(THEMES)
#: Letters that mean the same in every theme: coin, agent, and the colours of its lamp.
COMMON = {
    "o": (240, 196, 40), "O": (255, 236, 150), "q": (150, 104, 10),
    "A": (206, 52, 72), "D": (138, 26, 48), "W": (255, 255, 255), "K": (20, 16, 28), "M": (250, 190, 170), "d": (60, 24, 44),
    "0": (60, 40, 50), "1": (250, 130, 30), "2": (255, 250, 170), "3": (40, 120, 235),
}

BARE_SPRITE = ("........", "..,.....", "......,.", "........", ".,......", "....,...", "........", ".....,..")
GRASS_SPRITE = ("'..'...'", "'....'..", "..*..'.'", "'......'", "'...'...", "..'..*.'", "'.....'.", "'.'..'.'")
WALL_SPRITE = ("+++=++++", "###=####", "###=####", "========", "+++++++=", "#######=", "#######=", "========")
CRATE_SPRITE = ("cccccccc", "cCCCCCCc", "cCcCCcCc", "cCCccCCc", "cCCccCCc", "cCcCCcCc", "cCCCCCCc", "cccccccc")
#: "_" is what lies below: the ground.
COIN_SPRITES = (
    ("________", "__oooo__", "_oOOooo_", "_oOoooq_", "_oOoooq_", "_oooooq_", "__oqqq__", "________"),
    ("________", "___ooo__", "__oOooq_", "__oOooq_", "__oOooq_", "__oOooq_", "___oqq__", "________"),
    ("________", "___oo___", "___Oq___", "___Oq___", "___Oq___", "___Oq___", "___oq___", "________"),
    ("________", "__ooo___", "_oooOq__", "_oooOq__", "_oooOq__", "_oooOq__", "__oqq___", "________"),
)
WATER_SPRITES = (
    ("~~~~~~~~", "--~~--~~", "~~--~~--", "~~~~~~~~", "~~~~~~~~", "~--~~--~", "-~~--~~-", "~~~~~~~~"),
    ("~~~~~~~~", "~--~~--~", "-~~--~~-", "~~~~~~~~", "~~~~~~~~", "--~~--~~", "~~--~~--", "~~~~~~~~"),
    ("~~~~~~~~", "~~--~~--", "--~~--~~", "~~~~~~~~", "~~~~~~~~", "-~~--~~-", "~--~~--~", "~~~~~~~~"),
    ("~~~~~~~~", "-~~--~~-", "~--~~--~", "~~~~~~~~", "~~~~~~~~", "~~--~~--", "--~~--~~", "~~~~~~~~"),
)
#: Facing left (right is its mirror image), up, down; "L" is the lamp.
AGENT_SPRITES = {
    "left": ("___LL___", "__AAAAA_", "_AWWAAA_", "MAKWAAA_", "_AAAAAA_", "_MMAAAD_", "_AAAAAA_", "__d__d__"),
    "up": ("___LL___", "_AAAAAA_", "_AAAAAA_", "_ADDDDA_", "_AAAAAA_", "_ADDDDA_", "_AAAAAA_", "__d__d__"),
    "down": ("___LL___", "_AAAAAA_", "_AWAAWA_", "_AKAAKA_", "_AAAAAA_", "_AMMMMA_", "_AAAAAA_", "__d__d__"),
}


def mix32(value):
    """The 32-bit finaliser of MurmurHash3 (public domain): uint64 array of 32-bit numbers -> well mixed ones."""
    h = np.asarray(value, dtype=np.uint64) & 0xFFFFFFFF
    h ^= h >> np.uint64(16)
    h = (h * np.uint64(0x85EBCA6B)) & np.uint64(0xFFFFFFFF)
    h ^= h >> np.uint64(13)
    h = (h * np.uint64(0xC2B2AE35)) & np.uint64(0xFFFFFFFF)
    h ^= h >> np.uint64(16)
    return h


def draw(seeds, index):
    """The `index`-th uniform number in [0, 1) of each seed; counter based, so draws do not depend on their order."""
    counter = np.uint64((index + 1) * 0x9E3779B9 & 0xFFFFFFFF)
    return mix32(mix32(seeds) + counter).astype(np.float64) / 4294967296.0


def sprite(rows):
    return np.array([list(row) for row in rows])


def _atlas():
    """Every picture that a tile can show: uint8 [themes * PATCHES, 8, 8, 3]."""
    bare, grass = sprite(BARE_SPRITE), sprite(GRASS_SPRITE)
    letters = [bare, grass, sprite(WALL_SPRITE), sprite(CRATE_SPRITE)]
    over = lambda top, ground: np.where(top == "_", ground, top)
    letters += [over(sprite(coin), bare) for coin in COIN_SPRITES]
    letters += [sprite(water) for water in WATER_SPRITES]
    left = sprite(AGENT_SPRITES["left"])
    for ground in (bare, grass):
        for agent in (left, left[:, ::-1], sprite(AGENT_SPRITES["up"]), sprite(AGENT_SPRITES["down"])):
            letters += [over(np.where(agent == "L", str(phase), agent), ground) for phase in range(PHASES)]
    pictures = [[[{**COMMON, **palette}[letter] for letter in picture.flatten()] for picture in letters] for palette in THEMES.values()]
    return np.array(pictures, dtype=np.uint8).reshape(-1, TILE, TILE, 3)


ATLAS = _atlas()
#: Pictures per theme: bare, grass, wall, crate, 4 of a coin, 4 of water, 2 grounds * 4 facings * 4 of the agent.
PATCHES = len(ATLAS) // len(THEMES)
_FIRST_OF_KIND = np.array([0, 1, 2, 3, 4, 8])
_AGENT = 12


def random_boards(seeds, rows=DEFAULT_ROWS, columns=DEFAULT_COLUMNS):
    """One board per integer seed. The agent starts on open ground, with no wall or water beside it."""
    seeds = np.asarray(seeds, dtype=np.uint64)
    count, size = len(seeds), rows * columns
    theme = np.floor(draw(seeds, 0) * len(THEMES)).astype(np.int64)
    wall, crate, water = 0.08 + 0.1 * draw(seeds, 1), 0.06 + 0.08 * draw(seeds, 2), 0.1 * draw(seeds, 3)
    coin, grass = 0.04 + 0.06 * draw(seeds, 4), 0.1 + 0.2 * draw(seeds, 5)
    u = np.stack([draw(seeds, 16 + tile) for tile in range(size)], axis=1)
    kinds, below = np.full((count, size), BARE, dtype=np.int64), np.zeros(count)
    for kind, share in ((WALL, wall), (CRATE, crate), (WATER, water), (COIN, coin), (GRASS, grass)):
        kinds[(u >= below[:, None]) & (u < (below + share)[:, None])] = kind
        below = below + share
    start = np.floor(draw(seeds, 6) * size).astype(np.int64)
    row, column = start // columns, start % columns
    kinds = kinds.reshape(count, rows, columns)
    each = np.arange(count)
    kinds[each, row, column] = np.where(kinds[each, row, column] == GRASS, GRASS, BARE)
    for step_row, step_column in STEPS:
        r, c = row + step_row, column + step_column
        inside = (r >= 0) & (r < rows) & (c >= 0) & (c < columns)
        i, r, c = each[inside], r[inside], c[inside]
        shut = (kinds[i, r, c] == WALL) | (kinds[i, r, c] == WATER)
        kinds[i, r, c] = np.where(shut, BARE, kinds[i, r, c])
    return {"theme": theme, "kinds": kinds, "row": row, "column": column,
            "facing": np.floor(draw(seeds, 7) * 4).astype(np.int64), "clock": np.floor(draw(seeds, 8) * PHASES).astype(np.int64)}


def step(boards, actions):
    """The boards one frame later, under one action each (indices into ACTIONS)."""
    actions = np.asarray(actions)
    kinds, each = boards["kinds"].copy(), np.arange(len(actions))
    rows, columns = kinds.shape[1:]
    turns = (actions >= 1) & (actions <= 4)
    facing = np.where(turns, actions - 1, boards["facing"])
    row, column = boards["row"] + STEPS[facing, 0], boards["column"] + STEPS[facing, 1]
    inside = (row >= 0) & (row < rows) & (column >= 0) & (column < columns)
    row, column = np.where(inside, row, boards["row"]), np.where(inside, column, boards["column"])
    ahead = kinds[each, row, column]
    moves = turns & inside & ((ahead == BARE) | (ahead == GRASS) | (ahead == COIN))
    acts = (actions == ACT) & inside
    after = np.where(moves & (ahead == COIN), BARE, ahead)
    after = np.where(acts & (ahead == CRATE), BARE, after)
    after = np.where(acts & ((ahead == BARE) | (ahead == GRASS)), CRATE, after)
    kinds[each, row, column] = after
    return {"theme": boards["theme"], "kinds": kinds, "facing": facing, "clock": (boards["clock"] + 1) % PHASES,
            "row": np.where(moves, row, boards["row"]), "column": np.where(moves, column, boards["column"])}


def patches(boards):
    """Which picture of ATLAS each tile shows: int64 [B, R, C]."""
    kinds, clock, each = boards["kinds"], boards["clock"], np.arange(len(boards["clock"]))
    shown = _FIRST_OF_KIND[kinds] + np.where(kinds >= COIN, clock[:, None, None], 0)
    ground = kinds[each, boards["row"], boards["column"]]
    shown[each, boards["row"], boards["column"]] = _AGENT + (ground * 4 + boards["facing"]) * PHASES + clock
    return shown + PATCHES * boards["theme"][:, None, None]


def render(boards):
    """uint8 frames [B, R * 8, C * 8, 3]."""
    pictures = ATLAS[patches(boards)]
    b, r, c = pictures.shape[:3]
    return pictures.transpose(0, 1, 3, 2, 4, 5).reshape(b, r * TILE, c * TILE, 3)


def random_actions(rng, previous):
    """Actions of a wanderer: goes on the way it went half of the time, acts often, sometimes waits."""
    fresh = rng.choice(len(ACTIONS), size=len(previous), p=(0.08, 0.17, 0.17, 0.17, 0.17, 0.24))
    keeps = (rng.random(len(previous)) < 0.4) & (previous != ACT)
    return np.where(keeps, previous, fresh)
