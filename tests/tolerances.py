"""How closely a value must meet its oracle, by the kind of oracle."""

EXACT = 0.0
ALGEBRA = 1e-12  # the same formula in another order, float64
AUTOGRAD = 1e-10  # autograd in float64
FINITE_DIFFERENCE = 1e-6  # central differences in float64
STANDARD_ERRORS = 4.0  # Monte Carlo: this many standard errors
