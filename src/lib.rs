//! UDP in the classroom.
//!
//! A [lesson](lessons) states its [claims](vocabulary::Claim), runs real sockets in the [lab](lab::Lab), and the
//! [comparer](vocabulary::judge) holds what was observed against what was claimed. [`render`] draws the report.

pub mod cli;
pub mod doctor;
pub mod lab;
pub mod lessons;
pub mod platform;
pub mod render;
pub mod talk;
pub mod vocabulary;
