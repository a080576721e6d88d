from .batches import order
from .ensembles import train_ensemble
from .histories import History, Trained
from .loops import train
from .members import initialized, member_of, stacked_states
from .objectives import Objective, objective_of
from .optimizers import Optimizer, optimizer_of
from .recipes import Plan, Recipe, plan_of
from .schedules import BatchGrowth, Constant, Cosine, Cyclical, Exponential, OneCycle, StepDecay, WarmUp
from .steps import MappedStep, State, Step, build_step, state_of

__all__ = [
    "BatchGrowth",
    "Constant",
    "Cosine",
    "Cyclical",
    "Exponential",
    "History",
    "MappedStep",
    "Objective",
    "OneCycle",
    "Optimizer",
    "Plan",
    "Recipe",
    "State",
    "Step",
    "StepDecay",
    "Trained",
    "WarmUp",
    "build_step",
    "initialized",
    "member_of",
    "objective_of",
    "optimizer_of",
    "order",
    "plan_of",
    "stacked_states",
    "state_of",
    "train",
    "train_ensemble",
]
