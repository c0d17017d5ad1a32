"""Several processes that train one model together, each on its part of the batch.

On cores shared with other programs this beats threads by far: threads meet at a barrier in every
operation, so one that is held up holds up all; processes meet once per update. With a count of 1
nothing here does anything.
"""

import multiprocessing
import os

import torch
import torch.distributed as dist


class Team:
    """The processes of one training step. The one with rank 0 decides, logs and saves."""

    def __init__(self, rank, count, meeting_place):
        self.rank, self.count = rank, count
        if count > 1:
            torch.set_num_threads(max(1, (os.cpu_count() or 1) // count))
            dist.init_process_group("gloo", init_method=f"file://{meeting_place}", rank=rank, world_size=count)

    @property
    def leads(self):
        return self.rank == 0

    def agree(self, *numbers):
        """The leader's numbers."""
        if self.count == 1:
            return list(numbers)
        shared = torch.tensor(numbers, dtype=torch.float64)
        dist.broadcast(shared, src=0)
        return shared.tolist()

    @torch.no_grad()
    def average_gradients(self, parameters):
        if self.count == 1:
            return
        gradients = [p.grad for p in parameters]
        flat = torch.cat([gradient.flatten() for gradient in gradients])
        dist.all_reduce(flat)
        flat /= self.count
        for gradient, part in zip(gradients, flat.split([g.numel() for g in gradients])):
            gradient.copy_(part.view_as(gradient))

    def own_share(self, parameters):
        """The parameters this process updates when a costly optimiser is divided among all."""
        return parameters[self.rank :: self.count]

    @torch.no_grad()
    def exchange(self, parameters):
        """Every parameter as its owner (see `own_share`) has updated it."""
        for owner in range(self.count if self.count > 1 else 0):
            part = parameters[owner :: self.count]
            flat = torch.cat([p.flatten() for p in part])
            dist.broadcast(flat, src=owner)
            for p, values in zip(part, flat.split([p.numel() for p in part])):
                p.copy_(values.view_as(p))


def start_helpers(step, args, count, meeting_place):
    """Start processes 1..count-1 on `step(args, team)`; they end with this one."""
    meeting_place.unlink(missing_ok=True)
    for rank in range(1, count):
        multiprocessing.get_context("spawn").Process(target=_help, args=(step, args, rank, count, meeting_place), daemon=True).start()


def _help(step, args, rank, count, meeting_place):
    step(args, Team(rank, count, meeting_place))
