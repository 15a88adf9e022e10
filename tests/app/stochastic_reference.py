"""Stochastic solvers in plain NumPy, written from the descriptions in README and in the headers:
what the program's steps must equal. The order of rows is computed here a second time."""
import math

import numpy as np

M64 = (1 << 64) - 1
GOLDEN = 0x9E3779B97F4A7C15


def mixed(h):
    """SplitMix64's finaliser."""
    h = (h ^ (h >> 30)) * 0xBF58476D1CE4E5B9 & M64
    h = (h ^ (h >> 27)) * 0x94D049BB133111EB & M64
    return h ^ (h >> 31)


def row_order(rows, seed, epoch):
    """The rows of an epoch, by the cipher that include/paralogit/model/row_order.hpp describes."""
    tall = math.isqrt(rows - 1) + 1 if rows > 1 else 1
    wide = -(-rows // tall)
    of_epoch = mixed((mixed(seed) + epoch) & M64)
    keys = [mixed((of_epoch + (i + 1) * GOLDEN) & M64) for i in range(6)]

    def part(x, key, extent):
        h = (x + key) * 0xBF58476D1CE4E5B9 & M64
        h ^= h >> 32
        return (((h * 0x94D049BB133111EB & M64) >> 32) * extent) >> 32

    order = []
    for place in range(rows):
        l, r = divmod(place, wide)
        while True:
            for i, key in enumerate(keys):
                if i % 2 == 0:
                    l = (l + part(r, key, tall)) % tall
                else:
                    r = (r + part(l, key, wide)) % wide
            if l * wide + r < rows:
                break
        order.append(l * wide + r)
    return np.array(order)


def order_of_groups(rows, seed, epoch, group=32):
    """The same with so many neighbours together; what is behind the last group comes last."""
    whole = rows // group
    order = [np.arange(g * group, (g + 1) * group) for g in row_order(whole, seed, epoch)]
    return np.concatenate([*order, np.arange(whole * group, rows)])


def rate_of(step, steps_of_epoch, rate, schedule="constant", decay=1.0, decay_epochs=10,
            schedule_epochs=1, warmup=0.0):
    e = step / steps_of_epoch
    if schedule == "inverse":
        rate = rate / (1 + decay * e)
    elif schedule == "step":
        rate = rate * decay ** (step // steps_of_epoch // decay_epochs)
    elif schedule == "cosine":
        rate = rate * (1 + math.cos(math.pi * min(e / schedule_epochs, 1))) / 2
    return rate * min(1, (step + 1) / (warmup * steps_of_epoch)) if warmup else rate


def train(X, y, solver, epochs, batch_size, learning_rate, l2=0.0, seed=1, shuffle=True,
          momentum=0.0, nesterov=False, beta1=0.9, beta2=0.999, epsilon=1e-8, clip=None,
          average=None, decoupled=False, weights=None, start=None, standardize=False, **schedule):
    """Coefficients and intercept after each epoch, [epochs x (d + 1)]."""
    n, d = X.shape
    weights = np.ones(n) if weights is None else weights
    counts = weights > 0
    mean_weight = weights.sum() / counts.sum()
    centre, scale = np.zeros(d), np.ones(d)
    if standardize:
        centre = np.average(X, axis=0, weights=weights)
        # The penalty counts as curvature that the feature has: a quarter of a row's square each.
        scale = np.sqrt(np.average((X - centre) ** 2, axis=0, weights=weights) + 4 * l2)
    # In centred and scaled features; the penalty is on the coefficients of the plain ones.
    Z = np.hstack([(X - centre) / scale, np.ones((n, 1))])
    held = np.append(l2 / scale**2, 0.0)
    q = np.zeros(d + 1) if start is None else np.array(start, dtype=float)
    velocity, first, second, squares = (np.zeros(d + 1) for _ in range(4))
    mean, averaged = None, 0
    # Rows of weight 0 take places in the order, but not in a batch.
    batch_size = int(batch_size * n / counts.sum() + 0.5)
    batches = -(-n // batch_size)
    step, updates, path = 0, 0, []
    for epoch in range(epochs):
        order = np.arange(n)
        if shuffle:
            order = (order_of_groups if shuffle == "groups" else row_order)(n, seed, epoch)
        for b in range(batches):
            rows = order[b * batch_size:(b + 1) * batch_size]
            rate = rate_of(step, batches, learning_rate, **schedule)
            step += 1
            if counts[rows].any():
                slope = weights[rows] * (1 / (1 + np.exp(-Z[rows] @ q)) - y[rows])
                g = Z[rows].T @ slope / (counts[rows].sum() * mean_weight)
                if clip is not None and np.linalg.norm(g) > clip:
                    g = g * (clip / np.linalg.norm(g))
                if decoupled:
                    q = q * np.append(np.full(d, 1 - rate * l2), 1.0)
                else:
                    g = g + held * q
                updates += 1
                if solver == "adam":
                    first = beta1 * first + (1 - beta1) * g
                    second = beta2 * second + (1 - beta2) * g**2
                    spread = np.sqrt(second / (1 - beta2**updates)) + epsilon
                    q = q - rate * first / (1 - beta1**updates) / spread
                elif solver == "adagrad":
                    squares = squares + g**2
                    q = q - rate * g / (np.sqrt(squares) + epsilon)
                else:
                    velocity = momentum * velocity + g
                    q = q - rate * (g + momentum * velocity if nesterov else velocity)
            if average is not None and epoch >= average:
                averaged += 1
                mean = q if mean is None else mean + (q - mean) / averaged
        point = q if mean is None else mean
        w = point[:d] / scale
        path.append(np.append(w, point[d] - w @ centre))
    return np.array(path)
