//! What clients speak to: one folder per dialect, each with its own wire types, codes and errors. Nothing in here
//! decides anything.

pub mod h5;
pub mod sandbox;
