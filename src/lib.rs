//! UDP in the classroom.
//!
//! A [lesson](lessons) states its [claims](vocabulary::Claim), runs real sockets in the lab, and the
//! [comparer](vocabulary::judge) holds what was observed against what was claimed. [`render`] draws the report.

mod arguments;
pub mod cli;
mod doctor;
mod experiments;
mod interactive;
pub mod kernel;
mod lab;
pub mod lessons;
mod programs;
pub mod questions;
pub mod render;
mod sockets;
pub mod systems;
pub mod vocabulary;
