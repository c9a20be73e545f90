"""How sure a share is: the bounds that the number of cases allows. Pure."""

from statistics import NormalDist

BOTH_SIDES = NormalDist().inv_cdf(0.975)
"The true share lies between both bounds with a confidence of 95 %."
ONE_SIDE = NormalDist().inv_cdf(0.95)
"The true share lies beyond one bound with a confidence of 95 %."


def wilson(part: float, whole: float, *, z: float = BOTH_SIDES) -> tuple[float, float]:
    """Return the lower and the upper Wilson bound of a share, from 0 to 1.

    Source: Wilson, Probable inference (1927), without continuity correction.

    Args:
        part: how many cases count; a part of a case is allowed.
        whole: the number of cases, at least one; an effective number may be no integer.
        z: how sure the bounds are, in standard deviations.
    """
    share, weight = part / whole, z * z / whole
    middle = share + weight / 2
    spread = (weight * share * (1 - share) + weight * weight / 4) ** 0.5
    return max(0.0, (middle - spread) / (1 + weight)), min(1.0, (middle + spread) / (1 + weight))
