from leadline.claims import statements
from leadline.studies import studies

COUNTS = ("vgg-counts", "inception-counts", "colorization-counts", "colorization-parameters", "padding-arithmetic",
          "receptive-field-growth", "generated-networks")  # fmt: skip


def test_every_count_claim_is_decided_by_the_studies_of_counts():
    counted = {name for name, claim in statements().items() if claim.decide == "count"}
    decided = {check.claim for name in COUNTS for check in studies()[name].checks}
    assert decided == counted
    assert len(counted) > 30
