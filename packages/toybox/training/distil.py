"""The few-step student: learns to do in four steps, without guidance, what the base model does in many with it.

The way from noise to a clip is cut into four parts (a piecewise flow, arXiv:2405.07510). The teacher,
guidance included, goes it in short Euler steps; its places at the borders of the parts are kept. The
student, which begins as a copy of the teacher, learns to cross each part in one step. Half of the time
it starts from where its own steps have led instead of from the teacher's place, and learns to come back
to the teacher's next one, so that errors of early steps are mended by later ones.
"""

import numpy as np
import torch

import dit

#: Steps of the student, and the teacher's steps for each of them.
STEPS, TEACHER_STEPS_EACH = 4, 3


@torch.no_grad()
def trajectory(model, hidden, text_mask, empty_hidden, empty_mask, noise, condition, mask, shift, guidance):
    """The teacher's places at the borders, [STEPS + 1, B, C, T, h, w]: from noise to clean."""
    x, places = noise, [noise]
    schedule = dit.sigmas(STEPS * TEACHER_STEPS_EACH, shift)
    empty_hidden, empty_mask = empty_hidden.expand(len(x), -1, -1), empty_mask.expand(len(x), -1)
    for step, (now, after) in enumerate(zip(schedule[:-1], schedule[1:])):
        timestep = (now * dit.NUM_TRAIN_TIMESTEPS).expand(len(x)).to(x.device)
        velocity = model(x, timestep, hidden, text_mask, condition, mask)
        base = model(x, timestep, empty_hidden, empty_mask, condition, mask)
        x = x + (after - now) * (base + guidance * (velocity - base)).float()
        x = hold(x, condition, noise, mask, after)
        if (step + 1) % TEACHER_STEPS_EACH == 0:
            places.append(x)
    return torch.stack(places)


def hold(x, condition, noise, mask, sigma):
    """What is given carries the noise of the level, as in training."""
    return x * (1 - mask) + ((1 - sigma) * condition + sigma * noise) * mask


def student_loss(model, places, hidden, text_mask, condition, mask, shift, rng):
    """Squared error of the student's step against the way to the teacher's next place, over what is not given.

    `places` [STEPS + 1, B, C, T, h, w].
    """
    schedule, noise = dit.sigmas(STEPS, shift).to(places.device), places[0]
    part = int(rng.integers(STEPS))
    step = lambda x, k: model(x, (schedule[k] * dit.NUM_TRAIN_TIMESTEPS).expand(len(x)), hidden, text_mask, condition, mask)
    start = places[part]
    if part > 0 and rng.random() < 0.5:
        with torch.no_grad():
            start = noise
            for k in range(part):
                start = hold(start + (schedule[k + 1] - schedule[k]) * step(start, k).float(), condition, noise, mask, schedule[k + 1])
    wanted = (places[part + 1] - start) / (schedule[part + 1] - schedule[part])
    error = (step(start, part).float() - wanted).square() * (1 - mask)
    return (error.sum((1, 2, 3, 4)) / ((1 - mask).sum((1, 2, 3, 4)) * places.shape[2])).mean()
