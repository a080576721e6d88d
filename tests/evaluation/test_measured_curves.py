import pytest
import torch

from leadline.evaluation import ScoreCurves, score_curves


def test_the_three_curves_share_their_counts():
    curves = score_curves([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    assert curves.roc.counts is curves.precision_recall.counts is curves.precision_recall_gain.counts
    assert curves.roc.auroc == curves.areas.auroc
    assert ScoreCurves.from_dict(curves.to_dict()).to_dict() == curves.to_dict()
    assert curves.to_frame()["auprg"].item() == curves.precision_recall_gain.auprg
    axes = curves.plot_all()
    assert [ax.get_xlabel() for ax in axes] == ["false-positive rate", "recall", "recall gain"]
    assert len(curves.plot().lines) == 2


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device on this machine")
def test_tensors_on_another_device():
    labels, scores = torch.tensor([0, 0, 1, 1]).cuda(), torch.tensor([0.1, 0.4, 0.35, 0.8]).cuda()
    assert score_curves(labels, scores).areas.auroc == 0.75
