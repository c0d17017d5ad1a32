"""Trains the networks of the interactive world.

    python tiles.py codec    --out RUN --minutes 2     the codebook of patches
    python tiles.py dynamics --out RUN --minutes 18    the next frame from this one and an action
    python tiles.py all      --out RUN --minutes 20    both

Minutes are of processor time, so that other programs on the machine cost patience and not quality; the
learning rate comes down to zero when they are used up. `dynamics` goes on from its checkpoint when there is
one. The curves are in RUN/codec.jsonl and RUN/dynamics.jsonl.
"""

import argparse
import math
import signal
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

import tiles_model
import tiles_world as world
from course import log_to, ramp, save_atomically


def to_model_range(frames):
    """uint8 [B, H, W, 3] -> float32 [B, 3, H, W] in [-1, 1]."""
    return torch.from_numpy(np.ascontiguousarray(frames)).permute(0, 3, 1, 2).float().div_(127.5).sub_(1)


def played_boards(rng, count, rows, columns, steps):
    """Boards of training seeds after `steps` random actions."""
    boards = world.random_boards(rng.integers(0, world.FIRST_EVALUATION_SEED, count), rows, columns)
    actions = np.zeros(count, dtype=np.int64)
    for _ in range(steps):
        actions = world.random_actions(rng, actions)
        boards = world.step(boards, actions)
    return boards


def farthest_points(points, count):
    """Indices of `count` points, each the farthest from those before it."""
    chosen = [0]
    distance = ((points - points[0]) ** 2).sum(1)
    while len(chosen) < count:
        chosen.append(int(distance.argmax()))
        distance = torch.minimum(distance, ((points - points[chosen[-1]]) ** 2).sum(1))
    return chosen


def train_codec(args):
    """A vector-quantised autoencoder of single patches.

    First encoder and decoder alone, without a codebook. Then the codebook starts from encodings
    that lie far apart and follows the means of what falls to each code; codes that nothing falls to
    move to patches that are drawn worst. Noise on the encoder's input makes it forgive a smeared picture.
    """
    torch.manual_seed(args.seed)
    rng = np.random.default_rng(args.seed)
    log = log_to(args.out / "codec.jsonl")
    model = tiles_model.Tiles()
    encoder, decoder, codes = model.encoder, model.decoder, model.config.codes
    optimiser = torch.optim.AdamW([*encoder.parameters(), *decoder.parameters()], lr=2e-3, weight_decay=1e-4, fused=True)

    def batch():
        frames = world.render(played_boards(rng, 64, 8, 8, int(rng.integers(0, 12))))
        patches = tiles_model.patchify(to_model_range(frames)).reshape(-1, tiles_model.PATCH_VALUES)
        # Most patches are bare ground: of equal ones a few are enough.
        _, group, counts = torch.unique(patches, dim=0, return_inverse=True, return_counts=True)
        return patches[torch.multinomial(1 / counts[group].float(), 1024, replacement=True)]

    start, step, quantised = time.process_time(), 0, False
    sums, sizes = torch.zeros_like(encoder.codebook), torch.zeros(codes)
    while (progress := (time.process_time() - start) / (args.minutes * 60)) < 1:
        for group in optimiser.param_groups:
            group["lr"] = 2e-3 * ramp(progress, warmup=0.02, level_to=0.3)
        x = batch()
        noise = 0.1 * torch.rand(len(x), 1) * torch.randn_like(x)
        features = encoder.features(x + noise)
        if not quantised and progress > 0.25:
            with torch.no_grad():
                many = encoder.features(torch.cat([batch() for _ in range(8)]))
                encoder.codebook.copy_(many[farthest_points(many, codes)])
                sums, sizes, quantised = encoder.codebook.clone(), torch.ones(codes), True
        if quantised:
            nearest = encoder.nearest(features.detach())
            chosen = encoder.codebook[nearest]
            commitment = F.mse_loss(features, chosen)
            drawn = decoder.draw(features + (chosen - features).detach())
            with torch.no_grad():
                hits = F.one_hot(nearest, codes).float()
                sizes.lerp_(hits.sum(0), 0.02)
                sums.lerp_(hits.T @ features, 0.02)
                encoder.codebook.copy_(sums / sizes.clamp(min=1e-4)[:, None])
                dead = torch.nonzero(sizes < 0.02).flatten()
                if len(dead) > 0 and step % 20 == 0 and progress < 0.8:
                    worst = ((drawn - x) ** 2).mean(1).topk(min(8, len(dead))).indices
                    rows = dead[: len(worst)]
                    encoder.codebook[rows], sums[rows], sizes[rows] = features[worst], features[worst], 1.0
        else:
            commitment = 1e-3 * features.square().mean()
            drawn = decoder.draw(features)
        error = drawn - x
        loss = error.square().mean() + 0.1 * error.abs().mean() + 0.25 * commitment
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        step += 1
        if step % 100 == 0:
            log(step=step, spent_s=time.process_time() - start, loss=float(loss.detach()), psnr=tiles_psnr(drawn.detach(), x),
                used=int((sizes > 0.02).sum()))
    decoder.codebook.copy_(encoder.codebook)
    model.eval()
    with torch.no_grad():
        frames = to_model_range(world.render(played_boards(rng, 256, 8, 8, 20)))
        round_trip = decoder(encoder(frames))
        worst = float((round_trip - frames).square().mean((1, 2, 3)).max())
        atlas = to_model_range(world.ATLAS)
        distinct = len(torch.unique(encoder(atlas)))
    facts = {"psnr": tiles_psnr(round_trip, frames), "worst_psnr": -10 * math.log10(worst / 4), "codes_of_atlas": distinct}
    log(step=step, spent_s=time.process_time() - start, **facts)
    save_atomically(tiles_model.checkpoint_of(model, **facts), args.out / "codec.pt")


def tiles_psnr(a, b):
    return -10 * math.log10(max(1e-12, float((a - b).square().mean())) / 4)


class Pool:
    """Boards being played, beside what the network believes they show.

    The belief is the network's own prediction from its belief before, so it learns on its own errors. It is set
    right now and then, soon when it is wrong, at once when it has more than two tiles wrong: of what nobody could know
    nothing is learnt.
    """

    def __init__(self, rng, code_of_patch, count, rows, columns):
        self.rng, self.code_of_patch, self.count, self.shape = rng, code_of_patch, count, (rows, columns)
        self.boards = played_boards(rng, count, rows, columns, int(rng.integers(0, 30)))
        self.actions = np.zeros(count, dtype=np.int64)
        self.belief = code_of_patch[world.patches(self.boards)]

    def draw(self):
        """(codes to start from, actions, codes that follow, where a code was made false): [B, R, C], [B], [B, R, C] twice."""
        self.actions = world.random_actions(self.rng, self.actions)
        self.boards = world.step(self.boards, self.actions)
        given = self.belief.copy()
        # A false code here and there in a few boards: what stands beside it may tell what it should be.
        wrong = (self.rng.random(given.shape) < 0.02) & (self.rng.random(self.count) < 0.2)[:, None, None]
        given[wrong] = self.rng.integers(0, int(self.code_of_patch.max()) + 1, int(wrong.sum()))
        self.truth = self.code_of_patch[world.patches(self.boards)]
        return torch.from_numpy(given), torch.from_numpy(self.actions), torch.from_numpy(self.truth), torch.from_numpy(wrong)

    def believe(self, predicted):
        predicted = predicted.numpy()
        wrong = (predicted != self.truth).sum(axis=(1, 2))
        corrected = (self.rng.random(self.count) < np.where(wrong > 0, 0.6, 0.1)) | (wrong > 2)
        self.belief = np.where(corrected[:, None, None], self.truth, predicted)
        fresh = np.flatnonzero(self.rng.random(self.count) < 0.02)
        if len(fresh) > 0:
            boards = played_boards(self.rng, len(fresh), *self.shape, 0)
            for name, values in boards.items():
                self.boards[name][fresh] = values
            self.belief[fresh] = self.code_of_patch[world.patches(boards)]


@torch.no_grad()
def rollout_accuracy(model, code_of_patch, seeds, steps, rows=8, columns=8):
    """Share of frames that are the true frame, tile for tile, when the network only ever sees its own frames."""
    rng = np.random.default_rng(int(seeds[0]))
    boards, actions, right = world.random_boards(seeds, rows, columns), np.zeros(len(seeds), dtype=np.int64), []
    codes = torch.from_numpy(code_of_patch[world.patches(boards)])
    for _ in range(steps):
        actions = world.random_actions(rng, actions)
        boards = world.step(boards, actions)
        codes = model.dynamics(codes, torch.from_numpy(actions)).argmax(-1)
        right.append((codes.numpy() == code_of_patch[world.patches(boards)]).all(axis=(1, 2)))
    return float(np.mean(right)), float(np.mean(right[-1]))


def train_dynamics(args):
    """Cross-entropy of the next frame's codes, on boards of several sizes."""
    torch.manual_seed(args.seed)
    log = log_to(args.out / "dynamics.jsonl")
    model, facts = tiles_model.load(args.out / "codec.pt")
    dynamics, checkpoint = model.dynamics, args.out / "dynamics.pt"
    average = tiles_model.load(args.out / "codec.pt")[0]
    optimiser = torch.optim.AdamW(dynamics.parameters(), lr=args.rate, weight_decay=0.02, betas=(0.9, 0.98), fused=True)
    step, spent, frames_seen = 0, 0.0, 0
    if checkpoint.exists():
        saved = torch.load(checkpoint, weights_only=True)
        dynamics.load_state_dict(saved["raw"])
        average.load_state_dict(saved["state"])
        optimiser.load_state_dict(saved["optimiser"])
        step, spent, frames_seen = saved["step"], saved["spent_s"], saved["frames_seen"]
    else:
        # Patches that look alike start alike: the embedding begins as a projection of the codebook.
        with torch.no_grad():
            projection = torch.randn(model.config.code_width, model.config.width) / math.sqrt(model.config.code_width)
            scaled = (model.encoder.codebook - model.encoder.codebook.mean(0)) / model.encoder.codebook.std()
            dynamics.embed.weight.copy_(0.7 * scaled @ projection + 0.3 * torch.randn(dynamics.embed.weight.shape))
            average.dynamics.load_state_dict(dynamics.state_dict())
    # Encoding a rendered board is encoding its patches, and there are few: look their codes up.
    with torch.no_grad():
        code_of_patch = model.encoder(to_model_range(world.ATLAS)).flatten().numpy()
    rng = np.random.default_rng(args.seed + step)
    # Small boards have more agent and edge to a tile, so they teach more in the same time.
    sizes = ((4, 4), (5, 5), (4, 6), (6, 6), (5, 7), (8, 8), (8, 8))
    pools = [Pool(rng, code_of_patch, max(8, args.tiles // (r * c)), r, c) for r, c in sizes]
    held_out = np.arange(world.FIRST_EVALUATION_SEED + 1_000_000, world.FIRST_EVALUATION_SEED + 1_000_032)
    stop = []
    signal.signal(signal.SIGTERM, lambda *_: stop.append(True))
    started = time.process_time() - spent

    def save():
        save_atomically(tiles_model.checkpoint_of(
            average, raw=dynamics.state_dict(), optimiser=optimiser.state_dict(), step=step, spent_s=time.process_time() - started,
            frames_seen=frames_seen, **facts), checkpoint)

    losses, shares = [], []
    while (progress := (time.process_time() - started) / (args.minutes * 60)) < 1 and not stop:
        for group in optimiser.param_groups:
            group["lr"] = args.rate * ramp(progress, warmup=0.02, level_to=0.3)
        pool = pools[step % len(pools)]
        given, actions, truth, wrong = pool.draw()
        with torch.autocast("cpu", torch.bfloat16, enabled=args.bf16):
            scores = dynamics(given, actions)
        scores = scores.float()
        error = F.cross_entropy(scores.flatten(0, 2), truth.flatten(), reduction="none")
        # Most tiles only stay what they are; the harder ones count more, but not those that can only be guessed.
        weight = 1 + 4 * ((error.detach() > 0.05) & ~wrong.flatten()).float()
        loss = (weight * error).sum() / weight.numel()
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(dynamics.parameters(), 1.0)
        optimiser.step()
        predicted = scores.detach().argmax(-1)
        pool.believe(predicted)
        with torch.no_grad():
            keep = min(0.998, 1 - 1 / (step + 2))
            for slow, fast in zip(average.dynamics.parameters(), dynamics.parameters()):
                slow.lerp_(fast, 1 - keep)
        step += 1
        frames_seen += len(given)
        losses.append(float(loss.detach()))
        shares.append(float(((predicted == truth) | wrong).all(-1).all(-1).float().mean()))
        if step % 50 == 0:
            log(step=step, spent_s=time.process_time() - started, frames=frames_seen, loss=sum(losses) / len(losses), whole_frames=sum(shares) / len(shares))
            losses, shares = [], []
        if step % 400 == 0:
            mean, last = rollout_accuracy(average, code_of_patch, held_out, 32)
            log(step=step, spent_s=time.process_time() - started, rollout_32=mean, rollout_last=last)
            save()
    save()
    if not stop:
        for steps in (32, 128, 500):
            mean, last = rollout_accuracy(average, code_of_patch, held_out, steps)
            log(step=step, spent_s=time.process_time() - started, rollout_steps=steps, frames_right=mean, last_right=last)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("step", choices=("codec", "dynamics", "all"))
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=20, help="of processor time")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--rate", type=float, default=2e-3, help="highest learning rate of the dynamics")
    parser.add_argument("--tiles", type=int, default=3072, help="tiles of one update")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--bf16", action="store_true")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(args.threads)
    if args.step == "all":
        total = args.minutes
        args.minutes = total * 0.1
        train_codec(args)
        args.minutes = total * 0.9
        train_dynamics(args)
    else:
        {"codec": train_codec, "dynamics": train_dynamics}[args.step](args)


if __name__ == "__main__":
    main()
