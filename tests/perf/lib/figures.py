# SPDX-License-Identifier: Apache-2.0
"""Medians and the like, rounded as people read them."""
import statistics


def at(values, part):
    """The smallest value that `part` of all do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, min(len(ordered) - 1, -int(-part * len(ordered) // 1) - 1))]


def median(values, digits=3):
    return round(statistics.median(values), digits) if values else None


def spread(values, digits=1):
    """Median, p99 and how many; None where nothing was measured."""
    if not values:
        return None
    return {"median": median(values, digits), "p99": round(at(values, 0.99), digits), "n": len(values)}
