from leadline.studies.asynchronous_staleness import STUDY
from leadline.studies.study import Settings


def test_found_is_the_staleness_of_the_courses_order():
    observation = STUDY.observe(Settings())
    evidence = STUDY.checks[0].evidence(observation)
    versions = {"L1": 0, "L2": 0}
    late = []
    for applied, learner in enumerate(["L1", "L1", "L2", "L1", "L1", "L2"]):
        late.append(applied - versions[learner])
        versions[learner] = applied + 1
    assert evidence.found == late
