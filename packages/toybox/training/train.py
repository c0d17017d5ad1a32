"""One entry for everything that is trained. Each step writes into `--out` and reads what earlier steps left there.

    python train.py --out RUN vae | text | latents | others | dit | trajectories | student | sample      one step
    python train.py --out RUN all --minutes 300               all of them, the time shared out
    python train.py --out RUN all --rehearse                  the whole chain in about two minutes

Every step is limited by time, not by a number of updates, so that the learning rate has come down
to zero when the time is up, on whatever machine. `dit` goes on from its checkpoint when there is one.
"""

import argparse
import json
import math
import multiprocessing
import random
import signal
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

import captions
import distil
import dit
import pictures
import text
import vae
import world
from course import log_to, ramp, save_atomically
from team import Team, start_helpers


class Clock:
    """Progress of a step that may take `minutes`, of which `spent_s` went in before a restart."""

    def __init__(self, minutes, spent_s=0.0):
        self.total_s, self.start = minutes * 60, time.time() - spent_s

    def spent(self):
        return time.time() - self.start

    def progress(self):
        return self.spent() / self.total_s


def clip_weights(scenes):
    """Loss weights with mean 1: more for faint and for small shapes, whose outline the squared error alone hardly notices."""
    def weight(scene):
        tone = world.TONES[scene["background"].split()[0]] if scene["background"] not in world.FLOORS else world.FLOORS[scene["background"]][0]
        shapes = [1 / (math.dist(world.COLOURS[body["colour"]], tone) ** 2 * body["radius"]) for body in scene["objects"]]
        return max(shapes, default=1 / (150 ** 2 * 0.2))
    weights = torch.tensor([weight(scene) for scene in scenes]).clamp(max=1 / (60 ** 2 * 0.1))
    return weights / weights.mean()


def join_team(step, args):
    """The leader's place in a team whose other processes run `step` too."""
    meeting_place = (args.out / f"team-{step.__name__}").absolute()
    start_helpers(step, args, args.workers, meeting_place)
    return Team(0, args.workers, meeting_place)


def train_vae(args, team=None):
    """Principal components first, then all weights on the squared error, with noise on the latent.

    The noise (up to a fifth of a latent's deviation) makes the decoder forgive the small errors of a
    denoiser; a weak pull to unit variance keeps the encoder from shouting over it. With
    `--decoder-only` the saved autoencoder goes on with its encoder, and so all latents, as they are.
    """
    team = team or join_team(train_vae, args)
    torch.manual_seed(args.seed)
    log = log_to(args.out / "vae.jsonl") if team.leads else lambda **_: None
    device = args.device
    scenes, seed = world.training_scenes(args.seed + 1, 1000)
    frames = pictures.to_model_range(pictures.render(scenes))
    held_back = frames[:96].to(device)
    if args.decoder_only:
        model = vae.load(args.out / "vae.pt", device)[0].train()
        model.encoder.requires_grad_(False)
        seed += 100_000_000
    else:
        model = vae.Vae(vae.VaeConfig(args.latent_channels, args.vae_width))
        model.initialise_with_components(frames)
        model.to(device)
    most_noise = 0.1 if args.decoder_only else 0.2
    with torch.no_grad():
        log(start_psnr=vae.psnr(model.decoder(model.encoder(held_back)), held_back))
    trained = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
    linear = [p for name, p in trained if ".linear." in name]
    rest = [p for name, p in trained if ".linear." not in name]
    optimiser = torch.optim.AdamW(
        [{"params": linear, "peak": 5e-4}, {"params": rest, "peak": 2e-3}], weight_decay=1e-4, betas=(0.9, 0.98), fused=True)
    clock, step, batch = Clock(args.minutes), 0, args.vae_batch // team.count
    torch.manual_seed(args.seed + 1000 * team.rank)
    seed += 50_000_000 * team.rank
    while True:
        progress, = team.agree(clock.progress())
        if progress >= 1:
            break
        if step % 64 == 0:
            scenes, seed = world.training_scenes(seed, 384)
            pool, weights = pictures.render(scenes, device=device), clip_weights(scenes).to(device)
        for group in optimiser.param_groups:
            group["lr"] = group["peak"] * ramp(progress)
        rows = torch.randint(len(pool), (batch,), device=device)
        x, weight = pictures.to_model_range(pool[rows]), 0.3 + 0.7 * weights[rows]
        with torch.autocast(device_type=torch.device(device).type, dtype=torch.bfloat16, enabled=args.bf16):
            z = model.encoder(x)
            noise_level = most_noise * (0.25 + 0.75 * torch.rand(len(z), 1, 1, 1, 1, device=device))
            decoded = model.decoder(z + noise_level * torch.randn_like(z))
        # Absolute error beside the squared one keeps flat areas flat and edges sharp.
        error = decoded.float() - x
        variance = z.float().var(dim=(0, 2, 3, 4))
        loss = (weight * (error.square().mean((1, 2, 3, 4)) + 0.02 * error.abs().mean((1, 2, 3, 4)))).mean()
        loss = loss + 1e-3 * (variance - 1).square().mean()
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        team.average_gradients([p for _, p in trained])
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        step += 1
        if step % 50 == 0:
            log(step=step, spent_s=clock.spent(), loss=float(loss.detach()), psnr=vae.psnr(decoded.detach().float(), x))
    if not team.leads:
        return
    model.eval()
    with torch.no_grad():
        score = vae.psnr(model.decoder(model.encoder(held_back)), held_back)
    log(step=step, spent_s=clock.spent(), round_trip_psnr=score)
    vae.save(model.cpu(), args.out / "vae.pt", psnr=score, seconds=clock.spent())


def train_text(args):
    """Teach the text encoder to say every fact of a caption, in any wording, and to fill in masked words. Goes on from `text.pt` if it is there."""
    torch.manual_seed(args.seed)
    log = log_to(args.out / "text.jsonl")
    before = (args.out / "text.pt").exists()
    rng, seed = random.Random(args.seed + before), args.seed + 900_000_000 + before * 20_000_000
    tokenizer = captions.load_tokenizer(args.out / "tokenizer.json") if before else captions.train_tokenizer(args.out / "tokenizer.json")
    encoder = text.TextEncoder(text.TextConfig(vocabulary=tokenizer.get_vocab_size(), width=args.text_width)).to(args.device)
    if before:
        encoder.load_state_dict(text.load(args.out / "text.pt").state_dict())
    heads = text.Heads(encoder.config).to(args.device)
    parameters = [*encoder.parameters(), *heads.parameters()]
    optimiser = torch.optim.AdamW(parameters, lr=2e-3, weight_decay=0.01, fused=True)
    clock, step = Clock(args.minutes), 0
    while clock.progress() < 1:
        for group in optimiser.param_groups:
            group["lr"] = 2e-3 * ramp(clock.progress())
        batch = [captions.random_caption(rng, world.random_scene(seed + i), canonical_share=0.25) for i in range(128)]
        seed += len(batch)
        loss, accuracy = text.pretraining_loss(encoder, heads, tokenizer, batch, args.device)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        step += 1
        if step % 100 == 0:
            log(step=step, spent_s=clock.spent(), loss=float(loss.detach()), read_without_fault=accuracy)
    text.save(encoder.cpu(), args.out / "text.pt")


#: (frames, height, width, kind of scene, share of their updates): mixed in beside the default, so that the
#: denoiser serves them too. Walls get longer clips, in which a shape can stay hidden for eight frames.
OTHERS = (
    (9, 64, 64, None, 1), (25, 64, 64, None, 1), (33, 64, 64, None, 1), (33, 64, 64, "wall", 3), (65, 64, 64, None, 0.5),
    (17, 64, 96, None, 1), (17, 96, 64, None, 1), (17, 48, 48, None, 1), (17, 80, 80, None, 1), (17, 96, 96, None, 1), (17, 128, 128, None, 0.5),
)
#: Share of the updates made on them.
OTHER_SHARE = 0.15


@torch.no_grad()
def _encode_some(job):
    """Latents (float16), coverage and seeds of `count` training clips; a process of its own."""
    args, first_seed, count, frame_count, height, width, kind = job
    torch.set_num_threads(1)
    model, _ = vae.load(args.out / "vae.pt", args.device)
    # Made once, in whole: many small pieces kept between large ones that go leave the heap in shreds.
    places = (height // pictures.COVERAGE_PIXELS, width // pictures.COVERAGE_PIXELS)
    latents = torch.empty(count, model.config.channels, (frame_count - 1) // vae.TEMPORAL + 1, *places, dtype=torch.float16)
    coverage, seeds = torch.empty(count, 3, frame_count, *places, dtype=torch.uint8), torch.empty(count, dtype=torch.int64)
    seed, start = first_seed, 0
    while start < count:
        scenes, end = [], min(start + 64, count)
        for row in range(start, end):
            made, seed = world.training_scenes(seed, 1, frame_count, kind=kind)
            scenes += made
            seeds[row] = seed - 1
        frames, coverage[start:end] = pictures.render_with_coverage(scenes, width, height, args.device)
        for first in range(0, len(frames), 16):
            with torch.autocast(device_type=torch.device(args.device).type, dtype=torch.bfloat16, enabled=args.bf16):
                encoded = model.encoder(pictures.to_model_range(frames[first : first + 16]))
            latents[start + first : start + first + len(encoded)] = encoded
        start = end
    return latents, coverage, seeds


def encode_clips(args, first_seed, count, frame_count=world.DEFAULT_FRAME_COUNT, height=64, width=64, kind=None):
    """`count` training clips, encoded by `--workers` processes; the scenes follow again from their seeds."""
    if count * 20 + first_seed > world.FIRST_EVALUATION_SEED:
        raise ValueError("too many clips for the seeds set apart for training")
    part = -(-count // args.workers)
    # Held-out scenes are skipped, so a worker may need more seeds than clips; one in three is ample.
    jobs = [(args, first_seed + worker * part * 2, part, frame_count, height, width, kind) for worker in range(args.workers)]
    if args.workers == 1:
        parts = [_encode_some(jobs[0])]
    else:
        with multiprocessing.get_context("spawn").Pool(args.workers) as pool:
            parts = pool.map(_encode_some, jobs, chunksize=1)
    latents, coverage, seeds = (torch.cat(values)[:count] for values in zip(*parts))
    return {"latents": latents, "coverage": coverage, "seeds": seeds, "frame_count": frame_count, "kind": kind or ""}


def make_other_latents(args):
    """Clips of other frame counts and sizes, a thirtieth of `--clips` of each, into `latents-other.pt`."""
    log = log_to(args.out / "latents.jsonl")
    start, groups = time.time(), []
    for index, (frame_count, height, width, kind, _) in enumerate(OTHERS):
        groups.append(encode_clips(args, args.seed + 500_000_000 + index * 10_000_000, args.clips // 30, frame_count, height, width, kind))
    save_atomically(groups, args.out / "latents-other.pt")
    log(other_clips=sum(len(group["latents"]) for group in groups), seconds=time.time() - start)


def make_latents(args):
    """Render and encode `--clips` training clips; latents as float16, with the seeds their captions follow from."""
    log = log_to(args.out / "latents.jsonl")
    start = time.time()
    data = encode_clips(args, args.seed + 300_000_000, args.clips)
    scale = args.out / "scale.pt"
    if scale.exists():
        # A denoiser that is gone on with knows these.
        mean, std = torch.load(scale, weights_only=True).values()
    else:
        sample = data["latents"][:8192].float()
        mean, std = sample.mean(dim=(0, 2, 3, 4)), sample.std(dim=(0, 2, 3, 4))
    save_atomically({**data, "mean": mean, "std": std}, args.out / "latents.pt")
    log(clips=len(data["latents"]), seconds=time.time() - start, std=[round(float(v), 3) for v in std])


class Clips:
    """Encoded clips in memory, with their scenes."""

    def __init__(self, data):
        self.latents, self.coverage = data["latents"], data["coverage"]
        self.scenes = [world.random_scene(seed, data["frame_count"], kind=data["kind"] or None) for seed in data["seeds"].tolist()]

    def __len__(self):
        return len(self.scenes)

    def batch(self, rows, rng):
        """(latents, coverage 0-1 with the shapes in the order of the caption, captions); one caption in ten is empty."""
        coverage, sentences = self.coverage[rows].float() / 255, []
        for i, row in enumerate(rows):
            sentence, facts = captions.random_caption(rng, self.scenes[row], canonical_share=0.5)
            sentences.append(sentence if rng.random() >= 0.1 else "")
            if captions.is_swapped(facts):
                coverage[i, :2] = coverage[i, :2].flip(0)
        return self.latents[rows].float(), coverage, sentences


def train_dit(args, team=None):
    """Flow matching on the cached latents. Goes on from `dit.pt` if it is there, within the same total of minutes."""
    team = team or join_team(train_dit, args)
    log = log_to(args.out / "dit.jsonl")
    device = torch.device(args.device)
    cache = torch.load(args.out / "latents.pt", weights_only=True, mmap=True)
    clips = Clips(cache)
    others_file = args.out / "latents-other.pt"
    others = [Clips(group) for group in torch.load(others_file, weights_only=True, mmap=True)] if others_file.exists() else []
    shares = np.array([share for *_, share in OTHERS[: len(others)]])
    mean, std = (cache[name].view(1, -1, 1, 1, 1).to(device) for name in ("mean", "std"))
    tokenizer = captions.load_tokenizer(args.out / "tokenizer.json")
    encoder = text.load(args.out / "text.pt", args.device)

    torch.manual_seed(args.seed)
    config = dit.DitConfig(channels=clips.latents.shape[1], text_width=encoder.config.width, width=args.width, depth=args.depth, heads=args.heads)
    model, whereabouts = dit.Dit(config).to(device), dit.Whereabouts(config).to(device)
    ema, step, samples, spent = dit.Ema(model), 0, 0, 0.0
    checkpoint = args.out / "dit.pt"
    saved = torch.load(checkpoint, map_location=device, weights_only=True) if checkpoint.exists() else None
    if saved:
        model.load_state_dict(saved["state"])
        whereabouts.load_state_dict(saved["whereabouts"])
        ema.model.load_state_dict(saved["ema"])
        ema.steps = step = saved["step"]
        samples, spent = saved["samples"], saved["spent_s"]
    elif args.start:
        samples = dit.start_from(args.start, model, ema)
    matrices, rest = dit.split_parameters(model)
    rest += whereabouts.parameters()
    every = [*model.parameters(), *whereabouts.parameters()]
    # Muon's momentum is short, so it is divided among the team and not saved.
    optimisers = [(dit.muon(team.own_share(matrices), args.muon_lr), args.muon_lr), (dit.adam(rest, args.adam_lr), args.adam_lr)]
    if saved and "adam" in saved:
        optimisers[1][0].load_state_dict(saved["adam"])
    # One text length throughout, so that the compiled graph is made once.
    network = torch.compile(model.velocity_and_middle) if args.compile else model.velocity_and_middle
    torch.manual_seed(args.seed + step + 1000 * team.rank)
    rng, words = np.random.default_rng([args.seed, step, team.rank]), random.Random(f"{args.seed} {step} {team.rank}")
    batch = args.batch // team.count
    clock, order, losses, last_save = Clock(args.minutes, spent), [], [], time.time()
    # Asked to stop (kill, or a machine being taken away): finish the update, save, leave.
    stop = []
    if team.leads:
        signal.signal(signal.SIGTERM, lambda *_: stop.append(True))

    def save():
        save_atomically({"config": asdict(config), "state": model.state_dict(), "ema": ema.model.state_dict(), "whereabouts": whereabouts.state_dict(),
                         "adam": optimisers[1][0].state_dict(), "step": step, "samples": samples, "spent_s": clock.spent(),
                         "shift": args.shift}, checkpoint)

    while True:
        other = rng.choice(len(others), p=shares / shares.sum()) if others and rng.random() < OTHER_SHARE else -1
        progress, other, stopped = team.agree(clock.progress(), other, len(stop))
        if progress >= 1 or stopped:
            break
        if other >= 0:
            group, denoiser = others[int(other)], model.velocity_and_middle
            # As many tokens as a batch of the default size.
            count = max(1, batch * clips.latents[0, 0].numel() // group.latents[0, 0].numel())
            rows = rng.integers(len(group), size=count).tolist()
        else:
            group, denoiser = clips, network
            if len(order) < batch:
                order = rng.permutation(len(clips)).tolist()
            rows, order = order[:batch], order[batch:]
        x, coverage, sentences = group.batch(rows, words)
        x, coverage = (x.to(device) - mean) / std, coverage.to(device)
        ids, mask = (torch.from_numpy(a).to(device) for a in captions.encode(tokenizer, sentences, length=40))
        told = torch.tensor([sentence != "" for sentence in sentences], device=device).float()
        with torch.no_grad():
            hidden = encoder(ids, mask)
        with torch.autocast(device_type=device.type, dtype=torch.bfloat16, enabled=args.bf16):
            loss, plain, lost = dit.flow_loss(denoiser, x, hidden, mask, args.shift, rng, whereabouts, coverage, told, args.shape_emphasis)
        (loss + args.whereabouts_weight * lost).backward()
        team.average_gradients(every)
        torch.nn.utils.clip_grad_norm_(every, 1.0, foreach=True)
        for optimiser, peak in optimisers:
            for group_ in optimiser.param_groups:
                group_["lr"] = peak * ramp(progress)
            optimiser.step()
        for parameter in every:
            parameter.grad = None
        team.exchange(matrices)
        step, samples = step + 1, samples + len(rows) * team.count
        if not team.leads:
            continue
        ema.update(model)
        losses.append(torch.stack([plain, lost.detach(), loss.detach()]))
        if len(losses) == 25:
            both = torch.stack(losses).mean(0)
            log(step=step, samples=samples, spent_s=clock.spent(), lr_factor=ramp(progress), loss=float(both[0]), whereabouts=float(both[1]), weighted_loss=float(both[2]))
            losses = []
        if time.time() - last_save > args.save_minutes * 60:
            save()
            last_save = time.time()
    if team.leads:
        save()


@torch.no_grad()
def _teach_some(job):
    """The teacher's ways for `count` captions, half of them with something given; a process of its own."""
    args, worker, count = job
    torch.set_num_threads(1)
    device = torch.device(args.device)
    torch.manual_seed(args.seed + 100 + worker)
    rng, words = np.random.default_rng([args.seed, 100, worker]), random.Random(f"{args.seed} teacher {worker}")
    cache = torch.load(args.out / "latents.pt", weights_only=True, mmap=True)
    clips = Clips(cache)
    mean, std = (cache[name].view(1, -1, 1, 1, 1).to(device) for name in ("mean", "std"))
    model, saved = dit.load(args.out / "dit.pt", args.device)
    encoder, tokenizer = text.load(args.out / "text.pt", args.device), captions.load_tokenizer(args.out / "tokenizer.json")
    encode = lambda sentences, length=None: (torch.from_numpy(a).to(device) for a in captions.encode(tokenizer, sentences, length))
    empty_ids, empty_mask = encode([""])
    empty = encoder(empty_ids, empty_mask)
    places, masks, conditions, sentences = [], [], [], []
    while len(sentences) < count:
        rows = rng.integers(len(clips), size=min(16, count - len(sentences))).tolist()
        x, _, said = clips.batch(rows, words)
        x = (x.to(device) - mean) / std
        _, _, t, h, w = x.shape
        mask = dit.random_condition_mask(len(rows), t, h, w, rng).to(device)
        ids, text_mask = encode(said, 40)
        with torch.autocast(device_type=device.type, dtype=torch.bfloat16, enabled=args.bf16):
            way = distil.trajectory(model, encoder(ids, text_mask), text_mask, empty, empty_mask, torch.randn_like(x), x * mask, mask,
                                    saved["shift"], args.guidance)
        places.append(way.half().cpu())
        masks.append(mask.bool().cpu())
        conditions.append((x * mask).half().cpu())
        sentences += said
    return torch.cat(places, 1), torch.cat(masks), torch.cat(conditions), sentences


def make_trajectories(args):
    """The teacher's ways of `--clips` clips into `trajectories.pt`."""
    log, start = log_to(args.out / "distil.jsonl"), time.time()
    jobs = [(args, worker, -(-args.clips // args.workers)) for worker in range(args.workers)]
    with multiprocessing.get_context("spawn").Pool(args.workers) as pool:
        parts = pool.map(_teach_some, jobs, chunksize=1)
    places, masks, conditions, sentences = zip(*parts)
    save_atomically({"places": torch.cat(places, 1), "masks": torch.cat(masks), "conditions": torch.cat(conditions),
                     "sentences": [sentence for part in sentences for sentence in part]}, args.out / "trajectories.pt")
    log(trajectories=sum(map(len, sentences)), seconds=time.time() - start)


def train_student(args, team=None):
    """Distil `dit.pt` into the few-step `fast.pt` on the teacher's ways."""
    team = team or join_team(train_student, args)
    log, device = log_to(args.out / "distil.jsonl"), torch.device(args.device)
    ways = torch.load(args.out / "trajectories.pt", weights_only=True, mmap=True)
    tokenizer, encoder = captions.load_tokenizer(args.out / "tokenizer.json"), text.load(args.out / "text.pt", args.device)
    saved = torch.load(args.out / "dit.pt", map_location=device, weights_only=True)
    model = dit.Dit(dit.DitConfig(**saved["config"])).to(device)
    model.load_state_dict(saved["ema"])
    ema, step, samples, losses = dit.Ema(model), 0, 0, []
    matrices, rest = dit.split_parameters(model)
    optimisers = [(dit.muon(team.own_share(matrices), args.muon_lr), args.muon_lr / 4), (dit.adam(rest, args.adam_lr), args.adam_lr / 4)]
    network = torch.compile(model) if args.compile else model
    torch.manual_seed(args.seed + 200 + team.rank)
    rng, clock, batch = np.random.default_rng([args.seed, 200, team.rank]), Clock(args.minutes), args.batch // team.count
    while True:
        progress, = team.agree(clock.progress())
        if progress >= 1:
            break
        rows = torch.from_numpy(np.sort(rng.choice(len(ways["sentences"]), batch, replace=False)))
        places, mask, condition = ways["places"][:, rows].float().to(device), ways["masks"][rows].float().to(device), ways["conditions"][rows].float().to(device)
        ids, text_mask = (torch.from_numpy(a).to(device) for a in captions.encode(tokenizer, [ways["sentences"][row] for row in rows.tolist()], length=40))
        with torch.no_grad():
            hidden = encoder(ids, text_mask)
        with torch.autocast(device_type=device.type, dtype=torch.bfloat16, enabled=args.bf16):
            loss = distil.student_loss(network, places, hidden, text_mask, condition, mask, saved["shift"], rng)
        loss.backward()
        team.average_gradients(list(model.parameters()))
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0, foreach=True)
        for optimiser, peak in optimisers:
            for group in optimiser.param_groups:
                group["lr"] = peak * ramp(progress)
            optimiser.step()
        model.zero_grad(set_to_none=True)
        team.exchange(matrices)
        step, samples = step + 1, samples + batch * team.count
        if not team.leads:
            continue
        ema.update(model)
        losses.append(loss.detach())
        if len(losses) == 25:
            log(step=step, samples=samples, spent_s=clock.spent(), loss=float(torch.stack(losses).mean()))
            losses = []
    if team.leads:
        save_atomically({"config": saved["config"], "state": model.state_dict(), "ema": ema.model.state_dict(), "step": step, "samples": samples,
                         "spent_s": clock.spent(), "shift": saved["shift"], "steps": distil.STEPS}, args.out / "fast.pt")


def sample_clips(args):
    """Draw `--count` evaluation scenes' captions from the checkpoint as it is now, into `samples/` for the scorer and for `sheet.py`."""
    device = torch.device(args.device)
    model, saved = dit.load(args.out / (args.checkpoint or "dit.pt"), args.device, ema=not args.raw)
    decoder = vae.load(args.out / "vae.pt", args.device)[0].decoder
    encoder = text.load(args.out / "text.pt", args.device)
    tokenizer = captions.load_tokenizer(args.out / "tokenizer.json")
    cache = torch.load(args.out / "latents.pt", weights_only=True, mmap=True)
    mean, std = (cache[name].view(1, -1, 1, 1, 1).to(device) for name in ("mean", "std"))
    scenes = [world.random_scene(world.FIRST_EVALUATION_SEED + 1_000_000 + i, args.frames, kind=args.kind) for i in range(args.count)]
    sentences = [captions.canonical(scene) for scene in scenes]
    encode = lambda batch: tuple(torch.from_numpy(a).to(device) for a in captions.encode(tokenizer, batch))
    generator = torch.Generator().manual_seed(args.seed)
    clips = []
    with torch.no_grad():
        empty_ids, empty_mask = encode([""])
        for first in range(0, len(sentences), 32):
            ids, mask = encode(sentences[first : first + 32])
            noise = torch.randn(len(ids), len(cache["mean"]), (args.frames - 1) // 4 + 1, 8, 8, generator=generator).to(device)
            latent = dit.sample(model, encoder(ids, mask), mask, encoder(empty_ids, empty_mask), empty_mask, noise,
                                args.steps, args.sample_shift or saved["shift"], args.guidance)
            clips.append(pictures.to_bytes(decoder(latent * std + mean)).cpu())
    write_clips(args.out / "samples", torch.cat(clips).numpy(), sentences)


def write_clips(folder, clips, sentences):
    """Raw clips for the TypeScript scorer: uint8 [clips, T, H, W, 3] in `clips.u8`, what they should show in `clips.json`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "clips.u8").write_bytes(clips.tobytes())
    _, frame_count, height, width, _ = clips.shape
    (folder / "clips.json").write_text(json.dumps({"width": width, "height": height, "frameCount": frame_count, "captions": sentences}))


STEPS = {"vae": train_vae, "text": train_text, "latents": make_latents, "others": make_other_latents, "dit": train_dit,
         "trajectories": make_trajectories, "student": train_student, "sample": sample_clips}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("step", choices=[*STEPS, "all"])
    parser.add_argument("--out", type=Path, required=True, help="folder for checkpoints and logs")
    parser.add_argument("--minutes", type=float, default=None, help="time limit of the step (of all steps, for `all`)")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--bf16", action="store_true", help="autocast to bfloat16")
    parser.add_argument("--workers", type=int, default=1, help="dit: processes that share the batch; on busy cores better than threads")
    parser.add_argument("--compile", action="store_true", help="dit: torch.compile (a minute at the start, then a fifth faster)")
    parser.add_argument("--rehearse", action="store_true", help="the smallest run that goes through everything")
    parser.add_argument("--latent-channels", type=int, default=24)
    parser.add_argument("--vae-width", type=int, default=160)
    parser.add_argument("--decoder-only", action="store_true", help="vae: go on with the saved one, its latents unchanged")
    parser.add_argument("--vae-batch", type=int, default=16)
    parser.add_argument("--text-width", type=int, default=128)
    parser.add_argument("--clips", type=int, default=60_000)
    parser.add_argument("--save-minutes", type=float, default=3)
    parser.add_argument("--raw", action="store_true", help="sample: the weights themselves, not their moving average")
    parser.add_argument("--checkpoint", default=None, help="sample: another file than dit.pt")
    parser.add_argument("--kind", default=None, choices=list(world.KINDS), help="sample: scenes of one kind")
    parser.add_argument("--frames", type=int, default=world.DEFAULT_FRAME_COUNT, help="sample: frames of a clip")
    parser.add_argument("--count", type=int, default=32, help="sample: how many prompts")
    parser.add_argument("--steps", type=int, default=16, help="sample: Euler steps")
    parser.add_argument("--guidance", type=float, default=3.0, help="sample: guidance scale")
    parser.add_argument("--sample-shift", type=float, default=None, help="sample: shift, if not the one trained with")
    dit.add_arguments(parser)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    if args.step == "all":
        # Shares of the whole: the autoencoder and the encoder learn fast, the denoiser wants the rest.
        total, clips = args.minutes or 300, args.clips
        if args.rehearse:
            clips, total = 256, 2
        # Latents and trajectories have no time limit; they take as long as the clips asked for.
        for step, share, count in (("vae", 0.1, 0), ("text", 0.04, 0), ("latents", 0, clips), ("others", 0, clips), ("dit", 0.76, 0),
                                   ("trajectories", 0, clips // 8), ("student", 0.1, 0)):
            args.minutes, args.clips = total * share, count
            STEPS[step](args)
        return
    args.minutes = args.minutes or {"vae": 12, "text": 5, "dit": 240, "student": 20}.get(args.step, 0)
    STEPS[args.step](args)


if __name__ == "__main__":
    main()
