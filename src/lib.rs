//! UDP in the classroom.
//!
//! A [lesson](lessons) states its [claims](vocabulary::Claim), runs real sockets in the [lab](lab::Lab), and the
//! [comparer](vocabulary::judge) holds what was observed against what was claimed. [`render`] draws the report.

pub mod around;
pub mod cli;
pub mod doctor;
mod experiments;
pub mod export;
pub mod interactive;
pub mod kernel;
pub mod lab;
pub mod lessons;
pub mod programs;
pub mod progress;
pub mod render;
pub mod vocabulary;
