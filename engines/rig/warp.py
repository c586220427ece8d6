"""Smooth displacement fields on the head mesh, along its surface: lips and lids that touch do not drag each other.

All fields minimise the bending energy ``|L x|^2`` of the uniform graph Laplacian ``L`` (Botsch and Sorkine 2008).
"""

from __future__ import annotations

import functools

import numpy as np
import scipy.sparse as sp
from scipy.sparse.linalg import splu

from engines.rig.head import Head
from engines.rig.mesh import PARTS


@functools.cache
def laplacian(head: Head) -> sp.csr_matrix:
    """Uniform Laplacian of skin and mouth lining, rows of other vertices empty : (V, V)."""
    surface = np.isin(head.mesh.parts, [PARTS.index("skin"), PARTS.index("mouthInner")])
    triangles = head.mesh.triangles[surface]
    count = len(head.mesh.vertices)
    edges = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
    edges = np.concatenate([edges, edges[:, ::-1]])
    adjacency = sp.csr_matrix((np.ones(len(edges)), edges.T), (count, count))
    adjacency.data[:] = 1
    degree = np.asarray(adjacency.sum(1)).ravel()
    scale = sp.diags(1 / np.maximum(degree, 1))
    return sp.csr_matrix(sp.diags((degree > 0).astype(float)) - scale @ adjacency)


def fit_field(head: Head, rows: sp.csr_matrix, values: np.ndarray, weights: np.ndarray, stiffness: float) -> np.ndarray:
    """The smooth field that takes given values at given places and dies away elsewhere : (V, 3).

    Parameters
    ----------
    rows : sparse (N, V), interpolation weights of the places
    values : (N, 3) wanted displacements
    weights : (N,) trust in them
    stiffness : how much bending is allowed to cost
    """
    smooth = laplacian(head)
    used = np.flatnonzero(np.asarray(abs(smooth).sum(1)).ravel() > 0)
    smooth, places = smooth[used][:, used], rows[:, used]
    trust = sp.diags(weights)
    system = places.T @ trust @ places + stiffness * (smooth.T @ smooth) + 2e-4 * sp.identity(len(used))
    solved = splu(sp.csc_matrix(system), permc_spec="MMD_AT_PLUS_A", options={"SymmetricMode": True}).solve(
        places.T @ (trust @ values)
    )
    field = np.zeros((len(head.mesh.vertices), 3))
    field[used] = solved
    return field


class Spread:
    """Carries displacements of a chain of vertices to its surroundings, fading to nothing at ``reach``.

    Parameters
    ----------
    head : the generic head
    chain : vertex indices whose displacement is given
    reach : distance in centimetres on the generic head beyond which nothing moves
    """

    def __init__(self, head: Head, chain: np.ndarray, reach: float) -> None:
        smooth = laplacian(head)
        surface = np.flatnonzero(np.asarray(abs(smooth).sum(1)).ravel() > 0)
        vertices = head.mesh.vertices
        near = np.linalg.norm(vertices[surface, None] - vertices[chain][None], axis=2).min(1) < reach
        region = surface[near]
        free = region[~np.isin(region, chain)]
        bend = sp.csr_matrix(smooth.T @ smooth)
        inner = bend[free][:, free] + 1e-3 * sp.identity(len(free))
        self.chain = np.asarray(chain)
        self.free = free
        self._matrix = np.asarray(splu(sp.csc_matrix(inner)).solve(-bend[free][:, self.chain].toarray()))

    def field(self, displacement: np.ndarray, count: int) -> np.ndarray:
        """The displacement of the chain (N, 3), carried on : (count, 3)."""
        result = np.zeros((count, 3))
        result[self.chain] = displacement
        result[self.free] = self._matrix @ displacement
        return result
