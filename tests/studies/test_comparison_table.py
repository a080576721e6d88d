from leadline.claims import Check, Evidence, value_check
from leadline.studies.comparison_table import stated_against_found


def test_rows_tell_values_verdicts_and_conditions():
    right = value_check("e6998.4.1.conv3-256a", lambda seen: seen, "Counted.", altered=1)
    amended = Check(
        claim="csc413b.5.4",
        procedure=lambda seen, stated: Evidence(
            as_stated=False, amended=True, condition="on Mondays", found={"k4": [[1, 0], [2, 2]]}, how="Tried."
        ),
        altered=None,
    )
    silent = Check(claim="e6998.4.2b.why", procedure=lambda seen, stated: Evidence(as_stated=True, how="Seen."),
                   asserted="pool", altered=None)  # fmt: skip
    table = stated_against_found([right, amended, silent], 294_912)
    assert table.rows == (
        ("e6998.4.1.conv3-256a", "294,912", "294,912", "holds", ""),
        ("csc413b.5.4", "k4: 1 0, k5: 2 1", "k4: 1 0; 2 2", "qualified", "on Mondays"),
        ("e6998.4.2b.why", "", "", "holds", ""),
    )
