"""The objective of a model, and the optimum, in plain float64 numpy: what every result is held
against. Nothing here is shared with any of the programs that are compared."""
import math

import numpy as np

# What objectives of 64-bit arithmetic may differ by without being different, relative.
ROUNDING = 1e-12


class Wrong(Exception):
    """A result that contradicts the optimum: the comparison cannot be trusted and ends."""


class Problem:
    """mean BCE + l2/2 (sum_j p_j w_j^2 + q b^2). p is 1 and q is 0 for the problem that paralogit
    solves; other values are the problems that some peers solve instead."""

    def __init__(self, X, y, l2, p=None, q=0.0):
        self.X, self.y, self.l2, self.q = X, y, l2, q
        self.n, self.d = X.shape
        self.p = np.ones(self.d) if p is None else p
        self.penalty = l2 * np.append(self.p, q)

    def blocks(self):
        rows = max(1, 4_000_000 // self.d)
        for begin in range(0, self.n, rows):
            part = slice(begin, begin + rows)
            yield part, self.X[part].astype(np.float64)

    def value(self, v):
        """Of the parameters v = (w, b)."""
        sums = []
        for part, X in self.blocks():
            z = X @ v[:-1] + v[-1]
            loss = np.maximum(z, 0) - self.y[part] * z + np.log1p(np.exp(-np.abs(z)))
            sums.append(loss.sum())
        return math.fsum(sums) / self.n + 0.5 * float(v @ (self.penalty * v))

    def slopes(self, v):
        """The gradient, and the curvature of each row's loss."""
        gradient = self.penalty * v
        curvature = np.empty(self.n)
        for part, X in self.blocks():
            e = np.exp(-np.abs(z := X @ v[:-1] + v[-1]))
            curvature[part] = e / (1 + e) ** 2
            r = (np.where(z >= 0, 1.0, e) / (1 + e) - self.y[part]) / self.n
            gradient += np.append(r @ X, r.sum())
        return gradient, curvature

    def bend(self, curvature, v):
        """The Hessian times v."""
        result = self.penalty * v
        for part, X in self.blocks():
            r = curvature[part] * (X @ v[:-1] + v[-1]) / self.n
            result += np.append(r @ X, r.sum())
        return result

    def rough_inverse(self, curvature):
        """The inverse of the Hessian of some of the rows: a preconditioner."""
        rows = np.unique(np.linspace(0, self.n - 1, max(20_000, 8 * self.d)).astype(int))
        A = np.column_stack([self.X[rows].astype(np.float64), np.ones(len(rows))])
        H = (A * (curvature[rows] / len(rows))[:, None]).T @ A + np.diag(self.penalty)
        # A column that is constant in these rows gets a scale all the same.
        s = 1 / np.sqrt(np.diag(H) + 1e-12 * np.diag(H).max())
        H = H * np.outer(s, s) + 1e-12 * np.eye(len(H))
        return np.outer(s, s) * np.linalg.inv(H)


class SparseProblem(Problem):
    """The same of compressed sparse rows; with a preconditioner that is no matrix, and with the
    intercept held at 0 if there is to be none."""

    def __init__(self, X, y, l2, intercept):
        super().__init__(X, y, l2)
        self.X = X.astype(np.float64)
        self.intercept = intercept

    def blocks(self):
        yield slice(0, self.n), self.X

    def held(self, v):
        if not self.intercept:
            v[-1] = 0
        return v

    def slopes(self, v):
        gradient, curvature = super().slopes(v)
        return self.held(gradient), curvature

    def bend(self, curvature, v):
        return self.held(super().bend(curvature, v))

    def rough_inverse(self, curvature):
        from scipy.sparse import diags
        squares = self.X.copy()
        squares.data **= 2
        diagonal = np.append(squares.T @ curvature, curvature.sum()) / self.n + self.penalty
        return diags(1 / diagonal)


def newton_step(problem, gradient, curvature, inverse):
    """Preconditioned conjugate gradients on H s = -g; returns s and the iterations."""
    s, r = np.zeros_like(gradient), -gradient
    u = inverse @ r
    rho = first = r @ u
    direction = u
    for iteration in range(1, 501):
        if rho <= 1e-12 * first:
            return s, iteration
        bent = problem.bend(curvature, direction)
        alpha = rho / (direction @ bent)
        s, r = s + alpha * direction, r - alpha * bent
        u = inverse @ r
        rho, last = r @ u, rho
        direction = u + rho / last * direction
    return s, 500


def newton(problem, v):
    """The optimum from v by Newton's method, certified: returns v, F and the Newton decrement,
    g' H^-1 g / 2, which is how far F lies above the optimum."""
    inverse, F = None, problem.value(v)
    for _ in range(100):
        gradient, curvature = problem.slopes(v)
        if inverse is None:
            inverse = problem.rough_inverse(curvature)
        s, iterations = newton_step(problem, gradient, curvature, inverse)
        decrement = -float(gradient @ s) / 2
        if abs(decrement) <= 1e-15 * F:
            return v, F, abs(decrement)
        if iterations > 40:
            inverse = None  # of a point too far away by now
        step = 1.0
        while (trial := problem.value(v + step * s)) > F * (1 + 1e-14) - 1e-4 * step * decrement:
            step /= 2
            if step < 1e-6:
                raise Wrong(f"the reference found no optimum: it is {decrement / F:.1e} off")
        v, F = v + step * s, trial
    raise Wrong("the reference found no optimum in 100 iterations")


def optimum(problem, start=None):
    """v, F and the decrement. With fewer rows than features the optimum lies in the space of the
    rows, w = P^-1/2 Q u with an orthonormal Q, and is sought there."""
    v = np.zeros(problem.d + 1) if start is None else start
    if isinstance(problem, SparseProblem) or problem.n >= problem.d or problem.l2 == 0:
        return newton(problem, v)
    root = np.sqrt(problem.p)
    A = problem.X.astype(np.float64) / root
    Q, R = np.linalg.qr(A.T)
    small = Problem(R.T, problem.y, problem.l2, q=problem.q)
    u, _, decrement = newton(small, np.append(Q.T @ (root * v[:-1]), v[-1]))
    v = np.append(Q @ u[:-1] / root, u[-1])
    return v, problem.value(v), decrement


def excess(value, best, what):
    """How far above the optimum, relative. Nothing can be below: then the optimum is wrong, or the
    result belongs to another problem."""
    relative = (value - best) / best
    if not relative >= -ROUNDING:
        raise Wrong(f"{what}: objective {value!r} is {-relative:.1e} below the optimum {best!r}")
    return relative
