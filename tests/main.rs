//! The tests of the binary from outside. One program, so that it is linked once: `cargo test --test main weather::`
//! runs one file of it, `cargo test --test main boundaries` what has that word in its name.

#[cfg(target_os = "linux")]
mod broken_worlds;
mod commands;
mod evidence;
mod formats;
mod handout;
#[cfg(unix)]
mod interruptions;
mod lessons;
#[cfg(target_os = "linux")]
mod pages;
#[cfg(target_os = "linux")]
mod picture;
mod predict;
mod programs;
mod properties;
#[cfg(target_os = "linux")]
mod python;
mod questions;
mod registry;
mod screen;
mod scripts;
mod sentences;
mod step;
#[cfg(target_os = "linux")]
mod strangers;
mod support;
mod surroundings;
mod systems;
#[cfg(target_os = "linux")]
mod weather;
