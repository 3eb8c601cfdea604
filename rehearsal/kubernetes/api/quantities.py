"""Quantities such as 250m, 128Mi and 1.5G as numbers. Stands in for k8s.io/apimachinery/pkg/api/resource."""

from __future__ import annotations

from typing import Any

UNITS = {
    "n": 1e-9,
    "u": 1e-6,
    "m": 1e-3,
    "k": 1e3,
    "M": 1e6,
    "G": 1e9,
    "T": 1e12,
    "P": 1e15,
    "Ki": 2.0**10,
    "Mi": 2.0**20,
    "Gi": 2.0**30,
    "Ti": 2.0**40,
    "Pi": 2.0**50,
}


def quantity(value: Any) -> float:
    """The number that a quantity means; ValueError when it means none."""
    text = str(value).strip()
    for size in (2, 1):
        unit = text[-size:]
        if unit in UNITS:
            return float(text[:-size]) * UNITS[unit]
    return float(text)
