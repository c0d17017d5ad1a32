"""One entry for everything that is trained. Each step writes into `--out` and reads what earlier steps left there.

    python train.py --out RUN vae | text | latents | others | dit | sample      one step
    python train.py --out RUN all --minutes 90                all of them, the time shared out
    python train.py --out RUN all --rehearse                  the whole chain in about two minutes

Every step is limited by time, not by a number of updates, so that the learning rate has come down
to zero when the time is up, on whatever machine. `dit` goes on from its checkpoint when there is one.
"""

import argparse
import json
import math
import signal
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

import captions
import dit
import text
import vae
import world
from team import Team, start_helpers


def ramp(progress, warmup=0.03):
    """Learning-rate factor over progress 0..1: linear warm-up, level, then a cosine fall to zero over the last 70 %."""
    if progress < warmup:
        return max(progress / warmup, 0.02)
    return 0.5 + 0.5 * math.cos(math.pi * min(1.0, max(0.0, (progress - 0.3) / 0.7)))


class Clock:
    """Progress of a step that may take `minutes`, of which `spent_s` went in before a restart."""

    def __init__(self, minutes, spent_s=0.0):
        self.total_s, self.start = minutes * 60, time.time() - spent_s

    def spent(self):
        return time.time() - self.start

    def progress(self):
        return self.spent() / self.total_s


def log_to(path):
    def log(**record):
        line = json.dumps({name: round(value, 5) if isinstance(value, float) else value for name, value in record.items()})
        print(line, flush=True)
        with open(path, "a") as file:
            file.write(line + "\n")
    return log


def save_atomically(obj, path):
    temporary = path.with_suffix(".part")
    torch.save(obj, temporary)
    temporary.replace(path)


def clip_weights(scenes):
    """Loss weights with mean 1: more for faint and for small objects, whose outline the squared error alone hardly notices."""
    contrast = np.linalg.norm(world.COLOUR_RGB[scenes["colour"]] - world.BACKGROUND_RGB[scenes["background"]], axis=1)
    weights = 1 / (contrast ** 2 * scenes["radius"])
    return torch.from_numpy(weights / weights.mean()).float()


def train_vae(args):
    """Principal components first, then all weights on the squared error, with noise on the latent.

    The noise (up to a fifth of a latent's deviation) makes the decoder forgive the small errors of a
    denoiser; a weak pull to unit variance keeps the encoder from shouting over it. With
    `--decoder-only` the saved autoencoder goes on with its encoder, and so all latents, as they are.
    """
    torch.manual_seed(args.seed)
    log = log_to(args.out / "vae.jsonl")
    device = args.device
    scenes, seed = world.training_scenes(args.seed + 1, 1000)
    frames = world.to_model_range(world.render(scenes))
    held_back = frames[:96].to(device)
    if args.decoder_only:
        model = vae.load(args.out / "vae.pt", device)[0].train()
        model.encoder.requires_grad_(False)
        seed += 50_000_000
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
    clock, step = Clock(args.minutes), 0
    while clock.progress() < 1:
        if step % 64 == 0:
            scenes, seed = world.training_scenes(seed, 512)
            pool, weights = world.render(scenes, device=device), clip_weights(scenes).to(device)
        for group in optimiser.param_groups:
            group["lr"] = group["peak"] * ramp(clock.progress())
        rows = torch.randint(len(pool), (args.vae_batch,), device=device)
        x, weight = world.to_model_range(pool[rows]), 0.3 + 0.7 * weights[rows]
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
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        step += 1
        if step % 50 == 0:
            log(step=step, spent_s=clock.spent(), loss=float(loss.detach()), psnr=vae.psnr(decoded.detach().float(), x))
    model.eval()
    with torch.no_grad():
        score = vae.psnr(model.decoder(model.encoder(held_back)), held_back)
    log(step=step, spent_s=clock.spent(), round_trip_psnr=score)
    vae.save(model.cpu(), args.out / "vae.pt", psnr=score, seconds=clock.spent())


def train_text(args):
    """Teach the text encoder to say every attribute of a caption, in any wording, and to fill in masked words."""
    torch.manual_seed(args.seed)
    log = log_to(args.out / "text.jsonl")
    rng = np.random.default_rng(args.seed)
    tokenizer = captions.train_tokenizer(args.out / "tokenizer.json")
    encoder = text.TextEncoder(text.TextConfig(vocabulary=tokenizer.get_vocab_size(), width=args.text_width)).to(args.device)
    heads = text.Heads(encoder.config).to(args.device)
    parameters = [*encoder.parameters(), *heads.parameters()]
    optimiser = torch.optim.AdamW(parameters, lr=2e-3, weight_decay=0.01, fused=True)
    clock, step = Clock(args.minutes), 0
    while clock.progress() < 1:
        for group in optimiser.param_groups:
            group["lr"] = 2e-3 * ramp(clock.progress())
        batch = [captions.random_caption(rng, captions.random_attributes(rng)) for _ in range(128)]
        loss, accuracy = text.pretraining_loss(encoder, heads, tokenizer, batch, rng, args.device)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        step += 1
        if step % 100 == 0:
            log(step=step, spent_s=clock.spent(), loss=float(loss.detach()), accuracy=accuracy)
    text.save(encoder.cpu(), args.out / "text.pt")


#: Frame counts and sizes (frames, height, width) mixed in beside the default, so that the denoiser serves them too.
OTHER_SIZES = ((9, 64, 64), (25, 64, 64), (33, 64, 64), (17, 64, 96), (17, 96, 64), (17, 48, 48), (17, 80, 80), (17, 96, 96))
#: Share of the updates made on them.
OTHER_SHARE = 0.12


@torch.no_grad()
def encode_clips(args, model, first_seed, count, frame_count=world.DEFAULT_FRAME_COUNT, height=64, width=64):
    """Latents (float16) and attribute rows of `count` training clips, and the next seed."""
    seed, parts, attributes = first_seed, [], []
    for first in range(0, count, 256):
        scenes, seed = world.training_scenes(seed, min(256, count - first), frame_count)
        frames = world.to_model_range(world.render(scenes, frame_count, width, height, args.device))
        with torch.autocast(device_type=torch.device(args.device).type, dtype=torch.bfloat16, enabled=args.bf16):
            parts.append(torch.cat([model.encoder(chunk) for chunk in frames.split(32)]).half().cpu())
        attributes.append(captions.attributes_of(scenes))
    return {"latents": torch.cat(parts), "attributes": torch.from_numpy(np.concatenate(attributes))}, seed


def make_other_latents(args):
    """Clips of other frame counts and sizes, a twentieth of `--clips` of each, into `latents-other.pt`."""
    log = log_to(args.out / "latents.jsonl")
    model, _ = vae.load(args.out / "vae.pt", args.device)
    start, seed, groups = time.time(), args.seed + 500_000_000, []
    for frame_count, height, width in OTHER_SIZES:
        group, seed = encode_clips(args, model, seed, args.clips // 20, frame_count, height, width)
        groups.append(group)
    save_atomically(groups, args.out / "latents-other.pt")
    log(other_clips=sum(len(group["latents"]) for group in groups), seconds=time.time() - start)


def make_latents(args):
    """Render and encode `--clips` training clips; latents as float16, with the attributes their captions need."""
    log = log_to(args.out / "latents.jsonl")
    model, _ = vae.load(args.out / "vae.pt", args.device)
    start = time.time()
    data, _ = encode_clips(args, model, args.seed + 10_000_000, args.clips)
    latents = data["latents"]
    sample = latents[:8192].float()
    mean, std = sample.mean(dim=(0, 2, 3, 4)), sample.std(dim=(0, 2, 3, 4))
    save_atomically({**data, "mean": mean, "std": std}, args.out / "latents.pt")
    log(clips=len(latents), seconds=time.time() - start, std=[round(float(v), 3) for v in std])


def train_dit(args, team=None):
    """Flow matching on the cached latents. Goes on from `dit.pt` if it is there, within the same total of minutes."""
    if team is None:
        meeting_place = (args.out / "team").absolute()
        start_helpers(train_dit, args, args.workers, meeting_place)
        team = Team(0, args.workers, meeting_place)
    log = log_to(args.out / "dit.jsonl")
    device = torch.device(args.device)
    cache = torch.load(args.out / "latents.pt", weights_only=True, mmap=True)
    latents, attributes = cache["latents"], cache["attributes"].tolist()
    others_file = args.out / "latents-other.pt"
    others = torch.load(others_file, weights_only=True, mmap=True) if others_file.exists() else []
    mean, std = (cache[name].view(1, -1, 1, 1, 1).to(device) for name in ("mean", "std"))
    tokenizer = captions.load_tokenizer(args.out / "tokenizer.json")
    encoder = text.load(args.out / "text.pt", args.device)

    torch.manual_seed(args.seed)
    config = dit.DitConfig(channels=latents.shape[1], text_width=encoder.config.width, width=args.width, depth=args.depth, heads=args.heads)
    model = dit.Dit(config).to(device)
    ema, step, samples, spent = dit.Ema(model), 0, 0, 0.0
    checkpoint = args.out / "dit.pt"
    saved = torch.load(checkpoint, map_location=device, weights_only=True) if checkpoint.exists() else None
    if saved:
        model.load_state_dict(saved["state"])
        ema.model.load_state_dict(saved["ema"])
        ema.steps = step = saved["step"]
        samples, spent = saved["samples"], saved["spent_s"]
    matrices, rest = dit.split_parameters(model)
    # Muon's momentum is short, so it is divided among the team and not saved.
    optimisers = [(dit.muon(team.own_share(matrices), args.muon_lr), args.muon_lr), (dit.adam(rest, args.adam_lr), args.adam_lr)]
    if saved and "adam" in saved:
        optimisers[1][0].load_state_dict(saved["adam"])
    # One text length throughout, so that the compiled graph is made once.
    network = torch.compile(model) if args.compile else model
    torch.manual_seed(args.seed + step + 1000 * team.rank)
    rng = np.random.default_rng([args.seed, step, team.rank])
    batch = args.batch // team.count
    # Spinning is the hardest motion, its shape different in every frame: those clips come three times an epoch.
    is_spin = cache["attributes"][:, captions.ATTRIBUTES.index("motion")] == world.SPINS
    epoch = np.repeat(np.arange(len(latents)), np.where(is_spin, 3, 1))
    clock, order, losses, last_save = Clock(args.minutes, spent), [], [], time.time()
    # Asked to stop (kill, or a machine being taken away): finish the update, save, leave.
    stop = []
    if team.leads:
        signal.signal(signal.SIGTERM, lambda *_: stop.append(True))

    def save():
        save_atomically({"config": asdict(config), "state": model.state_dict(), "ema": ema.model.state_dict(),
                         "adam": optimisers[1][0].state_dict(), "step": step, "samples": samples, "spent_s": clock.spent(),
                         "shift": args.shift}, checkpoint)

    while True:
        other = rng.integers(len(others)) if others and rng.random() < OTHER_SHARE else -1
        progress, other, stopped = team.agree(clock.progress(), other, len(stop))
        if progress >= 1 or stopped:
            break
        if other >= 0:
            group = others[int(other)]
            # As many tokens as a batch of the default size.
            count = max(1, batch * latents[0, 0].numel() // group["latents"][0, 0].numel())
            rows = rng.integers(len(group["latents"]), size=count)
            x, facts, denoiser = group["latents"][rows], group["attributes"][rows].tolist(), model
        else:
            if len(order) < batch:
                order = rng.permutation(epoch).tolist()
            rows, order = order[:batch], order[batch:]
            x, facts, denoiser = latents[rows], [attributes[row] for row in rows], network
        x = (x.to(device).float() - mean) / std
        sentences = [captions.random_caption(rng, row, canonical_share=0.6)[0] if rng.random() >= 0.1 else "" for row in facts]
        ids, mask = (torch.from_numpy(a).to(device) for a in captions.encode(tokenizer, sentences, length=24))
        with torch.no_grad():
            hidden = encoder(ids, mask)
        with torch.autocast(device_type=device.type, dtype=torch.bfloat16, enabled=args.bf16):
            loss = dit.flow_loss(denoiser, x, hidden, mask, args.shift)
        loss.backward()
        team.average_gradients(list(model.parameters()))
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0, foreach=True)
        for optimiser, peak in optimisers:
            for group in optimiser.param_groups:
                group["lr"] = peak * ramp(progress)
            optimiser.step()
        model.zero_grad(set_to_none=True)
        team.exchange(matrices)
        step, samples = step + 1, samples + len(facts) * team.count
        if not team.leads:
            continue
        ema.update(model)
        losses.append(loss.detach())
        if len(losses) == 25:
            log(step=step, samples=samples, spent_s=clock.spent(), lr_factor=ramp(progress), loss=float(torch.stack(losses).mean()))
            losses = []
        if time.time() - last_save > args.save_minutes * 60:
            save()
            last_save = time.time()
    if team.leads:
        save()


def sample_clips(args):
    """Draw the first `--count` evaluation prompts from the checkpoint as it is now, into `samples/` for the scorer."""
    device = torch.device(args.device)
    model, saved = dit.load(args.out / "dit.pt", args.device, ema=not args.raw)
    decoder = vae.load(args.out / "vae.pt", args.device)[0].decoder
    encoder = text.load(args.out / "text.pt", args.device)
    tokenizer = captions.load_tokenizer(args.out / "tokenizer.json")
    cache = torch.load(args.out / "latents.pt", weights_only=True, mmap=True)
    mean, std = (cache[name].view(1, -1, 1, 1, 1).to(device) for name in ("mean", "std"))
    sentences = [captions.canonical(row) for _, row, _ in world.evaluation_scenes()[: args.count]]
    encode = lambda batch: tuple(torch.from_numpy(a).to(device) for a in captions.encode(tokenizer, batch))
    generator = torch.Generator().manual_seed(args.seed)
    clips = []
    with torch.no_grad():
        empty_ids, empty_mask = encode([""])
        for first in range(0, len(sentences), 32):
            ids, mask = encode(sentences[first : first + 32])
            noise = torch.randn(len(ids), len(cache["mean"]), 5, 8, 8, generator=generator).to(device)
            latent = dit.sample(model, encoder(ids, mask), mask, encoder(empty_ids, empty_mask), empty_mask, noise,
                                args.steps, args.sample_shift or saved["shift"], args.guidance)
            clips.append(world.to_bytes(decoder(latent * std + mean)).cpu())
    write_clips(args.out / "samples", torch.cat(clips).numpy(), sentences)


def write_clips(folder, clips, sentences):
    """Raw clips for the TypeScript scorer: uint8 [clips, T, H, W, 3] in `clips.u8`, what they should show in `clips.json`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "clips.u8").write_bytes(clips.tobytes())
    _, frame_count, height, width, _ = clips.shape
    (folder / "clips.json").write_text(json.dumps({"width": width, "height": height, "frameCount": frame_count, "captions": sentences}))


STEPS = {"vae": train_vae, "text": train_text, "latents": make_latents, "others": make_other_latents, "dit": train_dit, "sample": sample_clips}


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
    parser.add_argument("--latent-channels", type=int, default=16)
    parser.add_argument("--vae-width", type=int, default=160)
    parser.add_argument("--decoder-only", action="store_true", help="vae: go on with the saved one, its latents unchanged")
    parser.add_argument("--vae-batch", type=int, default=16)
    parser.add_argument("--text-width", type=int, default=128)
    parser.add_argument("--clips", type=int, default=60_000)
    parser.add_argument("--save-minutes", type=float, default=3)
    parser.add_argument("--raw", action="store_true", help="sample: the weights themselves, not their moving average")
    parser.add_argument("--count", type=int, default=32, help="sample: how many prompts")
    parser.add_argument("--steps", type=int, default=16, help="sample: Euler steps")
    parser.add_argument("--guidance", type=float, default=3.0, help="sample: guidance scale")
    parser.add_argument("--sample-shift", type=float, default=None, help="sample: shift, if not the one trained with")
    dit.add_arguments(parser)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    if args.step == "all":
        # Shares of the whole: the autoencoder and the encoder learn fast, the denoiser wants the rest.
        total = args.minutes or 100
        if args.rehearse:
            args.clips, total = 512, 2
        # Latents have no time limit; they take as long as the clips asked for.
        for step, share in (("vae", 0.12), ("text", 0.04), ("latents", 0.0), ("others", 0.0), ("dit", 0.84)):
            args.minutes = total * share
            STEPS[step](args)
        return
    args.minutes = args.minutes or {"vae": 10, "text": 4, "dit": 80}.get(args.step, 0)
    STEPS[args.step](args)


if __name__ == "__main__":
    main()
