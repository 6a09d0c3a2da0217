"""The door to every figure: error rates, likelihood-ratio costs, and the bootstrap over signers around them.

What is computed stands in `error_rates.py` (at a threshold), `likelihood.py` (of likelihood ratios), `figures.py`
(as functions of trials' weights) and `bootstrap.py` (intervals, "A beats B"). What is fitted is in `calibration.py`.
"""

from .bootstrap import Difference as Difference
from .bootstrap import Figures as Figures
from .bootstrap import Interval as Interval
from .bootstrap import Statistic as Statistic
from .bootstrap import Trials as Trials
from .bootstrap import bootstrap_figures as bootstrap_figures
from .bootstrap import bootstrap_over_signers as bootstrap_over_signers
from .bootstrap import named as named
from .bootstrap import paired_bootstrap as paired_bootstrap
from .bootstrap import paired_bootstrap_of as paired_bootstrap_of
from .error_rates import EqualErrorRate as EqualErrorRate
from .error_rates import ErrorCurve as ErrorCurve
from .error_rates import PerSignerEqualErrorRate as PerSignerEqualErrorRate
from .error_rates import auc as auc
from .error_rates import check_scores as check_scores
from .error_rates import d_prime as d_prime
from .error_rates import det_points as det_points
from .error_rates import eer as eer
from .error_rates import eer_per_signer as eer_per_signer
from .error_rates import far as far
from .error_rates import frr as frr
from .error_rates import rule_of_three as rule_of_three
from .error_rates import threshold_at_far as threshold_at_far
from .figures import RARE as RARE
from .figures import calibration_error_of as calibration_error_of
from .figures import cllr_of as cllr_of
from .figures import curve_figures as curve_figures
from .figures import d_prime_of as d_prime_of
from .figures import eer_of as eer_of
from .figures import eer_per_signer_of as eer_per_signer_of
from .figures import far_at as far_at
from .figures import frr_at as frr_at
from .figures import mean_of as mean_of
from .figures import means_over_repeats as means_over_repeats
from .likelihood import Reliability as Reliability
from .likelihood import Tippett as Tippett
from .likelihood import cllr as cllr
from .likelihood import expected_calibration_error as expected_calibration_error
from .likelihood import min_cllr as min_cllr
from .likelihood import reliability as reliability
from .likelihood import tippett as tippett
