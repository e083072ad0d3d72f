//! UDP in the classroom.
//!
//! A [lesson](lessons) states its [claims](vocabulary::Claim), runs real sockets in the [lab](lab::Lab), and the
//! [comparer](vocabulary::judge) holds what was observed against what was claimed. [`render`] draws the report.

mod around;
pub mod cli;
mod doctor;
mod experiments;
pub mod export;
mod interactive;
pub mod kernel;
mod lab;
pub mod lessons;
mod programs;
mod progress;
pub mod render;
pub mod vocabulary;
