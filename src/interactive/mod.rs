//! What asks somebody at a terminal: the question before a run, and the run step by step.

pub mod predict;
pub mod step;
