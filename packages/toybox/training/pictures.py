"""Draws scenes of the world: frames, and where each object is in them.

The same drawing is written in TypeScript in `src/world/render.ts`. Everything is anti-aliased by the
signed distance d (in pixels, negative inside) of a pixel's centre to an outline: its coverage is
clamp(0.5 - d, 0, 1).
"""

import math

import torch

import world

#: Half the side of a square of the same area as the circle of radius 1.
SQUARE_HALF_SIDE = 0.886227
#: Inradius of the triangle; its corners lie at twice that, world.REACH radii.
TRIANGLE_INRADIUS = 0.65
STAR_INNER = 0.62
RING_MIDDLE, RING_HALF_WIDTH = 0.78, 0.27
PAPER = (235, 232, 225)
#: A bite: its radius and its distance from the disc's centre, in radii of the disc.
BITE_RADIUS, BITE_DISTANCE = 0.62, 0.85
#: Half the width of a line of paint, in radii of what paints it.
PAINT_HALF_WIDTH = 0.45
#: A checkerboard has this many cells across a frame and along its height, from HORIZON down.
CELLS, HORIZON = 8, 0.625


def shape_distance(shape, x, y, r, cos, sin):
    """Signed distance from the outline of a shape of radius `r` at the origin, turned by an angle; y points down."""
    if shape == "circle":
        return torch.sqrt(x * x + y * y) - r
    if shape == "ring":
        return (torch.sqrt(x * x + y * y) - RING_MIDDLE * r).abs() - RING_HALF_WIDTH * r
    qx, qy = cos * x + sin * y, cos * y - sin * x
    if shape == "square":
        return torch.maximum(qx.abs(), qy.abs()) - SQUARE_HALF_SIDE * r
    if shape == "triangle":
        return torch.maximum(0.8660254 * qx.abs() - 0.5 * qy, qy) - TRIANGLE_INRADIUS * r
    # A star: the plane folded into one tenth of the turn, whose outline there is one straight edge
    # from the tip (0, -REACH r) to the inner corner.
    qx, qy = qx.abs(), -qy
    for fold in (1.0, -1.0):
        nx, ny = 0.80901699 * fold, -0.58778525
        over = 2 * torch.clamp(nx * qx + ny * qy, min=0)
        qx, qy = qx - over * nx, qy - over * ny
    qx = qx.abs()
    ex, ey = STAR_INNER * 0.58778525, STAR_INNER * 0.80901699 - world.REACH
    length = math.hypot(ex, ey)
    return (qx * -ey + (qy - world.REACH * r) * ex) / length


def _axis(size, device):
    return torch.arange(size, device=device, dtype=torch.float32) + 0.5


def _frames_of(values, device):
    """Nested lists [n, T, ...] -> float tensor [n, T, 1, 1, ...]."""
    tensor = torch.tensor(values, dtype=torch.float32, device=device)
    return tensor.reshape(*tensor.shape[:2], 1, 1, *tensor.shape[2:])


def _mix(under, colour, coverage):
    return under + (colour - under) * coverage[..., None]


def _backgrounds(scenes, frame_count, width, height, span, device):
    """[B, T, H, W, 3] floats 0-255."""
    views = [[world.view_at(scene["camera"], f, span) for f in range(frame_count)] for scene in scenes]
    view = _frames_of(views, device)
    pan, zoom = view[..., 0], view[..., 1]
    # Where in the world each pixel looks, as fractions.
    u = (_axis(width, device)[None, None, None, :] / width - 0.5) / zoom + 0.5 + pan
    v = (_axis(height, device)[None, None, :, None] / height - 0.5) / zoom + 0.5
    out = torch.empty(len(scenes), frame_count, height, width, 3, device=device)
    for b, scene in enumerate(scenes):
        name, vb, ub, z = scene["background"], v[b], u[b], zoom[b]
        colour = lambda values: torch.tensor(values, dtype=torch.float32, device=device)
        if scene["style"] == "pencil":
            out[b] = colour(PAPER)
        elif name in world.TONES:
            out[b] = colour(world.TONES[name])
        elif name in world.GRADIENTS:
            top, bottom = (colour(world.TONES[tone]) for tone in world.GRADIENTS[name])
            out[b] = (top + (bottom - top) * vb.clamp(0, 1)[..., None]).expand(frame_count, height, width, 3)
        else:
            light, dark, wall = (colour(values) for values in world.FLOORS[name])
            # Signed distance (pixels) to the nearest cell border, positive in every second cell.
            stripe = lambda at, scale: (0.5 - (at - 2 * torch.floor(at / 2) - 1).abs()) * scale
            a = (0.5 + stripe(ub * CELLS, width * z / CELLS)).clamp(0, 1)
            c = (0.5 + stripe((vb - HORIZON) * CELLS, height * z / CELLS)).clamp(0, 1)
            floor = dark + (light - dark) * (a + c - 2 * a * c)[..., None]
            below = (0.5 + (vb - HORIZON) * height * z).clamp(0, 1)
            out[b] = wall + (floor - wall) * below[..., None]
        if scene["style"] == "neon":
            out[b] *= 0.3
    return out


def _paint_over(under, style, colour, d, x, y, short):
    """`under` [n, T, H, W, 3] with shapes of `colour` [n, T, 1, 1, 3] at distance `d` laid over in a style."""
    coverage = (0.5 - d).clamp(0, 1)
    if style == "flat":
        return _mix(under, colour, coverage)
    stroke = 0.018 * short
    line = (0.5 - ((d + stroke).abs() - stroke)).clamp(0, 1)
    if style == "outline":
        return _mix(under, colour, line)
    if style == "watercolour":
        soft = (0.5 - d / (0.045 * short)).clamp(0, 1)
        wash = 0.72 + 0.16 * torch.sin(2 * math.pi * (x + 2 * y) / (0.6 * short))
        return _mix(under, colour, soft * wash)
    if style == "neon":
        glow = 0.6 * torch.exp(-d.clamp(min=0) / (0.05 * short)) * (d > -2 * stroke)
        return _mix(_mix(under, colour, glow), colour + (255 - colour) * 0.55, line)
    hatch = (0.45 + 0.3 * torch.sin(2 * math.pi * (x + y) / (0.125 * short))) * coverage
    return _mix(_mix(under, colour, hatch), colour * 0.55, line)


#: Side of the squares over which coverage is averaged.
COVERAGE_PIXELS = 8


def render(scenes, width=64, height=64, device="cpu"):
    """Scenes of one frame count -> uint8 frames [B, T, H, W, 3]."""
    return render_with_coverage(scenes, width, height, device)[0]


def render_with_coverage(scenes, width=64, height=64, device="cpu"):
    """Frames as of `render`, and how much of each 8x8 square each object covers, seen or hidden: uint8 [B, 3, T, H/8, W/8], 0-255."""
    most = 8 if str(device) == "cpu" else 256
    if len(scenes) > most:
        parts = [render_with_coverage(scenes[i : i + most], width, height, device) for i in range(0, len(scenes), most)]
        return tuple(torch.cat(part) for part in zip(*parts))
    frame_count = scenes[0]["frameCount"]
    last, span, short = max(1, frame_count - 1), max(world.DEFAULT_FRAME_COUNT, frame_count) - 1, min(width, height)
    frames = _backgrounds(scenes, frame_count, width, height, span, device)
    x, y = _axis(width, device)[None, None, None, :], _axis(height, device)[None, None, :, None]
    covered = torch.zeros(len(scenes), 3, frame_count, height // COVERAGE_PIXELS, width // COVERAGE_PIXELS, device=device)
    for slot in range(3):
        groups = {}
        for b, scene in enumerate(scenes):
            if slot < len(scene["objects"]):
                body = scene["objects"][slot]
                plain = "bite" not in body and "paint" not in body
                groups.setdefault((body["shape"], scene["style"], plain), []).append(b)
        for (shape, style, plain), rows in groups.items():
            poses, colours = [], []
            for b in rows:
                body, camera = scenes[b]["objects"][slot], scenes[b]["camera"]
                track = []
                for f in range(frame_count):
                    px, py, r, angle = world.pose(body, f, last, span, width / short)
                    pan, zoom = world.view_at(camera, f, span)
                    track.append(((0.5 + (px - 0.5 - pan) * zoom) * width, (0.5 + (py - 0.5) * zoom) * height, r * zoom * short,
                                  math.cos(angle), math.sin(angle)))
                poses.append(track)
                colours.append([world.COLOURS[world.colour_at(body, f)] for f in range(frame_count)])
            at, colour = _frames_of(poses, device), _frames_of(colours, device)
            cx, cy, r, cos, sin = at.unbind(-1)
            d = shape_distance(shape, x - cx, y - cy, r, cos, sin)
            index = torch.tensor(rows, device=device)
            under = frames[index]
            if not plain:
                for i, b in enumerate(rows):
                    body = scenes[b]["objects"][slot]
                    if "bite" in body:
                        d[i] = _with_bite(d[i], body["bite"], x[0] - cx[i], y[0] - cy[i], r[i])
                    else:
                        line = _line_distance(x[0], y[0], cx[i], cy[i], r[i])
                        paint = torch.tensor(world.COLOURS[body["paint"]], dtype=torch.float32, device=device)
                        under[i] = _mix(under[i], paint, (0.5 - line).clamp(0, 1))
            covered[index, slot] = torch.nn.functional.avg_pool2d((0.5 - d).clamp(0, 1), COVERAGE_PIXELS)
            frames[index] = _paint_over(under, style, colour, d, x, y, short)
    for b, scene in enumerate(scenes):
        if scene["wall"]:
            left, right = (edge * width for edge in scene["wall"])
            coverage = (0.5 + torch.minimum(x[0] - left, right - x[0])).clamp(0, 1).expand(frame_count, height, width)
            frames[b] = _mix(frames[b], torch.tensor(world.WALL_COLOUR, dtype=torch.float32, device=device), coverage)
        if scene["box"]:
            frames[b] = _draw_box(frames[b], scene["box"], x[0], y[0], width, height, short)
    return (frames + 0.5).clamp(0, 255).to(torch.uint8), (covered * 255).to(torch.uint8)


def _with_bite(d, bite, x, y, r):
    bx, by = BITE_DISTANCE * r * math.cos(bite["angle"]), BITE_DISTANCE * r * math.sin(bite["angle"])
    hole = BITE_RADIUS * r - torch.sqrt((x - bx) ** 2 + (y - by) ** 2)
    taken = torch.arange(len(d), device=d.device)[:, None, None] >= bite["from"]
    return torch.where(taken, torch.maximum(d, hole), d)


def _line_distance(x, y, cx, cy, r):
    """Signed distance from the line painted from the first place to each later one: a segment with round ends."""
    sx, sy = cx[:1], cy[:1]
    ex, ey = cx - sx, cy - sy
    along = (((x - sx) * ex + (y - sy) * ey) / (ex * ex + ey * ey).clamp(min=1e-6)).clamp(0, 1)
    return torch.sqrt((x - sx - ex * along) ** 2 + (y - sy - ey * along) ** 2) - PAINT_HALF_WIDTH * r


def _draw_box(frames, box, x, y, width, height, short):
    """A box seen from above at 30 degrees, without perspective: the sides that face us, then its top."""
    frames = frames.clone()
    colour = torch.tensor(world.COLOURS[box["colour"]], dtype=torch.float32, device=frames.device)
    a, tall = box["side"] * short, box["height"] * short
    ox, oy = 0.5 * width, 0.56 * height
    # Up is 0.8660254 of the height on screen, depth towards us 0.5 downwards.
    place = lambda px, py, pz: (ox + px, oy + 0.5 * py - 0.8660254 * (pz - tall / 2))
    for f in range(len(frames)):
        angle = box["angle"] + box["turn"] * f
        corners = [(a * math.sqrt(2) * math.cos(angle + (k + 0.5) * math.pi / 2), a * math.sqrt(2) * math.sin(angle + (k + 0.5) * math.pi / 2)) for k in range(4)]
        for k in range(4):
            # The side between corners k-1 and k looks along angle + k * pi / 2.
            facing = math.sin(angle + k * math.pi / 2)
            if facing <= 0.02:
                continue
            (ax, ay), (bx, by) = corners[k - 1], corners[k]
            light = 0.42 + 0.4 * abs(math.cos(angle + k * math.pi / 2 - 0.6))
            frames[f] = _fill(frames[f], [place(ax, ay, 0), place(bx, by, 0), place(bx, by, tall), place(ax, ay, tall)], colour * light, x[0], y[0])
        frames[f] = _fill(frames[f], [place(px, py, tall) for px, py in corners], colour, x[0], y[0])
    return frames


def _fill(picture, corners, colour, x, y):
    """A convex polygon over a picture [H, W, 3]."""
    area = sum(ax * by - bx * ay for (ax, ay), (bx, by) in zip(corners, corners[1:] + corners[:1]))
    turn = 1 if area > 0 else -1
    d = None
    for (ax, ay), (bx, by) in zip(corners, corners[1:] + corners[:1]):
        ex, ey = bx - ax, by - ay
        length = max(1e-6, math.hypot(ex, ey))
        side = turn * ((x - ax) * ey - (y - ay) * ex) / length
        d = side if d is None else torch.maximum(d, side)
    return _mix(picture, colour, (0.5 - d).clamp(0, 1))


def to_model_range(frames):
    """uint8 [B, T, H, W, 3] -> float32 [B, 3, T, H, W] in [-1, 1]."""
    return frames.permute(0, 4, 1, 2, 3).float().div_(127.5).sub_(1).contiguous()


def to_bytes(frames):
    """float [B, 3, T, H, W] in [-1, 1] -> uint8 [B, T, H, W, 3], rounded to nearest."""
    return ((frames.float() + 1) * 127.5 + 0.5).clamp_(0, 255).to(torch.uint8).permute(0, 2, 3, 4, 1).contiguous()
